import { describe, expect, it } from '@jest/globals';
import { createEvent, OperatorActed, type DataOf } from '@stance/contracts';
import { createHash } from 'node:crypto';
import { absenceDigest, approvedAbsences, sweepApprovalOf } from './sweep-approval.js';

const REFUSED_AT = '2026-11-21T12:00:00.000Z';
const APPROVED_AT = '2026-11-21T12:20:00.000Z';
const HOUR = 3_600_000;
const DIGEST = absenceDigest(['1', '2']);

type Act = DataOf<typeof OperatorActed>;

function approvalOf(overrides: Partial<Act> = {}) {
  const data: Act = {
    kind: 'sweep-approved',
    targetId: 'console',
    by: 'kim',
    reason: 'the site was closed',
    details: { startedAt: REFUSED_AT, digest: DIGEST },
    ...overrides,
  };
  return sweepApprovalOf(
    createEvent(OperatorActed, { id: '1', producer: 'cli', time: new Date(APPROVED_AT), data, cause: {} }),
  );
}

describe('an approval', () => {
  it('names the sweep and the agents that it may retire, and holds for an hour', () => {
    expect(approvalOf()).toEqual({ startedAt: REFUSED_AT, digest: DIGEST, until: Date.parse(APPROVED_AT) + HOUR });
  });

  it('holds until the time that it gives', () => {
    expect(approvalOf({ until: '2026-11-21T13:00:00Z' })?.until).toBe(Date.parse('2026-11-21T13:00:00Z'));
  });

  it.each<[string, Partial<Act>]>([
    ['without details', { details: undefined }],
    ['without the sweep', { details: { digest: DIGEST } }],
    ['of a number of agents, whichever they are', { details: { startedAt: REFUSED_AT, absent: '12' } }],
    ['of another kind', { kind: 'manual-link' }],
  ])('%s approves of nothing', (_, overrides) => {
    expect(approvalOf(overrides)).toBeUndefined();
  });
});

describe('agents', () => {
  it('are named by the SHA-256 of their sorted ids, a line each', () => {
    expect(absenceDigest(['10', '9', '2'])).toBe(createHash('sha256').update('10\n2\n9').digest('hex'));
    expect(absenceDigest(['1', '2'])).not.toBe(absenceDigest(['1', '3']));
  });
});

describe("what a sweep may retire by a person's word", () => {
  const refused = { startedAt: REFUSED_AT, absent: 2, present: 40, limit: 4, examples: [], digest: DIGEST };
  const approval = { startedAt: REFUSED_AT, digest: DIGEST, until: Date.parse(APPROVED_AT) + HOUR };
  const now = Date.parse(APPROVED_AT);

  it.each([
    ['what was approved, for the refused sweep', approval, refused, now, DIGEST],
    ['nothing without an approval', undefined, refused, now, undefined],
    ['nothing when no sweep waits', approval, undefined, now, undefined],
    ['nothing for other agents', { ...approval, digest: absenceDigest(['1', '3']) }, refused, now, undefined],
    ['nothing for a sweep refused since', approval, { ...refused, startedAt: APPROVED_AT }, now, undefined],
    ['nothing for a sweep refused before', { ...approval, startedAt: APPROVED_AT }, refused, now, undefined],
    ['nothing once it is over', approval, refused, approval.until, undefined],
    ['what was approved until then', approval, refused, approval.until - 1, DIGEST],
  ])('is %s', (_, given, waiting, at, digest) => {
    expect(approvedAbsences(given, waiting, at)).toBe(digest);
  });
});
