import { expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { timeOf } from './timestamp.js';

const number = (digits: number, max: number) => fc.nat({ max }).map((value) => String(value).padStart(digits, '0'));

test('reads every time as the engine does, well-formed or not', () => {
  const wellFormed = fc
    .tuple(
      number(4, 9999),
      number(2, 14),
      number(2, 33),
      number(2, 25),
      number(2, 61),
      number(2, 61),
      fc.constantFrom('', '.1', '.123', '.123456', '.12a', '.'),
    )
    .map(
      ([year, month, day, hour, minute, second, fraction]) =>
        `${year}-${month}-${day}T${hour}:${minute}:${second}${fraction}Z`,
    );
  const damaged = fc
    .tuple(wellFormed, fc.nat({ max: 26 }), fc.string({ maxLength: 1 }))
    .map(([text, place, character]) => text.slice(0, place) + character + text.slice(place + 1));
  fc.assert(
    fc.property(fc.oneof(wellFormed, damaged, fc.string()), (text) => expect(timeOf(text)).toBe(Date.parse(text))),
    { numRuns: 5000 },
  );
});

test.each([
  '2026-11-21T12:00:00Z',
  '2024-02-29T23:59:59.999Z',
  '2026-11-21T12:00:00.123456Z',
  '2026-11-21T12:00:00+01:00',
  '2026-02-31T00:00:00Z',
])('reads %s as the engine does', (text) => expect(timeOf(text)).toBe(Date.parse(text)));
