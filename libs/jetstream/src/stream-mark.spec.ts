import { describe, expect, it } from '@jest/globals';
import { changeOf, type StreamMark } from './stream-mark.js';

const before: StreamMark = { created: '2026-11-21T08:00:00Z', lastSequence: 10, lastStoredAt: 1_000 };

describe('a stream is the same one', () => {
  it.each<[string, Partial<StreamMark>, number | undefined]>([
    ['when nothing happened', {}, 1_000],
    ['when it was written on', { lastSequence: 12, lastStoredAt: 2_000 }, 1_000],
    ['when its last message then is gone', { lastSequence: 12, lastStoredAt: 2_000 }, undefined],
    ['when a time was rounded on its way', {}, 1_001],
  ])('%s', (_, now, storedAtMark) => {
    expect(changeOf(before, { ...before, ...now }, storedAtMark)).toBeUndefined();
  });
});

describe('a stream is another one', () => {
  it.each<[string, Partial<StreamMark>, number | undefined, string]>([
    [
      'when it was made anew',
      { created: '2026-11-21T09:00:00Z' },
      undefined,
      'was deleted and made anew, or restored, at 2026-11-21T09',
    ],
    ['when it ends before', { lastSequence: 9 }, undefined, 'was set back from message 10 to 9'],
    ['when it is empty', { lastSequence: 0 }, undefined, 'was set back from message 10 to 0'],
    ['when its message was stored at another time', { lastSequence: 11 }, 3_000, 'was set back to before message 10'],
  ])('%s', (_, now, storedAtMark, what) => {
    expect(changeOf(before, { ...before, ...now }, storedAtMark)).toContain(what);
  });
});
