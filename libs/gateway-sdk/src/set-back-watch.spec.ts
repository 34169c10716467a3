import { describe, expect, test } from '@jest/globals';
import { SetBackWatch } from './set-back-watch.js';

const HOUR = 3_600_000;
const NOON = Date.parse('2026-11-21T12:00:00Z');
const at = (time: number) => new Date(time).toISOString();
const stream = (lastSequence: number, active?: { sequence: number; at: number }) => ({
  created: at(0),
  lastSequence,
  ...(active && { activeFrom: { sequence: active.sequence, at: at(active.at) } }),
});

/** Nine decisions, a minute apart, the last one just before noon. */
function watchOfNine(): SetBackWatch {
  const watch = new SetBackWatch();
  for (let sequence = 1; sequence <= 9; sequence += 1) watch.held(sequence, NOON - (10 - sequence) * 60_000);
  return watch;
}

describe('a stream that was set back', () => {
  test('is noticed while it is shorter than what was held', () => {
    const watch = watchOfNine();
    expect(watch.heard(stream(9))).toBe(false);
    expect(watch.heard(stream(4))).toBe(true);
  });

  test('stays noticed when it has grown again', () => {
    const watch = watchOfNine();
    watch.heard(stream(9));
    watch.heard(stream(4));
    expect(watch.heard(stream(40))).toBe(true);
  });

  test('is noticed although it had grown again before the first report was heard', () => {
    const watch = watchOfNine();
    watch.heard(stream(9, { sequence: 0, at: NOON - HOUR }));
    for (const sequence of [10, 11, 12]) watch.held(sequence, NOON + 1_000);
    expect(watch.heard(stream(12, { sequence: 4, at: NOON + 500 }))).toBe(true);
  });

  test('is noticed by who has read the copy only afterwards', () => {
    const watch = watchOfNine();
    for (const sequence of [10, 11, 12]) watch.held(sequence, NOON + HOUR);
    expect(watch.heard(stream(12, { sequence: 4, at: NOON + HOUR - 1_000 }))).toBe(true);
  });

  test('counts no more once the stream is read as another', () => {
    const watch = watchOfNine();
    watch.heard(stream(9));
    watch.heard(stream(4));
    watch.startOver();
    watch.held(1, NOON);
    expect(watch.heard(stream(4, { sequence: 1, at: NOON + HOUR }))).toBe(false);
  });
});

describe('a stream that was not', () => {
  test('has nothing beyond where an engine found it', () => {
    const watch = watchOfNine();
    expect(watch.heard(stream(9, { sequence: 2, at: NOON - 8 * 60_000 }))).toBe(false);
    watch.held(12, NOON + 1_000);
    expect(watch.heard(stream(12, { sequence: 2, at: NOON - 8 * 60_000 }))).toBe(false);
    // Another engine takes over and goes on.
    expect(watch.heard(stream(12, { sequence: 12, at: NOON + 2_000 }))).toBe(false);
    watch.held(15, NOON + 3_000);
    expect(watch.heard(stream(15, { sequence: 12, at: NOON + 2_000 }))).toBe(false);
  });

  test('may be ahead of a report, as of what came while it was on its way', () => {
    const watch = watchOfNine();
    watch.heard(stream(9));
    watch.held(10, NOON);
    expect(watch.heard(stream(9))).toBe(false);
  });

  test('may be read by servers whose clocks differ by seconds', () => {
    const watch = new SetBackWatch();
    watch.held(5, NOON - 4_000);
    expect(watch.heard(stream(5, { sequence: 4, at: NOON }))).toBe(false);
  });

  test('is told from others however much was read', () => {
    const watch = new SetBackWatch();
    for (let sequence = 1; sequence <= 10_000; sequence += 1) watch.held(sequence, NOON + sequence * 60_000);
    expect(watch.heard(stream(10_000, { sequence: 9_000, at: NOON + 9_000 * 60_000 + 30_000 }))).toBe(false);
    expect(watch.heard(stream(10_000, { sequence: 9_000, at: NOON + 9_500 * 60_000 }))).toBe(true);
  });
});
