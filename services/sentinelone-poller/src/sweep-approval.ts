import { hash } from 'node:crypto';
import type { EventOf, OperatorActed } from '@stance/contracts';
import type { RefusedSweep } from './checkpoint.js';

/** How long an approval without an end of its own holds, in milliseconds. */
const VALID_FOR_MS = 60 * 60_000;

/** A person's word that a refused sweep is right. */
export interface SweepApproval {
  /** The sweep that was refused. */
  readonly startedAt: string;
  /** Of the agents that may be retired, as {@link absenceDigest} makes it. */
  readonly digest: string;
  /** Milliseconds since the epoch. */
  readonly until: number;
}

/** Names a set of agents: SHA-256, in hex, of their ids, sorted, a line each. */
export function absenceDigest(agentIds: readonly string[]): string {
  return hash('sha256', agentIds.toSorted().join('\n'), 'hex');
}

/** What `stance sources approve` said; undefined when it names no sweep or no agents. */
export function sweepApprovalOf({ time, data }: EventOf<typeof OperatorActed>): SweepApproval | undefined {
  const { startedAt, digest } = data.details ?? {};
  if (data.kind !== 'sweep-approved' || startedAt === undefined || digest === undefined) return undefined;
  const until = data.until === undefined ? Date.parse(time) + VALID_FOR_MS : Date.parse(data.until);
  return { startedAt, digest, until };
}

/**
 * Which agents a sweep may retire by a person's word, by their digest: those of the refused sweep that waits for it, none
 * other, and not for ever. Once a sweep was believed nothing waits any more, and what was refused anew has to be approved
 * anew.
 */
export function approvedAbsences(
  approval: SweepApproval | undefined,
  refused: RefusedSweep | undefined,
  now: number,
): string | undefined {
  if (approval === undefined || refused === undefined || now >= approval.until) return undefined;
  const isOfRefused = approval.startedAt === refused.startedAt && approval.digest === refused.digest;
  return isOfRefused ? approval.digest : undefined;
}
