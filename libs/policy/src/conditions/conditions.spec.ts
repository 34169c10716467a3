import { describe, expect, test } from '@jest/globals';
import type { AttributeValue } from '@stance/contracts';
import { checkOf } from '../evaluation/check.js';
import { Facts } from '../evaluation/facts.js';
import { prepareSubject, type PostureSubject } from '../evaluation/subject.js';
import { NO_PAST } from '../evaluation/past.js';
import { parseCondition } from './condition.js';
import { Outcome } from './outcome.js';
import { InvalidCondition } from './syntax.js';

const NOW = Date.parse('2026-11-21T12:00:00Z');
const HOUR = 3_600_000;

type Result = keyof typeof Outcome;

/** A device with one agent, whose one attribute was confirmed `age` milliseconds ago. */
function subject(attribute: string, value: AttributeValue | undefined, age = HOUR): PostureSubject {
  return {
    deviceId: 'laptop',
    device: { state: 'enrolled', groups: ['finance'], tags: [], os: 'macos' },
    agents: [{ source: 'acme', agentId: '1', by: 'serial', observedAt: new Date(NOW - age).toISOString() }],
    attributes: value === undefined ? {} : { [attribute]: { value, agent: 0 } },
    problems: [],
  };
}

function outcomeOf(text: string, posture: PostureSubject): Result | undefined {
  const condition = parseCondition(text);
  const slot = condition.definition.origin === 'agent' ? 0 : undefined;
  const facts = new Facts(
    { exceptions: new Map(), graceKeys: new Set() },
    prepareSubject([condition.attribute], posture),
    NOW,
    NO_PAST,
  );
  const outcome = checkOf(condition, 24 * HOUR, slot)(facts);
  return (Object.keys(Outcome) as Result[]).find((name) => Outcome[name] === outcome);
}

/** Attribute, condition without it, a value for which it is true, one for which it is false. */
const TABLE: [attribute: string, condition: string, holds: AttributeValue, fails: AttributeValue][] = [
  ['sentinelOne:infected', '== false', false, true],
  ['sentinelOne:infected', '!= false', true, false],
  ['sentinelOne:infected', 'IN [true]', true, false],
  ['sentinelOne:infected', 'NOT IN [true]', false, true],
  ['sentinelOne:activeThreats', '== 2', 2, 3],
  ['sentinelOne:activeThreats', '!= 2', 3, 2],
  ['sentinelOne:activeThreats', '< 2', 1, 2],
  ['sentinelOne:activeThreats', '<= 2', 2, 3],
  ['sentinelOne:activeThreats', '> 2', 3, 2],
  ['sentinelOne:activeThreats', '>= 2', 2, 1.5],
  ['sentinelOne:activeThreats', 'IN [1, 2]', 2, 3],
  ['sentinelOne:activeThreats', 'NOT IN [1, 2]', 3, 2],
  ['sentinelOne:domain', "== 'a'", 'a', 'A'],
  ['sentinelOne:domain', '!= "it\'s"', 'a', "it's"],
  ['sentinelOne:domain', "IN ['a', 'b']", 'b', 'c'],
  ['sentinelOne:domain', "NOT IN ['a', 'b']", 'c', 'a'],
  ['sentinelOne:networkStatus', "== 'connected'", 'connected', 'disconnected'],
  ['sentinelOne:networkStatus', "!= 'connected'", 'connecting', 'connected'],
  ['sentinelOne:networkStatus', "IN ['connected', 'connecting']", 'connecting', 'disconnected'],
  ['sentinelOne:networkStatus', "NOT IN ['connected', 'connecting']", 'disconnected', 'connected'],
  ['sentinelOne:agentVersion', "== '24.1'", '24.1.0', '24.1.1'],
  ['sentinelOne:agentVersion', "!= '24.1'", '24.1-rc1', '24.1.0.0'],
  ['sentinelOne:agentVersion', "< '24.1.10'", '24.1.9', '24.1.10'],
  ['sentinelOne:agentVersion', "<= '24.1.10'", '24.1.10', '24.1.11'],
  ['sentinelOne:agentVersion', "> '24.1.9'", '24.1.10', '24.1.9-beta'],
  ['sentinelOne:agentVersion', '>= 24.10', '24.10', '24.9.99'],
  ['sentinelOne:agentVersion', "IN ['24.1', '24.2']", '24.2', '24.3'],
  ['sentinelOne:agentVersion', "NOT IN ['24.1', '24.2']", '24.3', '24.1'],
  ['sentinelOne:osStartTime', "== '2026-11-01'", '2026-11-01T00:00:00.000000Z', '2026-11-01T00:00:01Z'],
  ['sentinelOne:osStartTime', "!= '2026-11-01'", '2026-11-02', '2026-11-01T00:00:00Z'],
  ['sentinelOne:osStartTime', "< '2026-11-01'", '2026-10-31T23:59:59.999999Z', '2026-11-01T00:00:00Z'],
  ['sentinelOne:osStartTime', "<= '2026-11-01T00:00:00Z'", '2026-11-01T02:00:00+02:00', '2026-11-01T00:00:01Z'],
  ['sentinelOne:osStartTime', "> '2026-11-01'", '2026-11-02', '2026-11-01'],
  ['sentinelOne:osStartTime', ">= '2026-11-01'", '2026-11-01', '2026-10-31'],
  ['sentinelOne:osStartTime', "IN ['2026-11-01']", '2026-11-01', '2026-11-02'],
  ['sentinelOne:osStartTime', "NOT IN ['2026-11-01']", '2026-11-02', '2026-11-01'],
  ['sentinelOne:tags', "CONTAINS 'lab'", ['office', 'lab'], ['labs']],
  ['sentinelOne:userActionsNeeded', "CONTAINS 'reboot_needed'", ['reboot_needed'], []],
];

const MISTYPED: Readonly<Record<string, AttributeValue>> = {
  'sentinelOne:infected': 'false',
  'sentinelOne:activeThreats': '2',
  'sentinelOne:domain': 3,
  'sentinelOne:networkStatus': true,
  'sentinelOne:agentVersion': 'latest',
  'sentinelOne:osStartTime': '2026-02-30T00:00:00Z',
  'sentinelOne:tags': 'lab',
  'sentinelOne:userActionsNeeded': 'reboot_needed',
};

describe('a condition', () => {
  test.each(TABLE)('%s %s is true for %j, false for %j', (attribute, condition, holds, fails) => {
    const text = `${attribute} ${condition}`;
    expect(outcomeOf(text, subject(attribute, holds))).toBe('TRUE');
    expect(outcomeOf(text, subject(attribute, fails))).toBe('FALSE');
  });

  test.each(TABLE)(
    '%s %s is unknown for no value, an old one and one of another type',
    (attribute, condition, holds, fails) => {
      const text = `${attribute} ${condition}`;
      expect(outcomeOf(text, subject(attribute, undefined))).toBe('UNSET');
      expect(outcomeOf(text, subject(attribute, holds, 24 * HOUR))).toBe('TRUE');
      expect(outcomeOf(text, subject(attribute, holds, 24 * HOUR + 1))).toBe('STALE');
      expect(outcomeOf(text, subject(attribute, fails, 24 * HOUR + 1))).toBe('STALE');
      expect(outcomeOf(text, subject(attribute, MISTYPED[attribute] ?? Number.NaN))).toBe('MISTYPED');
    },
  );

  test.each(TABLE.filter(([attribute]) => attribute === 'sentinelOne:networkStatus'))(
    '%s %s is unknown for a value that is not listed',
    (attribute, condition) =>
      expect(outcomeOf(`${attribute} ${condition}`, subject(attribute, 'brand_new'))).toBe('UNLISTED'),
  );

  test('a list with an entry that is not listed is unknown', () => {
    const posture = subject('sentinelOne:userActionsNeeded', ['reboot_needed', 'brand_new']);
    expect(outcomeOf("sentinelOne:userActionsNeeded CONTAINS 'reboot_needed'", posture)).toBe('UNLISTED');
  });

  const attributes = Object.keys(MISTYPED);
  test.each(attributes)('IS SET and NOT SET ask of %s only whether it is there', (attribute) => {
    const mistyped = MISTYPED[attribute];
    expect(outcomeOf(`${attribute} IS SET`, subject(attribute, mistyped))).toBe('TRUE');
    expect(outcomeOf(`${attribute} NOT SET`, subject(attribute, mistyped))).toBe('FALSE');
    expect(outcomeOf(`${attribute} IS SET`, subject(attribute, undefined))).toBe('FALSE');
    expect(outcomeOf(`${attribute} NOT SET`, subject(attribute, undefined))).toBe('TRUE');
    expect(outcomeOf(`${attribute} IS SET`, subject(attribute, mistyped, 25 * HOUR))).toBe('STALE');
    expect(outcomeOf(`${attribute} NOT SET`, subject(attribute, mistyped, 25 * HOUR))).toBe('STALE');
  });

  test('every condition on a value that agents disagree on is unknown, presence included', () => {
    const disputed: PostureSubject = { ...subject('sentinelOne:infected', undefined), problems: ['conflict'] };
    for (const condition of ['== false', 'IS SET', 'NOT SET']) {
      expect(outcomeOf(`sentinelOne:infected ${condition}`, disputed)).toBe('CONFLICTING');
    }
  });

  test('a value of an agent that is not there, or whose times cannot be read, counts for nothing', () => {
    const posture = subject('sentinelOne:infected', false);
    const orphan = { ...posture, attributes: { 'sentinelOne:infected': { value: false, agent: 7 } } };
    const timeless = { ...posture, agents: posture.agents.map((agent) => ({ ...agent, observedAt: 'yesterday' })) };
    expect(outcomeOf('sentinelOne:infected == false', orphan)).toBe('CONFLICTING');
    expect(outcomeOf('sentinelOne:infected == false', timeless)).toBe('STALE');
  });

  test.each<[string, Result]>([
    ["device:os == 'macos'", 'TRUE'],
    ["device:os != 'macos'", 'FALSE'],
    ['device:owner IS SET', 'FALSE'],
    ["device:owner == 'ada@example.com'", 'UNSET'],
    ["device:groups CONTAINS 'finance'", 'TRUE'],
    ["device:tags CONTAINS 'lab'", 'FALSE'],
    ['device:tags IS SET', 'TRUE'],
    ['stance:agents >= 1', 'TRUE'],
    ["stance:matchedBy == 'serial'", 'TRUE'],
    ['stance:lastSeenAge < 1h', 'UNSET'],
    ['stance:lastSeenAge NOT SET', 'TRUE'],
  ])('%s does not grow stale: %s', (condition, result) => {
    expect(outcomeOf(condition, subject('sentinelOne:infected', undefined, 1000 * HOUR))).toBe(result);
  });

  test.each<[string, number, Result]>([
    ['< 1h', HOUR - 1, 'TRUE'],
    ['< 1h', HOUR, 'FALSE'],
    ['<= 1h', HOUR, 'TRUE'],
    ['<= 1h', HOUR + 1, 'FALSE'],
    ['> 1h', HOUR + 1, 'TRUE'],
    ['> 1h', HOUR, 'FALSE'],
    ['>= 1h', HOUR, 'TRUE'],
    ['>= 1h', HOUR - 1, 'FALSE'],
    ["== '60m'", HOUR, 'TRUE'],
    ['!= 1h', HOUR, 'FALSE'],
    ['IN [1h, 2h]', 2 * HOUR, 'TRUE'],
    ['NOT IN [1h, 2h]', 2 * HOUR, 'FALSE'],
    ['<= 0s', -HOUR, 'TRUE'],
  ])('stance:lastSeenAge %s, last seen %d ms ago: %s', (condition, age, result) => {
    const posture = subject('sentinelOne:infected', undefined);
    const agents = posture.agents.map((agent) => ({
      ...agent,
      observedAt: new Date(NOW + 2 * HOUR).toISOString(),
      lastSeenAt: new Date(NOW - age).toISOString(),
    }));
    expect(outcomeOf(`stance:lastSeenAge ${condition}`, { ...posture, agents })).toBe(result);
  });
});

describe('the grammar refuses', () => {
  test.each<[string, number, RegExp]>([
    ['', 0, /expected an attribute/],
    ['sentinelOne:infected', 20, /expected an operator .* got the end/],
    ['sentinelOne:infected = true', 21, /= is written ==/],
    ['sentinelOne:infected == ', 23, /expected a value, got the end/],
    ['sentinelOne:infected == true false', 29, /expected nothing after the value, got false/],
    ['sentinelOne:infected IS true', 24, /expected SET after IS/],
    ['sentinelOne:infected NOT true', 25, /expected IN or SET after NOT/],
    ["sentinelOne:domain == 'a", 22, /never closed/],
    ["sentinelOne:domain IN 'a'", 22, /takes a list/],
    ["sentinelOne:domain IN ['a' 'b']", 27, /expected , or \]/],
    ['sentinelOne:domain IN []', 23, /expected a value, got \]/],
    ["sentinelOne:domain == ['a']", 22, /takes one value, not a list/],
    ['sentinelOne:domain == a', 22, /expected a string in quotes/],
    ["sentinelOne:domain < 'a'", 19, /is a string, which < cannot compare/],
    ["sentinelOne:infected == 'true'", 24, /expected true or false/],
    ['sentinelOne:infected == 0', 24, /expected true or false/],
    ["sentinelOne:activeThreats == '0'", 29, /without quotes/],
    ["sentinelOne:agentVersion == 'new'", 28, /expected a version/],
    ["sentinelOne:osStartTime > '2026-02-30'", 26, /expected a date/],
    ['stance:lastSeenAge < 3', 21, /expected a duration/],
    ["sentinelOne:tags == 'a'", 17, /is a list, which == cannot compare; use one of CONTAINS/],
    ["sentinelOne:networkStatus != 'offline'", 29, /is never 'offline'/],
    ["sentinelOne:osType == 'macso'", 22, /did you mean macos\?/],
    ['sentinelone:infected == true', 0, /did you mean sentinelOne:infected\?/],
    ['custom:thing == true', 0, /no attribute custom:thing/],
    [`sentinelOne:domain == '${'a'.repeat(5000)}'`, 4096, /at most 4096 characters/],
  ])('%s (at %d)', (text, offset, message) => {
    const refused = catchInvalid(text);
    expect(refused.message).toMatch(message);
    expect(refused.offset).toBe(offset);
  });
});

function catchInvalid(text: string): InvalidCondition {
  try {
    parseCondition(text);
  } catch (error) {
    if (error instanceof InvalidCondition) return error;
    throw error;
  }
  throw new Error(`accepted: ${text}`);
}
