import { describe, expect, test } from '@jest/globals';
import { compilePolicy, parsePolicy, runPolicyTests, type PolicyTestResult } from '../index.js';

const NOW = Date.parse('2026-11-21T12:00:00Z');

/** The results of the given `tests:` under a policy that asks for every kind of value. */
function run(tests: string): PolicyTestResult[] {
  const text = `
version: 1
postures:
  healthy:
    - sentinelOne:infected == false
    - sentinelOne:activeThreats < 3
    - sentinelOne:activeThreats > 1
    - sentinelOne:networkStatus NOT IN ['connecting', 'disconnected']
    - sentinelOne:agentVersion > '24.1-beta'
    - sentinelOne:agentVersion < '24.2'
    - sentinelOne:osStartTime >= '2026-11-01'
    - sentinelOne:userActionsNeeded CONTAINS 'none'
    - sentinelOne:domain IS SET
    - sentinelOne:detectionState NOT SET
    - stance:lastSeenAge < 3h
    - stance:matchedBy IN ['manual', 'serial']
    - stance:agents >= 2
  mac: [device:os == 'macos']
  windows: [device:os == 'windows']
  impossible: [sentinelOne:infected == true, sentinelOne:infected == false]
  retired: [sentinelOne:isDecommissioned == true]
gateways:
  edge: { resources: [payroll, wiki, vault, chat] }
rules:
  - { name: payroll, resources: [payroll], groups: [finance], require: [healthy] }
  - { name: wiki on mac, resources: [wiki], requireAny: [mac, windows] }
  - { name: wiki on windows, resources: [wiki], require: [windows] }
  - { name: vault, resources: [vault], require: [impossible] }
  - { name: chat, resources: [chat] }
  - { name: not retired, effect: deny, resources: [payroll, wiki, vault], when: [retired] }
tests:
${tests}`;
  const parsed = parsePolicy(text);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.errors));
  return runPolicyTests(compilePolicy(parsed.policy), NOW);
}

const result = (device: string, expected: string, from = 'from: passing, '): PolicyTestResult | undefined =>
  run(`  - { name: it, ${from}device: ${device}, expect: ${expected} }`)[0];

describe('a test of a policy', () => {
  test.each<[string, string, string]>([
    ['passes for a device that holds all', '{ groups: [finance] }', '{ payroll: allow, wiki: allow, chat: allow }'],
    [
      'fails one change away',
      "{ groups: [finance], attributes: { 'sentinelOne:infected': true } }",
      '{ payroll: deny, wiki: allow }',
    ],
    ['fails without a value', "{ groups: [finance], attributes: { 'sentinelOne:domain': null } }", '{ payroll: deny }'],
    [
      'fails with a value that must not be there',
      "{ groups: [finance], attributes: { 'sentinelOne:detectionState': full_mode } }",
      '{ payroll: deny }',
    ],
    [
      'fails for a device last seen too long ago',
      "{ groups: [finance], attributes: { 'stance:lastSeenAge': 4h } }",
      '{ payroll: deny }',
    ],
    [
      'fails for a weak match',
      "{ groups: [finance], attributes: { 'stance:matchedBy': mac+hostname } }",
      '{ payroll: deny }',
    ],
    ['fails with too few agents', "{ groups: [finance], attributes: { 'stance:agents': 1 } }", '{ payroll: deny }'],
    [
      'fails for a device that a deny rule is about',
      "{ attributes: { 'sentinelOne:isDecommissioned': true } }",
      '{ wiki: deny, chat: allow }',
    ],
    ['fails in another group', '{ groups: [sales] }', '{ payroll: deny }'],
    ['fails on another system', '{ os: linux }', '{ wiki: deny }'],
    ['fails for a retired device', '{ groups: [finance], state: retired }', '{ payroll: deny, chat: deny }'],
    ['fails for a quarantined device', '{ groups: [finance], quarantined: true }', '{ payroll: deny }'],
  ])('%s', (_, device, expected) => {
    expect(result(device, expected)).toEqual({ name: 'it', passed: true, mismatches: [] });
    const opposite = expected.replaceAll(/allow|deny/g, (effect) => (effect === 'allow' ? 'deny' : 'allow'));
    expect(result(device, opposite)?.mismatches).toHaveLength(expected.split(',').length);
  });

  test('starts from a bare device unless it says otherwise', () => {
    const bare = result('{ os: macos }', '{ wiki: allow }', '');
    expect(bare?.mismatches).toMatchObject([
      {
        resource: 'wiki',
        expected: 'allow',
        actual: 'deny',
        reasons: [{ code: 'deny-rule' }, { code: 'attribute-unset' }],
      },
    ]);
    expect(
      result("{ os: macos, attributes: { 'sentinelOne:isDecommissioned': false } }", '{ wiki: allow }', '')?.passed,
    ).toBe(true);
  });

  test('proves nothing where no device can pass, and so fails', () => {
    expect(result('{}', '{ vault: deny }')).toMatchObject({
      passed: false,
      mismatches: [{ resource: 'vault', message: expect.stringMatching(/no device can pass/) }],
    });
  });
});

describe('the tests of a large policy', () => {
  const times = <Item>(count: number, item: (index: number) => Item): Item[] =>
    Array.from({ length: count }, (_, index) => item(index));

  function runOf(document: object): PolicyTestResult[] {
    const parsed = parsePolicy(
      JSON.stringify({ version: 1, gateways: { edge: { resources: ['wiki'] } }, ...document }),
    );
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.errors));
    return runPolicyTests(compilePolicy(parsed.policy), NOW);
  }

  test('find values that many rules ask for together', () => {
    const results = runOf({
      postures: Object.fromEntries(times(500, (n) => [`p${n}`, [`sentinelOne:activeThreats != ${n}`]])),
      rules: times(500, (n) => ({ name: `rule ${n}`, resources: ['wiki'], require: [`p${n}`] })),
      tests: times(200, (n) => ({ name: `test ${n}`, from: 'passing', expect: { wiki: 'allow' } })),
    });
    expect(results.filter(({ passed }) => !passed)).toEqual([]);
  });

  test('fail where the search for a passing device would not end in time', () => {
    const results = runOf({
      postures: Object.fromEntries(
        times(2000, (n) => [`p${n}`, ['sentinelOne:activeThreats >= 0', `sentinelOne:activeThreats != ${n}`]]),
      ),
      rules: times(2000, (n) => ({ name: `rule ${n}`, resources: ['wiki'], require: [`p${n}`] })),
      tests: [{ name: 'it', from: 'passing', expect: { wiki: 'deny' } }],
    });
    expect(results).toMatchObject([
      {
        passed: false,
        mismatches: [
          {
            message:
              'wiki: a device that passes was not found in time; write the values of the device instead of from: passing',
          },
        ],
      },
    ]);
  });

  test('tell the reasons of the first mismatches, and of all others what came out', () => {
    const results = runOf({
      postures: { p: ['sentinelOne:infected == false'] },
      rules: [{ name: 'rule', resources: ['wiki'], require: ['p'] }],
      tests: times(25, (n) => ({ name: `test ${n}`, expect: { wiki: 'allow' } })),
    });
    expect(results.map(({ mismatches }) => mismatches[0]?.reasons.length)).toEqual(times(25, (n) => (n < 20 ? 1 : 0)));
    expect(results[24]?.mismatches).toMatchObject([{ actual: 'deny', message: 'wiki: expected allow, got deny' }]);
  });

  test('of devices in other groups start from other values', () => {
    const results = runOf({
      postures: { mac: ["sentinelOne:osType == 'macos'"], windows: ["sentinelOne:osType == 'windows'"] },
      rules: [
        { name: 'mac', resources: ['wiki'], groups: ['mac'], require: ['mac'] },
        { name: 'windows', resources: ['wiki'], groups: ['windows'], require: ['windows'] },
      ],
      tests: ['mac', 'windows', 'mac', 'windows'].map((group, n) => ({
        name: `test ${n}`,
        from: 'passing',
        device: { groups: [group] },
        expect: { wiki: 'allow' },
      })),
    });
    expect(results.map(({ passed }) => passed)).toEqual([true, true, true, true]);
  });
});
