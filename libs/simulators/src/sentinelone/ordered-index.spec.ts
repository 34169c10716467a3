import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { OrderedIndex, comparePositions, compareValues } from './ordered-index.js';
import type { Cut, Position } from './ordered-index.js';

const position = fc.record({
  value: fc.integer({ min: 0, max: 40 }),
  id: fc.integer({ min: 0, max: 3000 }).map(String),
});
const everything: Cut = () => true;
const nothing: Cut = () => false;

describe('OrderedIndex', () => {
  test('is a sorted array to its readers, whatever is added and removed', () => {
    fc.assert(
      fc.property(
        fc.array(position, { maxLength: 3000, size: 'max' }),
        fc.array(position, { maxLength: 300 }),
        fc.integer({ min: 0, max: 40 }),
        (initial, added, at) => {
          const unique = new Map([...initial, ...added].map((entry) => [`${entry.value} ${entry.id}`, entry]));
          const start = [...unique.values()].slice(0, initial.length);
          const index = new OrderedIndex<Position>(start.map((entry) => ({ ...entry, item: entry })));
          for (const entry of [...unique.values()].slice(initial.length)) index.add({ ...entry, item: entry });
          const removed = [...unique.values()].filter((_, turn) => turn % 3 === 0);
          for (const entry of removed) index.remove(entry);
          const expected = [...unique.values()].filter((_, turn) => turn % 3 !== 0).toSorted(comparePositions);

          const before: Cut = ({ value }) => compareValues(value, at) < 0;
          const upTo: Cut = ({ value }) => compareValues(value, at + 5) < 0;
          expect([...index.ascending(nothing, everything)]).toEqual(expected);
          expect([...index.descending(nothing, everything)]).toEqual(expected.toReversed());
          const within = expected.filter(({ value }) => value >= at && value < at + 5);
          expect([...index.ascending(before, upTo)]).toEqual(within);
          expect([...index.descending(before, upTo)]).toEqual(within.toReversed());
          expect(index.countBefore(upTo) - index.countBefore(before)).toBe(within.length);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('splits chunks as it grows from nothing', () => {
    const index = new OrderedIndex<number>([]);
    const numbers = Array.from({ length: 5_000 }, (_, turn) => (turn * 7919) % 5_000);
    for (const number of numbers) index.add({ value: number, id: '1', item: number });
    expect([...index.ascending(nothing, everything)]).toEqual(numbers.toSorted((a, b) => a - b));
    for (const number of numbers) index.remove({ value: number, id: '1' });
    expect([...index.ascending(nothing, everything)]).toEqual([]);
  });

  test('orders null first, then by value', () => {
    expect([3, null, 1].toSorted(compareValues)).toEqual([null, 1, 3]);
    expect([true, null, false].toSorted(compareValues)).toEqual([null, false, true]);
    expect(['b', null, 'a'].toSorted(compareValues)).toEqual([null, 'a', 'b']);
  });
});
