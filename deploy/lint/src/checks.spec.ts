import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { build, checks, type Check } from './checks.mjs';
import { SmallCheckout, type CheckOutcome } from './fixture.js';

const check = (name: string): readonly Check[] => checks.filter((each) => each.name === name);

const promised = 'export async function later(): Promise<number> {\n  return await Promise.resolve(1);\n}\n';

describe('an empty checkout', () => {
  const checkout = new SmallCheckout({});
  beforeAll(() => {
    checkout.run({ name: 'formatting', commands: [['prettier', '--write', '.']], repair: '' });
  });
  afterAll(() => checkout.remove());

  it.each(checks.map(({ name }) => name))('passes the %s check', (name) => {
    expect(checkout.run(...check(name))).toMatchObject({ passed: true });
  });
});

describe('the code check', () => {
  /** The file, its text, the rule that must name it. */
  const violations: readonly (readonly [string, string, string])[] = [
    [
      'floating.ts',
      `import { later } from './later.js';\nexport const start = (): void => {\n  later();\n};\n`,
      'no-floating-promises',
    ],
    [
      'floating-far.ts',
      `import { later } from '@stance/contracts';\nexport const start = (): void => {\n  later();\n};\n`,
      'no-floating-promises',
    ],
    ['floating.spec.ts', `import { later } from './later.js';\nlater();\n`, 'no-floating-promises'],
    [
      'misused.ts',
      `import { later } from './later.js';\n[1].forEach(async () => {\n  await later();\n});\n`,
      'no-misused-promises',
    ],
    ['thenable.ts', `export const one = await 1;\n`, 'await-thenable'],
    [
      'switch.ts',
      `export function f(x: 'a' | 'b'): number {\n  switch (x) {\n    case 'a':\n      return 1;\n  }\n  return 2;\n}\n`,
      'switch-exhaustiveness-check',
    ],
    ['any.ts', `export let x: any;\n`, 'no-explicit-any'],
    ['any-in.ts', `export const x = JSON.parse('1');\n`, 'no-unsafe-assignment'],
    [
      'type-import.ts',
      `import { later } from './later.js';\nexport type Later = typeof later;\n`,
      'consistent-type-imports',
    ],
    ['hidden-import.ts', `export type Later = import('./later.js').T;\n`, 'consistent-type-imports'],
    ['ignore.ts', `// @ts-ignore\nexport const x: number = 'one';\n`, 'ban-ts-comment'],
    ['swallow.ts', `import { later } from './later.js';\ntry {\n  await later();\n} catch {}\n`, 'no-empty'],
    ['cycle.ts', `import { b } from './cycle-back.js';\nexport const a = (): number => b();\n`, 'no-cycle'],
    ['throw.ts', `export const fail = (): never => {\n  throw 'text';\n};\n`, 'only-throw-error'],
    [
      'skipped.spec.ts',
      `import { expect, it } from '@jest/globals';\nit.skip('sleeps', () => {\n  expect(1).toBe(1);\n});\n`,
      'no-disabled-tests',
    ],
    [
      'focused.spec.ts',
      `import { expect, it } from '@jest/globals';\nit.only('hogs', () => {\n  expect(1).toBe(1);\n});\n`,
      'no-focused-tests',
    ],
    [
      'empty.spec.ts',
      `import { it } from '@jest/globals';\nit('shows nothing', () => {\n  Math.random();\n});\n`,
      'expect-expect',
    ],
  ];
  const checkout = new SmallCheckout({
    'libs/contracts/src/index.ts': promised,
    'services/audit/src/later.ts': promised + 'export type T = number;\n',
    'services/audit/src/cycle-back.ts': `import { a } from './cycle.js';\nexport const b = (): number => a();\n`,
  });
  let outcome: CheckOutcome;

  beforeAll(() => {
    checkout.run(build);
    for (const [file, text] of violations) checkout.write(`services/audit/src/${file}`, text);
    outcome = checkout.run({ name: 'code', commands: [['oxlint', '--format=unix']], repair: '' });
  });
  afterAll(() => checkout.remove());

  it.each(violations)('refuses %s', (file, _, rule) => {
    const complaints = outcome.output.split('\n').filter((line) => line.includes(`services/audit/src/${file}:`));
    expect(outcome.passed).toBe(false);
    expect(complaints.join('\n')).toContain(rule);
  });

  it('lets pass a promise that is awaited', () => {
    expect(outcome.output).not.toContain('services/audit/src/later.ts');
  });
});

describe('the dead-code check', () => {
  const checkout = new SmallCheckout({
    'services/audit/src/index.ts': `export { used } from './partly-used.js';\n`,
    'services/audit/src/partly-used.ts': `export const used = 1;\nexport const deadExport = 2;\n`,
    'services/audit/src/dead-file.ts': `export const nobody = 1;\n`,
    'services/gateway/src/index.ts': `export { of } from 'rxjs';\n`,
    'libs/policy/package.json': JSON.stringify({ name: '@stance/policy', dependencies: { yaml: '2.9.1' } }),
  });
  let outcome: CheckOutcome;
  beforeAll(() => {
    outcome = checkout.run(...check('dead-code'));
  });
  afterAll(() => checkout.remove());

  it.each([
    ['a dead export', /deadExport +services\/audit\/src\/partly-used\.ts/],
    ['a dead file', /services\/audit\/src\/dead-file\.ts/],
    ['a package that package.json does not list', /Unlisted dependencies[^]*rxjs +services\/gateway/],
    ['a package that nothing uses', /Unused dependencies[^]*yaml +libs\/policy\/package\.json/],
  ])('refuses %s', (_, complaint) => {
    expect(outcome.passed).toBe(false);
    expect(outcome.output).toMatch(complaint);
  });
});

describe('the other checks', () => {
  it.each([
    [
      'format',
      'an unformatted file',
      { 'services/audit/src/a.ts': 'export  const a = "1"' },
      'services/audit/src/a.ts',
    ],
    [
      'types',
      'a type error in a spec',
      { 'libs/policy/src/a.spec.ts': `export const a: number = '1';\n` },
      'a.spec.ts',
    ],
    [
      'types',
      'a type error across packages',
      { 'libs/policy/src/a.ts': `export { gone } from '@stance/contracts';\n` },
      `'gone'`,
    ],
    [
      'documents',
      'a stale document',
      { 'services/all-in-one/generate-documents.mjs': `console.error('docs/reasons.md: stale');\nprocess.exit(1);\n` },
      'docs/reasons.md: stale',
    ],
    [
      'lock',
      'a lock without the packages of another platform',
      {
        'package-lock.json': `{ "packages": { "node_modules/a": { "optionalDependencies": { "a-darwin-x64": "1.0.0" } } } }\n`,
      },
      'a-darwin-x64@1.0.0',
    ],
  ] as const)('%s refuses %s', (name, _, files, complaint) => {
    const checkout = new SmallCheckout(files);
    const { passed, output } = checkout.run(...check(name));
    checkout.remove();
    expect(passed).toBe(false);
    expect(output).toContain(complaint);
  });
});
