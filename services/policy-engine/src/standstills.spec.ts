import { expect, it } from '@jest/globals';
import { Standstills, type Standing } from './standstills.js';

const LIMIT = 60;

/** What is noticed after these looks, each at its time. */
function after(...looks: [number, Standing][]) {
  const standstills = new Standstills();
  for (const [now, standing] of looks) standstills.look('postures', standing, now);
  return standstills.longest(LIMIT, looks.at(-1)?.[0] ?? 0);
}

it.each<[string, [number, Standing][]]>([
  ['before it was looked at', []],
  ['at the first look, however much waits', [[1_000, { done: 5, waiting: 9 }]]],
  [
    'while nothing waits',
    [
      [0, { done: 5, waiting: 0 }],
      [1_000, { done: 5, waiting: 0 }],
    ],
  ],
  [
    'when work has just come after a quiet time',
    [
      [0, { done: 5, waiting: 0 }],
      [1_000, { done: 5, waiting: 1 }],
    ],
  ],
  [
    'while something is finished, however much waits',
    [
      [0, { done: 5, waiting: 9 }],
      [1_000, { done: 6, waiting: 99 }],
    ],
  ],
  [
    'up to the limit',
    [
      [0, { done: 5, waiting: 9 }],
      [60, { done: 5, waiting: 9 }],
    ],
  ],
  [
    'when it goes on',
    [
      [0, { done: 5, waiting: 9 }],
      [61, { done: 5, waiting: 9 }],
      [62, { done: 6, waiting: 8 }],
    ],
  ],
])('nothing stands still %s', (_, looks) => {
  expect(after(...looks)).toBeUndefined();
});

it('work stands still when nothing of it is finished for longer than the limit', () => {
  const standing = { done: 5, waiting: 9 };
  expect(after([0, standing], [30, standing], [61, { done: 5, waiting: 12 }])).toEqual({
    work: 'postures',
    waiting: 12,
    sinceMs: 61,
  });
});

it('the longest standstill is told', () => {
  const standstills = new Standstills();
  standstills.look('postures', { done: 1, waiting: 1 }, 0);
  for (const work of ['sessions', 'postures']) standstills.look(work, { done: 1, waiting: 1 }, 10);
  expect(standstills.longest(LIMIT, 100)).toMatchObject({ work: 'postures', sinceMs: 100 });
});
