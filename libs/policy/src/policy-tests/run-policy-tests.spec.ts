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
