import { describe, expect, test } from '@jest/globals';
import type { AttributeValue } from '@stance/contracts';
import { ATTRIBUTES } from './catalogue.js';
import { isClean } from './clean.js';
import { worseOf, type Worse } from './worse.js';

describe('of two values of an attribute', () => {
  test.each<[string, string, AttributeValue, AttributeValue, Worse]>([
    ['an infection is worse than none', 'infected', true, false, 'first'],
    ['no encryption is worse than encryption', 'encryptedApplications', true, false, 'second'],
    ['more threats are worse', 'activeThreats', 2, 10, 'second'],
    ['the older version is worse, part by part', 'agentVersion', '23.10.1', '23.9.9', 'second'],
    ['the same version in other words is neither', 'agentVersion', '23.1', '23.1.0', 'neither'],
    ['the value listed later is worse', 'networkStatus', 'connected', 'disconnected', 'second'],
    [
      'a value that nobody knows is worse than one that is known',
      'networkStatus',
      'disconnected',
      'quarantined',
      'second',
    ],
    ['a value of another type is worse', 'infected', 'maybe', true, 'first'],
    ['a value of another type is worse where less is worse, too', 'agentVersion', '1.2', 7, 'second'],
    ['two values that nobody knows are unordered', 'networkStatus', 'odd', 'queer', 'unordered'],
    [
      'the earlier scan is worse',
      'scanFinishedAt',
      '2026-01-02T00:00:00.000000Z',
      '2026-01-03T00:00:00.000000Z',
      'first',
    ],
    ['names have no order', 'siteName', 'Berlin', 'Paris', 'unordered'],
    ['lists have no order', 'tags', ['a'], ['a', 'b'], 'unordered'],
    ['the same list is neither', 'tags', ['a'], ['a'], 'neither'],
  ])('%s', (_what, name, first, second, worse) => {
    const opposite = { first: 'second', second: 'first', neither: 'neither', unordered: 'unordered' } as const;
    expect(worseOf(`sentinelOne:${name}`, first, second)).toBe(worse);
    expect(worseOf(`sentinelOne:${name}`, second, first)).toBe(opposite[worse]);
  });

  test('an attribute outside the catalogue has no order', () => {
    expect(worseOf('other:thing', 1, 2)).toBe('unordered');
  });
});

describe('a machine that is not under attack', () => {
  test.each<[string, Record<string, AttributeValue>, boolean]>([
    ['has values that say so', { 'sentinelOne:infected': false, 'sentinelOne:networkStatus': 'connected' }, true],
    ['is not one with a threat', { 'sentinelOne:infected': false, 'sentinelOne:activeThreats': 1 }, false],
    ['is not one in isolation', { 'sentinelOne:infected': false, 'sentinelOne:networkStatus': 'disconnected' }, false],
    ['is not one of which nothing is known', { 'sentinelOne:siteName': 'Berlin' }, false],
  ])('%s', (_what, attributes, clean) => {
    expect(isClean(attributes)).toBe(clean);
  });

  test('has values that the catalogue calls best', () => {
    for (const [name, { clean, values, worse }] of Object.entries(ATTRIBUTES)) {
      if (clean === undefined) continue;
      expect([name, values?.[0] ?? clean]).toEqual([name, clean]);
      expect([name, worse]).not.toEqual([name, undefined]);
    }
  });
});
