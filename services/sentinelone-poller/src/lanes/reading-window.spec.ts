import { describe, expect, it } from '@jest/globals';
import { MAX_AHEAD_MS } from '../known-agent.js';
import { furthest, LATE_ROWS_EVERY_MS, OVERLAP_MS, ReadingWindow } from './reading-window.js';

const NOON = '2026-11-21T12:00:00.000000Z';
const before = (time: string) => new Date(Date.parse(time) - OVERLAP_MS).toISOString();

describe('where a listing begins', () => {
  it('is a little before what was read: rows become visible late', () => {
    expect(new ReadingWindow().from(NOON)).toBe('2026-11-21T11:59:55.000Z');
  });

  it('is the boundary itself once that was read again after the overlap', () => {
    let now = 0;
    const window = new ReadingWindow(() => now);
    const read = () => {
      const from = window.from(NOON);
      window.completed(NOON, now);
      return from;
    };
    expect(read()).toBe(before(NOON));
    now = OVERLAP_MS - LATE_ROWS_EVERY_MS;
    expect(read()).toBe(before(NOON));
    now = OVERLAP_MS;
    // This one still looks for late rows; it is the last.
    expect(read()).toBe(before(NOON));
    expect(read()).toBe(NOON);
  });

  it('is a little before again when something new was read', () => {
    let now = 0;
    const window = new ReadingWindow(() => now);
    window.from(NOON);
    now = OVERLAP_MS;
    window.completed(NOON, now);
    expect(window.from(NOON)).toBe(NOON);
    const later = '2026-11-21T12:01:00.000000Z';
    now += LATE_ROWS_EVERY_MS;
    expect(window.from(later)).toBe(before(later));
  });

  it('is a little before once a second, however often is read', () => {
    let now = 0;
    const window = new ReadingWindow(() => now);
    const begins = Array.from({ length: 25 }, (_, index) => {
      now = index * 100;
      const readTo = new Date(Date.parse(NOON) + now).toISOString();
      const from = window.from(readTo);
      window.completed(readTo, now);
      return from === readTo;
    });
    expect(begins.flatMap((isBoundary, index) => (isBoundary ? [] : [index]))).toEqual([0, 10, 20]);
  });

  it('is no earlier than time itself', () => {
    expect(new ReadingWindow().from(new Date(0).toISOString())).toBe('1970-01-01T00:00:00.000Z');
  });
});

describe('how far a listing got', () => {
  const now = Date.parse(NOON);
  const at = (ms: number) => new Date(now + ms).toISOString();
  const hour = 3_600_000;
  const byOurs = { receivedAt: now };
  const byTheirs = { receivedAt: now, consoleTime: now + hour };

  it.each([
    ['the later time', at(1_000), byOurs, at(1_000)],
    ['what it was, for an earlier time', at(-1_000), byOurs, NOON],
    ['what it was, for none', undefined, byOurs, NOON],
    ['by a clock that is ahead of ours by a little', at(MAX_AHEAD_MS), byOurs, at(MAX_AHEAD_MS)],
    ['not moved by a time that cannot be', '2099-01-01T00:00:00.000000Z', byOurs, NOON],
    ["by the console's own clock, however far it is ahead of ours", at(hour + 999), byTheirs, at(hour + 999)],
    ["not moved by a record ahead of the console's own clock", at(hour + 1_001), byTheirs, NOON],
  ])('is %s', (_, time, answer, expected) => {
    expect(furthest(NOON, time, answer)).toBe(expected);
  });
});
