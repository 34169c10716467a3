import { describe, expect, it } from '@jest/globals';
import { describeProgress, progressOf } from './sweep-progress.js';

const STARTED = '2026-11-21T12:00:00.000Z';

describe('the progress of a sweep', () => {
  it('says how fast it is and what is left', () => {
    const progress = progressOf(STARTED, 12_000, 100_000, 5_333);
    expect(progress).toEqual({ startedAt: STARTED, read: 12_000, total: 100_000, perSecond: 2_250, secondsLeft: 40 });
    expect(describeProgress(progress)).toBe('agents read: 12000 of 100000, 2250 a second, 40s left');
  });

  it.each([
    ['gives no total', undefined],
    ['gives 0, as on later pages', 0],
  ])('leaves the end open when the console %s', (_, total) => {
    const progress = progressOf(STARTED, 3_000, total, 1_000);
    expect(progress).toEqual({ startedAt: STARTED, read: 3_000, perSecond: 3_000 });
    expect(describeProgress(progress)).toBe('agents read: 3000, 3000 a second');
  });

  it('promises nothing before it has read for a while', () => {
    expect(progressOf(STARTED, 0, 100, 0)).toEqual({ startedAt: STARTED, read: 0, total: 100, perSecond: 0 });
  });

  it('ends with nothing left', () => {
    expect(progressOf(STARTED, 100, 100, 1_000)).toMatchObject({ read: 100, secondsLeft: 0 });
  });
});
