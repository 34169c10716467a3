import { describe, expect, test } from '@jest/globals';
import { ATTRIBUTES, attributeCatalogueMarkdown, formatDuration, parseDuration, policyJsonSchema } from './index.js';
import { policyDuration } from './duration.js';
import { nearest } from './nearest.js';

describe('the documents', () => {
  test('the catalogue has a row for every attribute', () => {
    const rows = attributeCatalogueMarkdown()
      .split('\n')
      .filter((line) => line.startsWith('| `'));
    expect(rows.map((row) => row.split('`')[1])).toEqual(Object.keys(ATTRIBUTES));
    expect(rows).toContain(
      '| `sentinelOne:infected` | boolean |  | true | The agent has active threats. | agent record, infected |',
    );
  });

  test('the JSON Schema refuses unknown fields and describes the known ones', () => {
    const schema: unknown = JSON.parse(policyJsonSchema());
    expect(schema).toMatchObject({
      title: 'Stance policy',
      additionalProperties: false,
      required: ['version'],
      properties: {
        version: { const: 1 },
        rules: { items: { additionalProperties: false, required: ['name', 'resources'] } },
      },
    });
  });

  test('what is worse fits the type of each attribute', () => {
    for (const [name, { type, values, worse }] of Object.entries(ATTRIBUTES)) {
      if (worse === undefined) continue;
      const fitting = type === 'boolean' ? ['true', 'false'] : type === 'string' ? ['last'] : ['greater', 'smaller'];
      expect([name, fitting]).toEqual([name, expect.arrayContaining([worse])]);
      expect([name, values !== undefined]).toEqual([name, worse === 'last']);
    }
  });
});

test.each([
  ['24h', 86_400_000, '24h'],
  ['1h30m', 5_400_000, '1h30m'],
  ['90s', 90_000, '1m30s'],
  ['7d', 604_800_000, '7d'],
  ['36h', 129_600_000, '36h'],
  ['250ms', 250, '250ms'],
  ['0s', 0, '0s'],
])('the duration %s is %d ms and written %s', (text, milliseconds, written) => {
  expect(parseDuration(text)).toBe(milliseconds);
  expect(formatDuration(milliseconds)).toBe(written);
});

test.each([
  ['3650d', 315_360_000_000],
  ['87600h', 315_360_000_000],
  ['3650d1ms', undefined],
  ['999999999d', undefined],
  ['tomorrow', undefined],
])('a policy may ask for %s: %d ms', (text, milliseconds) => expect(policyDuration(text)).toBe(milliseconds));

test.each(['', 'h', '1', '1 h', '-1h', '1.5h', '1y', '1h '])('%j is no duration', (text) => {
  expect(parseDuration(text)).toBeUndefined();
});

test.each([
  ['infectd', 'infected'],
  ['INFECTED', 'infected'],
  ['nifected', 'infected'],
  ['something', undefined],
  ['a'.repeat(10_000), undefined],
])('the name nearest to %s is %s', (word, name) => expect(nearest(word, ['infected', 'isActive'])).toBe(name));
