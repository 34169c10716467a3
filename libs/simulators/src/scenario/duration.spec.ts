import { expect, test } from '@jest/globals';
import { parseSpan } from './duration.js';

test.each([
  ['500ms', 500],
  ['10s', 10_000],
  ['-5m', -300_000],
  ['1h30m', 5_400_000],
  ['0.5s', 500],
  ['2d', 172_800_000],
  ['0', 0],
  [250, 250],
  ['5', undefined],
  ['', undefined],
  ['soon', undefined],
  [1.5, undefined],
])('%p is %p milliseconds', (given, milliseconds) => {
  expect(parseSpan(given)).toBe(milliseconds);
});
