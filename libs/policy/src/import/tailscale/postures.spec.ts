import { describe, expect, test } from '@jest/globals';
import { accepted } from '../fixtures/accepted.js';
import { importTailscale } from './import-tailscale.js';

/** A file with one posture of one condition, and a rule that asks for it. */
function withCondition(condition: string) {
  const file = {
    postures: { 'posture:it': [condition] },
    grants: [{ src: ['*'], dst: ['tag:web'], ip: ['443'], srcPosture: ['posture:it'] }],
  };
  const { policy, notes } = accepted(importTailscale(JSON.stringify(file)));
  return { condition: policy.postures.get('it')?.conditions[0]?.text, rules: policy.rules.length, notes };
}

describe('a condition of a posture', () => {
  test.each([
    ["sentinelOne:operationalState == 'na'"],
    ["sentinelOne:operationalState IN ['na', 'partially_disabled']"],
    ['sentinelOne:activeThreats <= 2'],
    ['sentinelOne:infected != true'],
    ['sentinelOne:agentVersion IS SET'],
    ["sentinelOne:agentVersion >= '24.1'"],
    ["sentinelOne:agentVersion == '24.1.2.6'"],
  ])('%s is carried over as it is', (condition) => {
    expect(withCondition(condition)).toMatchObject({ condition, rules: 1 });
    expect(withCondition(condition).notes.filter((note) => !note.startsWith('review'))).toEqual([]);
  });

  test.each([
    ['an attribute alone asks for true', 'sentinelOne:isActive', 'sentinelOne:isActive == true'],
    [
      'a version up to a shorter one is before it',
      "sentinelOne:agentVersion <= '24.1'",
      "sentinelOne:agentVersion < '24.1'",
    ],
    ['the operating system is that of the inventory', "node:os == 'macos'", "device:os == 'macos'"],
    [
      'any other operating system is each that there is',
      "node:os NOT IN ['ios', 'android', 'js']",
      "device:os IN ['macos', 'windows', 'linux', 'freebsd', 'openbsd', 'illumos']",
    ],
  ])('%s', (_, condition, carried) => {
    expect(withCondition(condition)).toMatchObject({ condition: carried, rules: 1 });
  });

  test('a version other than a shorter one stays, with a word on what differs', () => {
    const { condition, notes } = withCondition("sentinelOne:agentVersion != '24.1'");
    expect(condition).toBe("sentinelOne:agentVersion != '24.1'");
    expect(notes).toContainEqual(
      expect.stringMatching(/^changed postures\["posture:it"\]\[0\]: false here for the version/),
    );
  });

  test.each([
    ["node:tsVersion >= '1.40'", /no Tailscale client/],
    ['node:tsAutoUpdate', /no Tailscale client/],
    ["custom:tier != 'prod'", /no attributes of your own; a tag/],
    ["ip:country in ['CA', 'US']", /does not place addresses/],
    ["intune:complianceState == 'compliant'", /does not read Microsoft Intune/],
    ['falcon:ztaScore >= 70', /does not read CrowdStrike Falcon/],
    ['constructor:x == 1', /there is no attribute constructor:x/],
    ['sentinelOne:infectd == false', /did you mean sentinelOne:infected/],
    ["sentinelOne:infected == 'false'", /expected true or false/],
    ["sentinelOne:operationalState == 'fine'", /is never 'fine'/],
    ['sentinelOne:infected NOT SET', /may not know for another reason/],
    ["sentinelOne:agentVersion == '24.1'", /four parts/],
    ["sentinelOne:agentVersion >= '24.1-beta'", /order such versions differently/],
    ["node:os == 'windows' || node:os == 'macos'", /expected nothing after the value/],
    ["node:os CONTAINS 'mac'", /cannot compare/],
    ["sentinelOne:infected == 'fal", /never closed/],
    ['', /expected an attribute/],
  ])('%s is left out, and so is the rule', (condition, why) => {
    const { rules, notes } = withCondition(condition);
    expect(rules).toBe(0);
    expect(notes).toContainEqual(expect.stringMatching(/^left-out postures\["posture:it"\]\[0\]: /));
    expect(notes).toContainEqual(expect.stringMatching(why));
    expect(notes).toContainEqual(expect.stringMatching(/^left-out grants\[0\]: the rule is left out, as no posture/));
  });
});

describe('a posture', () => {
  const file = (postures: Record<string, string[]>, srcPosture: string[]) =>
    importTailscale(
      JSON.stringify({ postures, acls: [{ action: 'accept', src: ['*'], dst: ['db:5432'], srcPosture }] }),
    );

  test('is left out whole where one of its conditions cannot be carried over', () => {
    const { policy } = accepted(
      file({ 'posture:a': ['sentinelOne:infected == false', 'custom:x IS SET'] }, ['posture:a']),
    );
    expect(policy.postures.size).toBe(0);
    expect(policy.rules).toEqual([]);
  });

  test('that is left out leaves a rule to its other postures', () => {
    const { policy, notes } = accepted(
      file({ 'posture:a': ['sentinelOne:infected == false'], 'posture:b': ['custom:x IS SET'] }, [
        'posture:b',
        'posture:a',
      ]),
    );
    expect(policy.rules).toMatchObject([{ require: [{ posture: 'a' }], requireAny: [] }]);
    expect(notes).toContainEqual(expect.stringMatching(/^left-out acls\[0\]\.srcPosture\[0\]: posture:b is not there/));
  });

  test.each([[[]], [['posture:none']]])('a rule that lists %j is left out', (srcPosture) => {
    const { policy } = accepted(file({ 'posture:a': ['sentinelOne:infected == false'] }, srcPosture));
    expect(policy.rules).toEqual([]);
  });

  test('without conditions is left out', () => {
    expect(accepted(file({ 'posture:a': [] }, ['posture:a'])).policy.rules).toEqual([]);
  });

  test('has a name of its own, also where two would be written alike', () => {
    const { policy } = accepted(
      file({ 'posture:a€': ['sentinelOne:infected == false'], 'posture:a£': ['sentinelOne:isActive == true'] }, [
        'posture:a£',
      ]),
    );
    expect([...policy.postures.keys()]).toEqual(['a', 'a-2']);
    expect(policy.rules).toMatchObject([{ require: [{ posture: 'a-2' }] }]);
  });
});
