import { describe, expect, it } from '@jest/globals';
import { CHAIN_START, linkTo, type RecordContent } from '@stance/audit-chain';
import { endOf, gapOf } from './record.js';
import { resumeAfter } from './resume.js';

const NOON = Date.parse('2026-11-21T12:00:00Z');
const HOUR = 3_600_000;
const fact: RecordContent = {
  kind: 'event',
  stream: 'STANCE_POSTURE',
  device: 'd1',
  sequence: 40,
  storedAt: '2026-11-21T12:00:00.000000000Z',
};

describe('resuming after the last record of a stream', () => {
  it.each<[string, RecordContent | undefined, number, number, { seen: number; madeAnew: boolean }]>([
    ['from the start where nothing is recorded', undefined, 100, NOON, { seen: 0, madeAnew: false }],
    ['after the last fact', fact, 100, NOON - HOUR, { seen: 40, madeAnew: false }],
    ['after the last fact where nothing came since', fact, 40, NOON - HOUR, { seen: 40, madeAnew: false }],
    ['after a gap', gapOf('STANCE_POSTURE', 41, 50), 60, NOON - HOUR, { seen: 50, madeAnew: false }],
    ['from the start after a stream was made anew', endOf('STANCE_POSTURE', 41), 5, NOON, { seen: 0, madeAnew: false }],
    ['anew in a stream that ends before its last record', fact, 39, NOON - HOUR, { seen: 40, madeAnew: true }],
    ['anew in a stream younger than its last record', fact, 100, NOON + HOUR, { seen: 40, madeAnew: true }],
    ['after a fact that a slow clock dated before its stream', fact, 100, NOON + 5_000, { seen: 40, madeAnew: false }],
  ])('goes on %s', (_, content, lastSequence, createdAt, expected) => {
    const last = content && linkTo(CHAIN_START, content);
    expect(resumeAfter(last, { lastSequence, createdAt })).toEqual(expected);
  });
});
