import type { NatsConnection } from '@nats-io/transport-node';
import { ChainVerifier, type AuditRecord } from '@stance/audit-chain';
import type { VerifyAudit } from '@stance/contracts';
import type { z } from 'zod';
import { lastSequenceOfTrail, walkTrail } from './trail.store.js';

export type AuditVerification = z.output<typeof VerifyAudit.output>;

/** How far an earlier verification came: a trail only grows, so that it still has to be there. */
export interface TrailMark {
  readonly records: number;
  /** Of the last of these records. */
  readonly lastHash: string;
}

export interface VerifyTrailOptions {
  /** Fewer records than these, or another one at their end, is damage, even in a chain that is whole. */
  readonly before?: TrailMark;
  readonly signal?: AbortSignal;
  /** Awaited after every stretch; without it the trail is walked in one go. */
  readonly rest?: () => Promise<void>;
  /** Messages that are read without a rest; 5,000 by default, which takes a tenth of a second or so. */
  readonly stretch?: number;
}

const STRETCH = 5_000;

/** Walks the whole chain, up to what it held at the time of the call. Rejects when `signal` aborts, or NATS does not answer. */
export async function verifyTrail(
  connection: NatsConnection,
  { before, signal, rest, stretch: resting = STRETCH }: VerifyTrailOptions = {},
): Promise<AuditVerification> {
  const verifier = new ChainVerifier();
  let firstBad: AuditVerification['firstBad'];
  let seen = 0;
  const lastSequence = await lastSequenceOfTrail(connection);
  const stretch = rest === undefined ? lastSequence : resting;
  for (let from = 1; from <= lastSequence; from += stretch) {
    const upTo = Math.min(from + stretch - 1, lastSequence);
    await walkTrail(connection, { from, upTo, ...(signal && { signal }) }, (message) => {
      const { sequence } = message;
      seen = sequence;
      const record = 'record' in message ? message.record : undefined;
      const problem =
        record === undefined ? problemOf(message) : (verifier.check(record) ?? replacement(verifier, before));
      if (problem !== undefined) firstBad = { streamSequence: sequence, ...position(record), problem };
      return problem === undefined;
    });
    if (firstBad !== undefined) break;
    await rest?.();
  }
  if (firstBad === undefined && seen < lastSequence) {
    firstBad = {
      streamSequence: seen + 1,
      problem: `it and all up to ${lastSequence} are gone from the trail's end`,
    };
  }
  const { records, gaps, end } = verifier;
  if (firstBad === undefined && before !== undefined && records < before.records) {
    firstBad = {
      streamSequence: seen + 1,
      problem: `the trail has shrunk: ${records} records are left of ${before.records} that were verified before, up to the hash ${before.lastHash}`,
    };
  }
  return { records, gaps, intact: firstBad === undefined, lastHash: end.hash, ...(firstBad && { firstBad }) };
}

/** What is wrong with the record just checked when it is where an earlier verification ended. */
function replacement({ records, end }: ChainVerifier, before: TrailMark | undefined): string | undefined {
  if (records !== before?.records || end.hash === before.lastHash) return undefined;
  return `it is another record than was verified before, whose hash was ${before.lastHash}: the chain was written anew`;
}

function problemOf(message: object): string {
  return 'problem' in message ? String(message.problem) : 'it is not an audit record';
}

function position(record: AuditRecord | undefined): { position?: number } {
  return record === undefined ? {} : { position: record.position };
}
