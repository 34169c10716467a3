import { describe, expect, test } from '@jest/globals';
import { cpuMsOf, propertyRuns } from '@stance/testing';
import * as fc from 'fast-check';
import { accepted } from './fixtures/accepted.js';
import { importCloudflare, importNetBird, importTailscale, type ImportResult } from './index.js';

const IMPORTS = [
  ['tailscale', importTailscale],
  ['netbird', importNetBird],
  ['cloudflare', importCloudflare],
] as const satisfies [string, (text: string) => ImportResult][];

/** What comes of any text: a policy that is one, or errors that say where. */
function expectSound(result: ImportResult): void {
  if (result.ok) {
    accepted(result);
    return;
  }
  expect(result.errors.length).toBeGreaterThan(0);
  for (const { message, line, column } of result.errors) {
    expect(message).not.toBe('');
    expect(Math.min(line, column)).toBeGreaterThan(0);
  }
}

const name = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.constantFrom(
    '*',
    'group:a',
    'tag:a',
    'a@b.c',
    'autogroup:member',
    'posture:a',
    'a:1',
    '*:*',
    'a:*',
    '[::1]:2,3-4',
  ),
  fc.constantFrom('constructor', 'toString', 'hasOwnProperty', '__proto__', 'sentinelOne:infected == false', 'node:os'),
);
const names = fc.array(name, { maxLength: 4 });
const tailnetFile = fc.record(
  {
    groups: fc.dictionary(name, names),
    hosts: fc.dictionary(name, name),
    postures: fc.dictionary(name, names),
    defaultSrcPosture: names,
    acls: fc.array(
      fc.record(
        { action: fc.constant('accept'), src: names, dst: names, proto: name, srcPosture: names },
        { requiredKeys: ['action'] },
      ),
    ),
    grants: fc.array(fc.record({ src: names, dst: names, ip: names, srcPosture: names }, { requiredKeys: [] })),
    tests: fc.array(
      fc.record(
        { src: name, accept: names, deny: names, proto: name, srcPostureAttrs: fc.dictionary(name, name) },
        { requiredKeys: ['src'] },
      ),
    ),
  },
  { requiredKeys: [] },
);

describe.each(IMPORTS)('the import from %s', (system, read) => {
  test('never throws on a text', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => expectSound(read(text))));
  });

  test('never throws on JSON', () => {
    fc.assert(fc.property(fc.json({ maxDepth: 6 }), (text) => expectSound(read(text))));
  });

  test('never throws on a part of a file', () => {
    const text = JSON.stringify({ acls: [{ action: 'accept', src: ['*'], dst: ['a:*'] }], tests: [{ src: 'a@b.c' }] });
    for (let length = 0; length <= text.length; length++) expectSound(read(text.slice(0, length)));
  });

  test('makes a policy of whatever fits its form', () => {
    const scalar = fc.oneof(fc.boolean(), fc.double(), name, fc.constant(null));
    const anyOf = (...keys: string[]) =>
      fc.record(Object.fromEntries(keys.map((key) => [key, scalar])), { requiredKeys: [] });
    const files = {
      tailscale: tailnetFile,
      netbird: fc.record({
        groups: names,
        last_synced_interval: fc.integer(),
        match_attributes: anyOf('active_threats', 'infected', 'network_status', 'operational_state', 'is_active'),
      }),
      cloudflare: fc.array(
        fc.record({
          name,
          type: fc.constant('sentinelone_s2s'),
          expiration: name,
          match: fc.array(fc.record({ platform: fc.constantFrom('mac', 'windows', 'ios') })),
          input: anyOf('active_threats', 'infected', 'network_status', 'operational_state', 'operator').map(
            (input) => ({
              connection_id: 'a',
              ...input,
            }),
          ),
        }),
      ),
    };
    fc.assert(
      fc.property<[unknown]>(files[system], (file) => expectSound(read(JSON.stringify(file)))),
      { numRuns: propertyRuns(100) },
    );
  });

  test.each([
    ['brackets', '['.repeat(500_000)],
    ['fields', '{"a":'.repeat(80_000)],
    ['a long text', `"${'a'.repeat(500_000)}"`],
    ['commas', ','.repeat(500_000)],
    ['comments', '/*'.repeat(200_000)],
    ['keys', `{${Array.from({ length: 40_000 }, (_, index) => `"k${index}":0`).join(',')}}`],
  ])('refuses %s without end, soon', (_, text) => {
    expect(cpuMsOf(() => expect(read(text).ok).toBe(false))).toBeLessThan(10_000);
  });
});

const many = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));
const open = (...dst: string[]) => ({ action: 'accept', src: ['*'], dst });

test.each<[string, unknown]>([
  ['groups', { groups: Object.fromEntries(many(30_000, (index) => [`group:${index}`, []])), acls: [] }],
  ['rules for all on a port', { acls: many(9_000, (index) => open(`*:${index}`)) }],
  ['hosts on a port', { acls: many(990, (index) => open(`h${index}:1`, '*:1')) }],
  ['ports', { acls: [open(`a:${many(80_000, (index) => index % 65_000).join(',')}`)] }],
  [
    'conditions that are none',
    {
      postures: Object.fromEntries(
        many(30, (posture) => [`posture:${posture}`, many(400, (index) => `sentinelOne:infectd${index} == 1`)]),
      ),
    },
  ],
  [
    'postures that would have one name',
    // Euro signs stand in no name, so that all of them come down to the same one.
    { postures: Object.fromEntries(many(600, (index) => [`posture:a${'€'.repeat(index + 1)}`, ['node:os IS SET']])) },
  ],
  [
    'tests',
    {
      groups: { 'group:a': many(9_000, (index) => `p${index}@b.c`) },
      acls: [open('a:1')],
      tests: many(2_000, () => ({ src: 'z@b.c', accept: ['a:1'] })),
    },
  ],
])('a tailnet policy file of many %s takes no more than seconds', (_, file) => {
  const text = JSON.stringify(file);
  expect(text.length).toBeLessThanOrEqual(524_288);
  expect(cpuMsOf(() => expectSound(importTailscale(text)))).toBeLessThan(20_000);
});
