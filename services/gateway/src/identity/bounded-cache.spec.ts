import { expect, test } from '@jest/globals';
import { BoundedCache } from './bounded-cache.js';

test('what is kept holds until its end', () => {
  const cache = new BoundedCache<string>(2);
  cache.set('a', 'laptop-1', 100);
  expect([cache.get('a', 99), cache.get('a', 100), cache.get('a', 99)]).toEqual(['laptop-1', undefined, undefined]);
});

test('the oldest is forgotten for a new one', () => {
  const cache = new BoundedCache<number>(2);
  for (const [value, key] of ['a', 'b', 'a', 'c'].entries()) cache.set(key, value, 100);
  expect(['a', 'b', 'c'].map((key) => cache.get(key, 0))).toEqual([2, undefined, 3]);
});
