import { describe, expect, test } from '@jest/globals';
import { TenantClock, formatTimestamp, parseTimestamp } from './timestamps.js';

describe('timestamps', () => {
  test.each([
    ['2023-09-20T09:03:07.151615Z', '2023-09-20T09:03:07.151615Z'],
    ['2023-09-20T09:03:07Z', '2023-09-20T09:03:07.000000Z'],
    ['2023-09-20T09:03:07.5', '2023-09-20T09:03:07.500000Z'],
    ['2023-09-20 09:03:07.000001', '2023-09-20T09:03:07.000001Z'],
    ['2023-09-20T11:03:07.151615+02:00', '2023-09-20T09:03:07.151615Z'],
    ['2023-09-20', '2023-09-20T00:00:00.000000Z'],
    ['2023-09-20T09:03:07.1516159Z', '2023-09-20T09:03:07.151615Z'],
  ])('%s means %s', (text, expected) => {
    expect(formatTimestamp(parseTimestamp(text) ?? 0)).toBe(expected);
  });

  test.each(['', 'today', '2023', '2023-13-01', '20230920', '1695200587151', '2023-09-20T25:00:00Z'])(
    '%j is none',
    (text) => {
      expect(parseTimestamp(text)).toBeUndefined();
    },
  );

  test('the clock never repeats a microsecond and never goes back', () => {
    let now = 1_000;
    const clock = new TenantClock(() => now);
    expect([clock.tick(), clock.tick()]).toEqual([1_000_000, 1_000_001]);
    now = 500;
    expect(clock.tick()).toBe(1_000_002);
    clock.advancePast(2_000_000);
    expect(clock.tick()).toBe(2_000_001);
    now = 3_000;
    expect(clock.tick()).toBe(3_000_000);
  });
});
