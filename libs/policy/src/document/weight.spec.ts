import { describe, expect, test } from '@jest/globals';
import { parsePolicy } from '../parse-policy.js';

function problemsOf(document: object): string[] {
  const parsed = parsePolicy(JSON.stringify({ version: 1, gateways: { edge: { resources: ['wiki'] } }, ...document }));
  return parsed.ok ? [] : parsed.errors.map(({ path, message }) => `${path}: ${message}`);
}

const times = <Item>(count: number, item: (index: number) => Item): Item[] =>
  Array.from({ length: count }, (_, n) => item(n));

/** A condition that lists as many values. */
const listing = (count: number): string => `stance:agents NOT IN [${times(count, (n) => n).join(', ')}]`;
const ages = (count: number): string => `stance:lastSeenAge NOT IN [${times(count, (n) => `${n + 60}s`).join(', ')}]`;

const rule = (n: number, fields: object): object => ({ name: `rule ${n}`, resources: ['wiki'], ...fields });
const INFECTED = 'sentinelOne:infected == false';

describe('what a policy asks for is bounded', () => {
  test('by conditions, as often as each lists values', () => {
    const withAges = (count: number): object => ({
      postures: { p: [...times(99, () => listing(100)), listing(90), ...times(10, () => INFECTED)] },
      rules: times(count, (n) => rule(n, { require: ['p'], maxAge: `${n + 1}h` })),
    });
    expect(problemsOf(withAges(10))).toEqual([]);
    expect(problemsOf(withAges(11))).toEqual([
      'rules: the rules ask for 110000 conditions and listed values, counting each once per maxAge; at most 100000 are taken',
    ]);
  });

  test('by values that an age is compared with', () => {
    const comparing = (last: number): object => ({
      postures: { p: [ages(400), ages(400), ages(last)], unused: [ages(400)] },
      rules: [rule(0, { require: ['p'] }), rule(1, { when: ['p'], effect: 'deny' })],
    });
    expect(problemsOf(comparing(200))).toEqual([]);
    expect(problemsOf(comparing(201))).toEqual([
      'rules: the rules compare stance:lastSeenAge with 1001 values, counting each once per maxAge; at most 1000 are taken',
    ]);
  });

  test('by what has to be looked at for graces', () => {
    const graced = (rules: number, field = 'grace'): object => ({
      postures: { p: [ages(400)] },
      rules: times(rules, (n) => rule(n, { require: [field === 'grace' ? { posture: 'p', grace: '1h' } : 'p'] })),
    });
    expect(problemsOf(graced(12))).toEqual([]);
    expect(problemsOf(graced(13, 'none'))).toEqual([]);
    expect(problemsOf(graced(13))).toEqual([
      'rules: the postures with grace have 2085200 conditions, counting each once per rule and per value of ' +
        'stance:lastSeenAge beside it; at most 2000000 are taken',
    ]);
  });

  describe('by what its own tests look at', () => {
    const tested = (tests: object[], fields: object = {}, postures: object = { p: [INFECTED] }): object => ({
      postures,
      rules: times(5000, (n) => rule(n, { require: ['p'], ...fields })),
      tests: tests.map((test, n) => ({ name: `test ${n}`, expect: { wiki: 'deny' }, ...test })),
    });
    const refusal = (looks: number): string[] => [
      `tests: the tests look at rules and conditions ${looks} times; at most 50000000 are taken`,
    ];

    test('which is rules, what they ask for, and conditions', () => {
      expect(problemsOf(tested(times(4999, () => ({}))))).toEqual([]);
      expect(problemsOf(tested(times(5000, () => ({}))))).toEqual(refusal(50_005_000));
    });

    test('thrice from passing', () => {
      expect(problemsOf(tested(times(1666, () => ({ from: 'passing' }))))).toEqual([]);
      expect(problemsOf(tested(times(1667, () => ({ from: 'passing' }))))).toEqual(refusal(50_015_001));
    });

    test('once for each group and tag of the device', () => {
      const device = { groups: times(50, (n) => `g${n}`), tags: times(49, (n) => `t${n}`) };
      expect(
        problemsOf(
          tested(
            times(99, () => ({ device })),
            { tags: ['lab'] },
          ),
        ),
      ).toEqual([]);
      expect(
        problemsOf(
          tested(
            times(100, () => ({ device })),
            { tags: ['lab'] },
          ),
        ),
      ).toEqual(refusal(50_500_100));
    });

    test('and more for graces', () => {
      const require = [{ posture: 'p', grace: '1h' }];
      expect(
        problemsOf(
          tested(
            times(416, () => ({})),
            { require },
          ),
        ),
      ).toEqual([]);
      expect(
        problemsOf(
          tested(
            times(417, () => ({})),
            { require },
          ),
        ),
      ).toEqual(refusal(50_040_417));
    });

    test('for rules about everything too', () => {
      const tests = times(1667, () => ({ from: 'passing' }));
      expect(problemsOf(tested(tests, { resources: ['*', 'wiki'] }))).toEqual(refusal(50_015_001));
    });
  });
});
