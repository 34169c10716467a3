import type { EventOf, OperatorActed } from '@stance/contracts';
import type { RefusedSweep } from './checkpoint.js';

/** How long an approval without an end of its own holds, in milliseconds. */
const VALID_FOR_MS = 60 * 60_000;

/** A person's word that a refused sweep is right. */
export interface SweepApproval {
  /** The sweep that was refused. */
  readonly startedAt: string;
  /** How many agents may be retired. */
  readonly absent: number;
  /** Milliseconds since the epoch. */
  readonly until: number;
}

/** What `stance sources approve` said; undefined when it names no sweep or no number. */
export function sweepApprovalOf({ time, data }: EventOf<typeof OperatorActed>): SweepApproval | undefined {
  const { startedAt, absent = '' } = data.details ?? {};
  if (data.kind !== 'sweep-approved' || startedAt === undefined || !/^\d{1,9}$/.test(absent)) return undefined;
  const until = data.until === undefined ? Date.parse(time) + VALID_FOR_MS : Date.parse(data.until);
  return { startedAt, absent: Number(absent), until };
}

/**
 * How many agents a sweep may retire by a person's word: for the refused sweep that waits for it, none other, and not for
 * ever. Once a sweep was believed nothing waits any more, and what was refused anew has to be approved anew.
 */
export function approvedAbsences(
  approval: SweepApproval | undefined,
  refused: RefusedSweep | undefined,
  now: number,
): number {
  if (approval === undefined || refused === undefined) return 0;
  return approval.startedAt === refused.startedAt && now < approval.until ? approval.absent : 0;
}
