import type { NatsConnection } from '@nats-io/transport-node';
import type { VerifyAudit } from '@stance/contracts';
import type { z } from 'zod';
import type { AuditRecord } from './chain.js';
import { lastSequenceOfTrail, walkTrail } from './trail.store.js';
import { ChainVerifier } from './verify.js';

export type AuditVerification = z.output<typeof VerifyAudit.output>;

export interface VerifyTrailOptions {
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
  { signal, rest, stretch: resting = STRETCH }: VerifyTrailOptions = {},
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
      const problem = record === undefined ? problemOf(message) : verifier.check(record);
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
  return { records, gaps, intact: firstBad === undefined, lastHash: end.hash, ...(firstBad && { firstBad }) };
}

function problemOf(message: object): string {
  return 'problem' in message ? String(message.problem) : 'it is not an audit record';
}

function position(record: AuditRecord | undefined): { position?: number } {
  return record === undefined ? {} : { position: record.position };
}
