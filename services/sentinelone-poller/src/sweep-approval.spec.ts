import { describe, expect, it } from '@jest/globals';
import { createEvent, OperatorActed, type DataOf } from '@stance/contracts';
import { approvedAbsences, sweepApprovalOf } from './sweep-approval.js';

const REFUSED_AT = '2026-11-21T12:00:00.000Z';
const APPROVED_AT = '2026-11-21T12:20:00.000Z';
const HOUR = 3_600_000;

type Act = DataOf<typeof OperatorActed>;

function approvalOf(overrides: Partial<Act> = {}) {
  const data: Act = {
    kind: 'sweep-approved',
    targetId: 'console',
    by: 'kim',
    reason: 'the site was closed',
    details: { startedAt: REFUSED_AT, absent: '12' },
    ...overrides,
  };
  return sweepApprovalOf(
    createEvent(OperatorActed, { id: '1', producer: 'cli', time: new Date(APPROVED_AT), data, cause: {} }),
  );
}

describe('an approval', () => {
  it('names the sweep and how many it may retire, and holds for an hour', () => {
    expect(approvalOf()).toEqual({ startedAt: REFUSED_AT, absent: 12, until: Date.parse(APPROVED_AT) + HOUR });
  });

  it('holds until the time that it gives', () => {
    expect(approvalOf({ until: '2026-11-21T13:00:00Z' })?.until).toBe(Date.parse('2026-11-21T13:00:00Z'));
  });

  it.each<[string, Partial<Act>]>([
    ['without details', { details: undefined }],
    ['without the sweep', { details: { absent: '12' } }],
    ['without a number', { details: { startedAt: REFUSED_AT } }],
    ['with a number that is none', { details: { startedAt: REFUSED_AT, absent: '-1' } }],
    ['of another kind', { kind: 'manual-link' }],
  ])('%s approves of nothing', (_, overrides) => {
    expect(approvalOf(overrides)).toBeUndefined();
  });
});

describe("what a sweep may retire by a person's word", () => {
  const refused = { startedAt: REFUSED_AT, absent: 12, present: 40, limit: 4, examples: [] };
  const approval = { startedAt: REFUSED_AT, absent: 12, until: Date.parse(APPROVED_AT) + HOUR };
  const now = Date.parse(APPROVED_AT);

  it.each([
    ['what was approved, for the refused sweep', approval, refused, now, 12],
    ['nothing without an approval', undefined, refused, now, 0],
    ['nothing when no sweep waits', approval, undefined, now, 0],
    ['nothing for a sweep refused since', approval, { ...refused, startedAt: APPROVED_AT }, now, 0],
    ['nothing for a sweep refused before', { ...approval, startedAt: APPROVED_AT }, refused, now, 0],
    ['nothing once it is over', approval, refused, approval.until, 0],
    ['what was approved until then', approval, refused, approval.until - 1, 12],
  ])('is %s', (_, given, waiting, at, absent) => {
    expect(approvedAbsences(given, waiting, at)).toBe(absent);
  });
});
