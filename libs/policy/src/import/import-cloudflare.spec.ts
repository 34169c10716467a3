import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { accepted } from './fixtures/accepted.js';
import { importCloudflare } from './import-cloudflare.js';

const PUBLISHED = readFileSync(new URL('./fixtures/cloudflare-posture-rules.json', import.meta.url), 'utf8');

const rule = (input: Record<string, unknown>, rest: Record<string, unknown> = {}) => ({
  name: 'it',
  type: 'sentinelone_s2s',
  input: { connection_id: 'bc7cbfbb-600a-42e4-8a23-45b5e85f804f', ...input },
  ...rest,
});

function imported(value: unknown) {
  const { policy, notes } = accepted(importCloudflare(JSON.stringify(value)));
  return { policy, notes, conditions: policy.postures.get('it')?.conditions.map(({ text }) => text) };
}

describe("Cloudflare's SentinelOne posture rules", () => {
  test('as its API answers become a posture, a resource, a rule and tests each', () => {
    const { document, notes } = accepted(importCloudflare(PUBLISHED));
    expect(document).toBe(`# yaml-language-server: $schema=./docs/policy.schema.json
# Imported from Cloudflare's SentinelOne posture rules. Nothing else is allowed than what stands here.

version: 1
postures:
  SentinelOne-healthy:
    maxAge: 1h
    conditions:
      - sentinelOne:activeThreats < 1
      - sentinelOne:infected == false
      - sentinelOne:isActive == true
      - sentinelOne:networkStatus == 'connected'
      - sentinelOne:operationalState == 'na'
      - sentinelOne:osType IN ['macos', 'windows', 'windows_legacy']
gateways:
  imported:
    resources:
      - SentinelOne-healthy # what Cloudflare guards with the posture rule SentinelOne healthy
rules:
  - name: SentinelOne-healthy needs SentinelOne-healthy
    resources: [ SentinelOne-healthy ]
    require: [ SentinelOne-healthy ]
tests:
  - name: 'SentinelOne-healthy: a device that passes'
    from: passing
    device: {}
    expect: { SentinelOne-healthy: allow }
  - name: 'SentinelOne-healthy: a device without an agent'
    device: {}
    expect: { SentinelOne-healthy: deny }
`);
    expect(notes).toEqual([
      expect.stringMatching(/^review the file: each rule has become a posture and a resource/),
      expect.stringMatching(/^left-out result\[0\]: a rule of type file/),
      expect.stringMatching(/^review result\[1\]\.schedule: /),
    ]);
  });

  test.each<[string, unknown]>([
    ['one rule', rule({ infected: false })],
    ['a list', [rule({ infected: false })]],
    ['an answer with one', { success: true, result: rule({ infected: false }) }],
  ])('may come as %s', (_, value) => {
    expect(imported(value).conditions).toEqual(['sentinelOne:infected == false']);
  });

  test.each(['<', '<=', '==', '>', '>='])('compare active threats by their operator %s', (operator) => {
    const { conditions, notes } = imported(rule({ active_threats: 1, operator }));
    expect(conditions).toEqual([`sentinelOne:activeThreats ${operator} 1`]);
    expect(notes.some((note) => note.includes('that are not well'))).toBe(operator.startsWith('>'));
  });

  test('that let in what is not well are carried over to the letter, for a person to look at', () => {
    // The example of each input in the vendor's own API description.
    const { conditions, notes } = imported(
      rule({ active_threats: 1, operator: '>', infected: true, is_active: true, network_status: 'connected' }),
    );
    expect(conditions).toContain('sentinelOne:infected == true');
    expect(notes).toContainEqual(expect.stringMatching(/^review input\.infected: infected == true lets in devices/));
  });

  test.each([
    ['threats without an operator', { active_threats: 0 }, {}, /^left-out input\.active_threats: .*needs an operator/],
    ['an unknown operator', { active_threats: 0, operator: '~' }, {}, /^left-out input\.active_threats/],
    ['half a threat too exactly', { active_threats: 1e-20, operator: '<' }, {}, /^left-out input\.active_threats/],
    ['an unknown state', { network_status: 'asleep' }, {}, /is never 'asleep'/],
    ['no input but the connection', {}, {}, /it has no criteria/],
    ['an expiration that is none', { infected: false }, { expiration: 'soon' }, /^left-out expiration: soon/],
    ['an expiration of nothing', { infected: false }, { expiration: '0m' }, /^left-out expiration: 0m/],
    ['systems without agents', { infected: false }, { match: [{ platform: 'ios' }] }, /^left-out match\[0\]: /],
    ['a system that is not named', { infected: false }, { match: [{}] }, /^left-out match/],
  ])('are left out whole with %s', (_, input, rest, note) => {
    const { policy, notes } = imported(rule(input, rest));
    expect(policy.rules).toEqual([]);
    expect(notes).toContainEqual(expect.stringMatching(note));
    expect(notes).toContainEqual(expect.stringMatching(/^left-out .*: left out as a whole/));
  });

  test('of one name become resources of their own', () => {
    const { policy } = imported([rule({ infected: false }), rule({ is_active: true })]);
    expect(policy.rules).toMatchObject([{ resources: ['it'] }, { resources: ['it-2'] }]);
  });

  test('of several consoles say so', () => {
    const other = rule({ infected: false, connection_id: 'c5f3a000-0000-4000-8000-000000000001' });
    expect(imported([rule({ infected: false }), other]).notes).toContainEqual(
      expect.stringMatching(/2 SentinelOne consoles/),
    );
  });

  test.each([
    ['no rule', '{}', /^type: expected/],
    ['a list of something else', '[1]', /^expected object/],
    ['an unknown input', JSON.stringify(rule({ risk: 1 })), /^risk is not known, nor what it restricts/],
    ['an answer without a result', '{"success": false, "result": null}', /^result is not known/],
  ])('are refused where there is %s', (_, text, message) => {
    const result = importCloudflare(text);
    expect(result.ok ? [] : result.errors.map((error) => error.message)).toContainEqual(expect.stringMatching(message));
  });
});
