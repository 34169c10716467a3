import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { boundaryRules } from './boundary-rules.mjs';
import { checks } from './checks.mjs';
import { SmallCheckout, type CheckOutcome } from './fixture.js';

const boundaries = checks.filter(({ name }) => name === 'boundaries');
const from = (specifier: string): string => `export { here } from '${specifier}';\n`;

/** What it is, the file, its text, the rule that must name it. */
const violations: readonly (readonly [string, string, string, string])[] = [
  ['a service importing a service', 'services/audit/src/a.ts', from('@stance/gateway'), 'services/audit: rooms'],
  [
    'only a type of a service',
    'services/audit/src/b.ts',
    `export type * from '@stance/gateway';\n`,
    'services/audit: rooms',
  ],
  [
    'a dynamic import of a service',
    'services/audit/src/c.ts',
    `export const g = import('@stance/gateway');\n`,
    'services/audit: rooms',
  ],
  ['a lib importing a service', 'libs/jetstream/src/a.ts', from('@stance/audit'), 'libs/jetstream: rooms'],
  [
    'production code importing libs/testing',
    'services/gateway/src/a.ts',
    from('@stance/testing'),
    'services/gateway: rooms',
  ],
  [
    'production code importing libs/simulators',
    'services/gateway/src/b.ts',
    from('@stance/simulators'),
    'services/gateway: rooms',
  ],
  [
    'production code importing libs/nats-server',
    'services/all-in-one/src/a.ts',
    from('@stance/nats-server'),
    'services/all-in-one: rooms',
  ],
  ['deploy/local importing libs/testing', 'deploy/local/src/a.ts', from('@stance/testing'), 'deploy/local: rooms'],
  ['deploy/local importing one service', 'deploy/local/src/b.ts', from('@stance/audit'), 'deploy/local: rooms'],
  [
    'libs/nats-server importing a room of ours',
    'libs/nats-server/src/a.ts',
    from('@stance/contracts'),
    'libs/nats-server: rooms',
  ],
  ['the innermost lib importing another', 'libs/contracts/src/a.ts', from('@stance/policy'), 'libs/contracts: rooms'],
  ['a test room importing a service', 'test/e2e/src/a.ts', from('@stance/audit'), 'test/e2e: rooms'],
  [
    'a spec importing a service',
    'services/audit/src/a.spec.ts',
    from('@stance/gateway'),
    'services/audit: rooms of specs',
  ],
  [
    'libs/policy importing Node',
    'libs/policy/src/a.ts',
    `export { readFile } from 'node:fs/promises';\n`,
    'libs/policy: pure',
  ],
  [
    'libs/policy importing Nest',
    'libs/policy/src/b.ts',
    `export { Module } from '@nestjs/common';\n`,
    'libs/policy: packages',
  ],
  [
    'libs/policy importing NATS',
    'libs/policy/src/c.ts',
    `export { connect } from '@nats-io/transport-node';\n`,
    'libs/policy: packages',
  ],
  [
    'libs/contracts importing Node',
    'libs/contracts/src/b.ts',
    `export { hash } from 'node:crypto';\n`,
    'libs/contracts: pure',
  ],
  [
    'libs/contracts importing more than zod',
    'libs/contracts/src/c.ts',
    `export { of } from 'rxjs';\n`,
    'libs/contracts: packages',
  ],
  [
    'libs/simulators importing NATS',
    'libs/simulators/src/a.ts',
    `export { connect } from '@nats-io/transport-node';\n`,
    'libs/simulators: packages',
  ],
  ['a deep import', 'services/audit/src/d.ts', from('@stance/contracts/src/index.js'), 'no-unresolvable'],
  [
    'a deep import by path',
    'services/audit/src/e.ts',
    `export { inner } from '../../../libs/contracts/src/inner.js';\n`,
    'no-deep-import',
  ],
  [
    'a path to the index of a package',
    'services/audit/src/f.ts',
    from('../../../libs/contracts/src/index.js'),
    'no-relative-import-of-a-package',
  ],
  ['a cycle', 'libs/jetstream/src/one.ts', `export * from './two.js';\n`, 'no-cycle'],
  ['an import of a spec', 'services/gateway/src/c.ts', `export * from './fine.spec.js';\n`, 'specs-stay-outside'],
  [
    'a package in a script that runs before installation',
    'deploy/local/start.mjs',
    `import 'zod';\n`,
    'before-installation',
  ],
];

const allowed = {
  'libs/contracts/src/inner.ts': `export { z as inner } from 'zod';\n`,
  'libs/jetstream/src/two.ts': `export * from './three.js';\n`,
  'libs/jetstream/src/three.ts': from('@stance/contracts'),
  'libs/testing/src/any-lib.ts': from('@stance/jetstream') + `export { here as ns } from '@stance/nats-server';\n`,
  'services/all-in-one/src/fine.ts': from('@stance/audit'),
  'services/gateway/src/fine.spec.ts': from('@stance/testing') + `export { here as sim } from '@stance/simulators';\n`,
  'deploy/local/src/fine.ts': from('@stance/nats-server') + `export { here as all } from '@stance/all-in-one';\n`,
  'deploy/local/test.mjs': `import 'node:fs';\n`,
  'test/e2e/src/fine.ts': from('@stance/testing') + `export { here as sim } from '@stance/simulators';\n`,
};

describe('boundaries', () => {
  const misbehaved = Object.fromEntries(violations.map(([, file, text]) => [file, text]));
  const cycle = { 'libs/jetstream/src/two.ts': `export * from './one.js';\n` };
  const checkout = new SmallCheckout({ ...allowed, ...misbehaved, ...cycle });
  const wellBehaved = new SmallCheckout(allowed);
  let outcome: CheckOutcome;

  beforeAll(() => {
    outcome = checkout.run(...boundaries);
  });
  afterAll(() => {
    checkout.remove();
    wellBehaved.remove();
  });

  it('let pass what the rooms table allows', () => {
    expect(wellBehaved.run(...boundaries)).toMatchObject({ passed: true });
  });

  it.each(violations)('refuse %s', (_, file, __, rule) => {
    expect(outcome.passed).toBe(false);
    expect(outcome.output).toContain(`error ${rule}: ${file}`);
  });

  it('refuse nothing else', () => {
    const refused = outcome.output.match(/(?<=error .*: )\S+(?= →)/g);
    expect(new Set(refused)).toEqual(new Set(violations.map(([, file]) => file)));
  });

  it('refuse a workspace that the rooms table does not know', () => {
    expect(() => boundaryRules(['libs/contracts', 'libs/unheard-of'])).toThrow(/libs\/unheard-of: no row/);
  });
});
