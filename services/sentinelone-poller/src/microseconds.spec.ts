import { describe, expect, it } from '@jest/globals';
import { microsecondsOf, timestampOf } from './microseconds.js';

describe('a time as a number', () => {
  it.each([
    ['2026-11-21T12:00:00.123456Z', '2026-11-21T12:00:00.123456Z'],
    ['2026-11-21T12:00:00.000001Z', '2026-11-21T12:00:00.000001Z'],
    ['2026-11-21T12:00:00Z', '2026-11-21T12:00:00.000000Z'],
    ['2026-11-21T12:00:00.5Z', '2026-11-21T12:00:00.500000Z'],
    ['2026-11-21T12:00:00.123Z', '2026-11-21T12:00:00.123000Z'],
    ['2026-11-21T12:00:00.123456789Z', '2026-11-21T12:00:00.123456Z'],
    ['1970-01-01T00:00:00.000000Z', '1970-01-01T00:00:00.000000Z'],
    ['2254-12-31T23:59:59.999999Z', '2254-12-31T23:59:59.999999Z'],
  ])('%s loses nothing above a microsecond', (text, same) => {
    expect(timestampOf(microsecondsOf(text))).toBe(same);
  });

  it('keeps the order of microseconds', () => {
    expect(microsecondsOf('2026-11-21T12:00:00.000001Z')).toBeGreaterThan(microsecondsOf('2026-11-21T12:00:00Z'));
  });
});
