import { describe, expect, test } from '@jest/globals';
import { cpuMsOf, hostileInEachPlace, propertyRuns } from '@stance/testing';
import * as fc from 'fast-check';
import { parsePolicy } from './parse-policy.js';
import type { PolicyError } from './policy.js';

const MINIMAL = 'version: 1\ngateways: { edge: { resources: [wiki] } }\n';

/** Two rules, and an exception from one of them. */
const exceptionFrom = (rule: string, waived: string): string => `
postures: { a: ['sentinelOne:infected == false'], b: ['sentinelOne:isActive == true'] }
rules:
  - { name: reader, resources: [wiki], require: [a] }
  - { name: never, effect: deny, resources: [wiki], when: [a] }
exceptions:
  - { device: d1, rule: ${rule}, waive: [${waived}], until: 2026-12-24T00:00:00Z, reason: INC-1, approvedBy: it@example.com }
`;

function errorsOf(text: string, leastMaxAge?: number): readonly PolicyError[] {
  const parsed = parsePolicy(text, leastMaxAge === undefined ? {} : { leastMaxAge });
  return parsed.ok ? [] : parsed.errors;
}

describe('a policy document', () => {
  test('needs no more than a version', () => expect(errorsOf('version: 1')).toEqual([]));

  test('may be JSON', () => {
    const document = {
      version: 1,
      gateways: { edge: { resources: ['wiki'] } },
      rules: [{ name: 'all', resources: ['*'] }],
    };
    const parsed = parsePolicy(JSON.stringify(document, null, 2));
    expect(parsed).toMatchObject({ ok: true, policy: { rules: [{ resources: ['wiki'] }], maxAge: 86_400_000 } });
  });

  test('may share parts by anchors', () => {
    const text = `${MINIMAL}postures:\n  a: &a [sentinelOne:infected == false]\n  b: *a\n`;
    expect(errorsOf(text)).toEqual([]);
    expect(errorsOf(text.replace('infected', 'infectd'))).toMatchObject([{ line: 4 }, { path: 'postures.b[0]' }]);
  });

  test.each<[string, string, { message?: unknown; path?: string; line?: number; column?: number }]>([
    ['nothing', '', { message: 'expected fields, got nothing' }],
    ['a text', 'hello', { message: 'expected fields, got a text', line: 1, column: 1 }],
    ['no version', 'rules: []', { message: 'version is missing', line: 1 }],
    ['another version', 'version: 2', { message: 'expected 1, got 2', line: 1, column: 10, path: 'version' }],
    ['a bad indentation', 'version: 1\nrules:\n  - name: a: b', { line: 3 }],
    ['an unknown tag', 'version: !!foo 1', { line: 1, column: 10 }],
    ['a key that is no text', 'version: 1\n? [a]\n: b', { message: 'a key has to be a text, and not __proto__' }],
    [
      'a key that pollutes',
      'version: 1\npostures:\n  __proto__: [sentinelOne:infected == false]',
      { line: 3, column: 3 },
    ],
    [
      'no duration',
      'version: 1\ndefaults: { maxAge: 1 day }',
      { message: 'expected a duration such as 15m or 24h', line: 2, column: 21 },
    ],
    ['a number for a duration', 'version: 1\ndefaults: { maxAge: 24 }', { message: 'expected a text, got a number' }],
    [
      'a duration of more parts than one has',
      `version: 1\ndefaults: { rearm: ${'1s'.repeat(40)} }`,
      { message: 'expected a duration of at most 3650d', line: 2, column: 20, path: 'defaults.rearm' },
    ],
    [
      'a duration of more than ten years',
      'version: 1\npostures: { a: { maxAge: 3650d1ms, conditions: [stance:agents > 0] } }',
      { message: 'expected a duration of at most 3650d', line: 2, column: 26, path: 'postures.a.maxAge' },
    ],
    ['an age of nothing', 'version: 1\ndefaults: { maxAge: 0s }', { message: 'maxAge has to be longer than nothing' }],
    [
      'an empty posture',
      'version: 1\npostures: { a: [] }',
      { message: 'expected at least one entry', path: 'postures.a' },
    ],
    [
      'a resource with blanks',
      'version: 1\ngateways: { edge: { resources: [a b] } }',
      { path: 'gateways.edge.resources[0]' },
    ],
    ['a resource twice', 'version: 1\ngateways: { edge: { resources: [a, a] } }', { message: 'edge lists a twice' }],
    [
      'a least proof of the device that there is not',
      'version: 1\ngateways: { edge: { resources: [a], identity: password } }',
      { message: 'expected certificate, token, address, got password', path: 'gateways.edge.identity' },
    ],
    [
      'a hold above a share that is none',
      "version: 1\ngateways: { edge: { resources: [a], hold: { for: 15m, above: '120%' } } }",
      { message: 'expected a share from 1% to 100%, such as 20%', path: 'gateways.edge.hold.above' },
    ],
    [
      'a hold for longer than a day',
      'version: 1\ngateways: { edge: { resources: [a], hold: 2d } }',
      { message: expect.stringMatching(/at most 24h/), path: 'gateways.edge.hold' },
    ],
    [
      'a posture that an allow rule requires twice',
      `${MINIMAL}postures: { a: ['sentinelOne:infected == true'] }\nrules: [{ name: a, resources: [wiki], require: [a, { posture: a, grace: 1h }] }]`,
      { message: 'this rule asks for a twice; once is enough', path: 'rules[0].require[1].posture' },
    ],
    [
      'a grace of a deny rule',
      `${MINIMAL}postures: { a: ['sentinelOne:infected == true'] }\nrules: [{ name: a, effect: deny, resources: [wiki], when: [{ posture: a, grace: 1h }] }]`,
      { message: 'grace belongs to an allow rule: a deny rule denies at once', path: 'rules[0].when[0].grace' },
    ],
    [
      'a rearm without a grace',
      `${MINIMAL}postures: { a: ['sentinelOne:infected == true'] }\nrules: [{ name: a, resources: [wiki], require: [{ posture: a, rearm: 1h }] }]`,
      { message: 'rearm means nothing without grace', path: 'rules[0].require[0].rearm' },
    ],
    [
      'an exception from a rule that there is not',
      `${MINIMAL}${exceptionFrom('readers', 'a')}`,
      { message: 'there is no rule readers, did you mean reader?', path: 'exceptions[0].rule' },
    ],
    [
      'an exception from a deny rule',
      `${MINIMAL}${exceptionFrom('never', 'a')}`,
      { message: 'no exception overrides a deny rule', path: 'exceptions[0].rule' },
    ],
    [
      'an exception that waives what is not required',
      `${MINIMAL}${exceptionFrom('reader', 'b')}`,
      { message: 'the rule does not require b, did you mean a?', path: 'exceptions[0].waive[0]' },
    ],
    [
      'an exception without an end',
      `${MINIMAL}${exceptionFrom('reader', 'a').replace('until: 2026-12-24T00:00:00Z, ', '')}`,
      { message: 'until is missing', path: 'exceptions[0]' },
    ],
    [
      'failingFor of a test that does not start from passing',
      `${MINIMAL}tests: [{ name: a, failingFor: 1h, expect: { wiki: deny } }]`,
      { message: expect.stringMatching(/goes with from: passing/), path: 'tests[0].failingFor' },
    ],
    [
      'a rule without a name',
      `${MINIMAL}rules:\n  - resources: [wiki]`,
      { message: 'name is missing', line: 4, column: 5, path: 'rules[0]' },
    ],
    [
      'two rules of one name',
      `${MINIMAL}rules:\n  - { name: a, resources: [wiki] }\n  - { name: a, resources: [wiki] }`,
      { message: 'another rule has this name', line: 5 },
    ],
    [
      'a test of an unknown attribute',
      `${MINIMAL}tests: [{ name: a, device: { attributes: { 'sentinelOne:infectd': true } }, expect: { wiki: deny } }]`,
      { message: 'there is no attribute sentinelOne:infectd, did you mean sentinelOne:infected?' },
    ],
    [
      'a test with a mistyped value',
      `${MINIMAL}tests: [{ name: a, device: { attributes: { 'sentinelOne:infected': 1 } }, expect: { wiki: deny } }]`,
      { message: 'sentinelOne:infected is a boolean: expected true or false' },
    ],
    [
      'a test with a value that there is not',
      `${MINIMAL}tests: [{ name: a, device: { attributes: { 'sentinelOne:osType': macso } }, expect: { wiki: deny } }]`,
      { message: 'sentinelOne:osType is never macso, did you mean macos?' },
    ],
    [
      'a test of an unknown resource',
      `${MINIMAL}tests: [{ name: a, expect: { wikki: deny } }]`,
      { message: 'no gateway serves wikki, did you mean wiki?' },
    ],
  ])('is refused for %s', (_, text, error) => {
    const errors = errorsOf(text);
    expect(errors).not.toEqual([]);
    expect(errors[0]).toMatchObject(error);
  });

  test('is refused for an age that its sources cannot keep', () => {
    const text = `${MINIMAL}defaults: { maxAge: 30m }`;
    expect(errorsOf(text)).toEqual([]);
    expect(errorsOf(text, 5_400_000)).toMatchObject([
      { message: 'maxAge 30m is too short: an unchanged agent is confirmed only every 1h30m', line: 3, column: 21 },
    ]);
  });
});

describe('a hostile document', () => {
  const bomb = [
    'a: &a [x, x, x, x, x, x, x, x, x]',
    ...'bcdefghi'.split('').map((name, index) => {
      const before = 'abcdefgh'[index] ?? '';
      return `${name}: &${name} [${Array(9).fill(`*${before}`).join(', ')}]`;
    }),
  ].join('\n');

  test.each<[string, string]>([
    ['too long', 'a'.repeat(512 * 1024 + 1)],
    ['brackets in brackets', '['.repeat(100_000)],
    ['brackets that go on after words at the margin', `${'['.repeat(20)}\n${`x,${'['.repeat(20)}\n`.repeat(10_000)}`],
    ['braces in braces', '{a: '.repeat(50_000)],
    ['lists in lists on one line', '- '.repeat(50_000)],
    ['keys in keys by indentation', Array.from({ length: 700 }, (_, depth) => `${' '.repeat(depth)}a:`).join('\n')],
    ['aliases that grow', `version: 1\n${bomb}`],
    ['an alias of itself', 'version: 1\nrules: &a [*a]'],
    ['an alias of nothing', 'version: 1\nrules: *nowhere'],
    ['many documents', '---\nversion: 1\n---\nversion: 1\n'],
    ['a null byte', 'version: 1\u0000'],
  ])('is refused quickly: %s', (_, text) => {
    expect(cpuMsOf(() => expect(errorsOf(text)).not.toEqual([]))).toBeLessThan(15_000);
  });

  test('gives at most a hundred errors', () => {
    const rules = Array.from({ length: 1000 }, (_, index) => `  - { nam: ${index} }`).join('\n');
    expect(errorsOf(`${MINIMAL}rules:\n${rules}`)).toHaveLength(100);
  });

  test('never throws, whatever it is', () => {
    const word = fc.constantFrom(
      'version',
      'postures',
      'rules',
      'name',
      'require',
      'sentinelOne:infected == false',
      'wiki',
      '1',
      '*a',
      '&a',
      '!!set',
      '<<',
      '__proto__',
      'constructor',
    );
    const glue = fc.constantFrom(': ', '\n', '\n  ', '- ', '[', ']', '{', '}', ', ', '"', "'", '|', '#', '?');
    const soup = fc.array(fc.oneof(word, glue), { maxLength: 60 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(fc.oneof(soup, fc.string({ unit: 'binary' }), fc.json()), (text) => {
        for (const error of errorsOf(text)) {
          expect(error.line).toBeGreaterThan(0);
          expect(error.column).toBeGreaterThan(0);
          expect(error.message).not.toBe('');
        }
      }),
      { numRuns: propertyRuns(500) },
    );
  });

  test('says where, once, when a text, a list or fields are something that cannot be measured or compared', () => {
    const reference = { posture: 'a', grace: '1h', rearm: '2h' };
    const rule = { name: 'r', effect: 'allow', mode: 'enforce', resources: ['wiki'], groups: ['g'], tags: ['t'] };
    const device = { id: 'd', state: 'enrolled', owner: 'o', groups: ['g'], tags: ['t'], attributes: { 'x:y': ['z'] } };
    const document = {
      version: 1,
      mode: 'enforce',
      defaults: { maxAge: '24h', rearm: '24h' },
      postures: { a: ['stance:agents > 0'], b: { maxAge: '1h', conditions: ['stance:agents > 0'] } },
      gateways: {
        edge: { resources: ['wiki'], identity: 'token', enforcement: 'enforce', hold: { for: '1h', above: '5%' } },
      },
      rules: [
        { ...rule, owners: ['o'], require: ['a', reference], requireAny: ['a'], maxAge: '1h', message: 'm' },
        { when: ['a'] },
      ],
      exceptions: [
        { device: 'd', rule: 'r', waive: ['a'], until: '2026-12-24T00:00:00Z', reason: 'r', approvedBy: 'a' },
      ],
      tests: [
        { name: 't', from: 'passing', device, at: '2026-12-24T00:00:00Z', failingFor: '1h', expect: { wiki: 'deny' } },
      ],
    };
    for (const hostile of hostileInEachPlace(document)) {
      const text = JSON.stringify(hostile);
      const told = errorsOf(text).map(({ path, message }) => `${path}: ${message}`);
      expect([text, told.length]).not.toEqual([text, 0]);
      expect([text, new Set(told).size]).toEqual([text, told.length]);
    }
  });

  test('never throws for wrong values in right places', () => {
    const unmeasurable = fc.constantFrom<unknown>({ length: { toString: null } }, { toString: null, valueOf: null });
    const value = fc.oneof({ arbitrary: fc.jsonValue({ maxDepth: 3 }), weight: 5 }, unmeasurable);
    const maybe = (inner: fc.Arbitrary<unknown>) => fc.oneof(inner, value);
    const rule = fc.record(
      {
        name: maybe(fc.string()),
        effect: value,
        resources: maybe(fc.array(value)),
        require: maybe(fc.array(value)),
        when: value,
        maxAge: value,
      },
      { requiredKeys: [] },
    );
    const document = fc.record({
      version: maybe(fc.constant(1)),
      defaults: maybe(fc.record({ maxAge: value })),
      postures: maybe(fc.dictionary(fc.string(), maybe(fc.array(fc.string())))),
      gateways: maybe(fc.dictionary(fc.string(), maybe(fc.record({ resources: maybe(fc.array(value)) })))),
      rules: maybe(fc.array(maybe(rule))),
      tests: maybe(
        fc.array(maybe(fc.record({ name: value, device: maybe(fc.record({ attributes: value })), expect: value }))),
      ),
    });
    fc.assert(
      fc.property(document, (data) => void errorsOf(JSON.stringify(data))),
      { numRuns: propertyRuns(200) },
    );
  });
});
