import { expect, test } from '@jest/globals';
import { agoOption, saidOption, untilOption } from './options.js';

test('until takes a duration from now', () => {
  const before = Date.now();
  const at = Date.parse(untilOption('2h'));
  expect(at).toBeGreaterThanOrEqual(before + 7_200_000);
  expect(at).toBeLessThanOrEqual(Date.now() + 7_200_000);
});

test('until takes a time in any zone, and tells it in UTC', () => {
  const year = new Date().getUTCFullYear() + 1;
  expect(untilOption(`${year}-01-31T18:00:00+02:00`)).toBe(`${year}-01-31T16:00:00.000Z`);
});

test.each(['soon', '', '2001-01-01T00:00:00Z', '0s', '99999999d', '2030-01-31', '9999-01-01T00:00:00Z'])(
  'until is not %j',
  (text) => {
    expect(() => untilOption(text)).toThrow(/such as 8h or 30d, or a time such as 2030-01-31T18:00:00Z/);
  },
);

test('what is recorded has to say something', () => {
  expect(saidOption('  new mainboard ')).toBe('new mainboard');
  for (const text of ['', '   ', 'x'.repeat(1_001)]) expect(() => saidOption(text)).toThrow(/1 to 1,000/);
});

test('a moment gone by is so long ago, or a time in any zone', () => {
  const now = Date.now();
  expect(agoOption('2h')).toBeGreaterThanOrEqual(now - 7_200_000);
  expect(agoOption('2h')).toBeLessThanOrEqual(Date.now() - 7_200_000);
  expect(agoOption('2026-01-31T18:00:00+02:00')).toBe(Date.parse('2026-01-31T16:00:00Z'));
});

test.each(['yesterday', '', '2026-01-31', '2999-01-01T00:00:00Z', '99999999d'])('no moment gone by is %j', (text) => {
  expect(() => agoOption(text)).toThrow(/how long ago, such as 2h or 7d, or a time such as/);
});
