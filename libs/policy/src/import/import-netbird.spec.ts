import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { accepted } from './fixtures/accepted.js';
import { importNetBird } from './import-netbird.js';

const PUBLISHED = readFileSync(new URL('./fixtures/netbird-sentinelone.json', import.meta.url), 'utf8');

/** The criteria with some of their attributes changed, and what else is said. */
function imported(attributes: Record<string, unknown>, rest: Record<string, unknown> = {}) {
  const file = { groups: ['devs'], last_synced_interval: 24, match_attributes: attributes, ...rest };
  const { policy, notes } = accepted(importNetBird(JSON.stringify(file)));
  const [posture] = policy.postures.values();
  return { policy, notes, conditions: posture?.conditions.map(({ text }) => text) };
}

describe("NetBird's SentinelOne criteria", () => {
  test('as published become a posture, a rule for the network, and tests', () => {
    const { document, notes } = accepted(importNetBird(PUBLISHED));
    expect(document).toBe(`# yaml-language-server: $schema=./docs/policy.schema.json
# Imported from NetBird's SentinelOne criteria. Nothing else is allowed than what stands here.

version: 1
postures:
  netbird-sentinelone:
    maxAge: 24h
    conditions:
      - sentinelOne:activeThreats <= 0
      - sentinelOne:encryptedApplications == true
      - sentinelOne:firewallEnabled == true
      - sentinelOne:isActive == true
      - sentinelOne:isUpToDate == true
      - sentinelOne:infected == false
      - sentinelOne:networkStatus == 'connected'
      - sentinelOne:operationalState == 'na'
      - stance:lastSeenAge <= 24h
gateways:
  imported:
    resources:
      - netbird-network # the network that NetBird lets devices into
rules:
  - name: netbird-network needs netbird-sentinelone
    resources: [ netbird-network ]
    groups: [ devs ]
    require: [ netbird-sentinelone ]
tests:
  - name: 'netbird-sentinelone: a device that passes'
    from: passing
    device: { groups: [ devs ] }
    expect: { netbird-network: allow }
  - name: 'netbird-sentinelone: a device without an agent'
    device: { groups: [ devs ] }
    expect: { netbird-network: deny }
`);
    expect(notes).toEqual([
      expect.stringMatching(/^review the file: netbird-network stands for the network as a whole/),
      expect.stringMatching(/^review groups: .*: devs$/),
      expect.stringMatching(/^changed groups: devices outside these groups/),
    ]);
  });

  test('ask of the agent no more than they name, and always that it was seen within the sync window', () => {
    const { conditions, policy } = imported({ active_threats: 2 }, { last_synced_interval: 72 });
    expect(conditions).toEqual(['sentinelOne:activeThreats <= 2', 'stance:lastSeenAge <= 3d']);
    expect(policy.postures.get('netbird-sentinelone')?.maxAge).toBe(259_200_000);
    expect(imported({ infected: null }).conditions).toEqual(['stance:lastSeenAge <= 24h']);
  });

  test('that are switched off in NetBird are in force here', () => {
    const { policy, notes } = imported({ active_threats: 0 }, { enabled: false });
    expect(policy.rules).toHaveLength(1);
    expect(notes).toContainEqual(expect.stringMatching(/^changed enabled: /));
  });

  test('that ask for the opposite are carried over to the letter, for a person to look at', () => {
    const { conditions, notes } = imported({ firewall_enabled: false });
    expect(conditions).toContain('sentinelOne:firewallEnabled == false');
    expect(notes).toContainEqual(expect.stringMatching(/^review match_attributes\.firewall_enabled: false/));
  });

  test.each([
    ['infected', true, /true can be read as/],
    ['network_status', 'quarantined', /is never 'quarantined'/],
    ['operational_state', `it's "fine"`, /operationalState == /],
  ])('of which one cannot be carried over (%s: %j) are left out whole', (name, value, why) => {
    const { policy, notes } = imported({ active_threats: 0, [name]: value });
    expect(policy.rules).toEqual([]);
    expect(notes).toContainEqual(expect.stringMatching(why));
    expect(notes).toContainEqual(expect.stringMatching(/^left-out match_attributes: left out as a whole/));
  });

  test('for no group are left out: without groups the rule would be for everybody', () => {
    const { policy, notes } = imported({ active_threats: 0 }, { groups: [] });
    expect(policy.rules).toEqual([]);
    expect(notes).toContainEqual(expect.stringMatching(/^left-out groups: /));
  });

  test.each([
    ['another object', '{"acls": []}', /expected/],
    [
      'an unknown criterion',
      PUBLISHED.replace('is_active', 'is_angry'),
      /is_angry is not known, nor what it restricts/,
    ],
    [
      'threats that are no number',
      PUBLISHED.replace('"active_threats": 0', '"active_threats": "0"'),
      /active_threats: expected/,
    ],
    ['a list', '[]', /expected object/],
  ])('are refused where there is %s', (_, text, message) => {
    const result = importNetBird(text);
    expect(result.ok ? [] : result.errors.map((error) => error.message)).toContainEqual(expect.stringMatching(message));
  });

  test('tell nobody the token', () => {
    const text = PUBLISHED.replace('{', '{ "api_token": "eyJhbGciOiJub25lIn0",');
    expect(JSON.stringify(importNetBird(text))).not.toContain('eyJhbGciOiJub25lIn0');
  });
});
