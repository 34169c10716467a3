import { accountedUpTo, type AuditRecord } from '@stance/audit-chain';

/** How a stream stands at its leader. */
export interface StreamState {
  readonly lastSequence: number;
  /** When it was created, in milliseconds since 1970. */
  readonly createdAt: number;
}

/** From where a stream is followed: after `seen`, and whether that is another stream of the same name. */
export interface ResumePoint {
  readonly seen: number;
  readonly madeAnew: boolean;
}

/** How far the clocks of a cluster's servers may differ, so that a stream's first message seems older than the stream. */
const CLOCK_DIFFERENCE_MS = 60_000;

/**
 * Where to go on after a stream's last record. A stream that ends before what was recorded, or was created after it, was
 * deleted and made anew: its sequences start over.
 */
export function resumeAfter(last: AuditRecord | undefined, stream: StreamState): ResumePoint {
  if (last === undefined) return { seen: 0, madeAnew: false };
  const seen = accountedUpTo(last);
  const storedAt = last.storedAt === undefined ? Infinity : Date.parse(last.storedAt);
  return { seen, madeAnew: stream.lastSequence < seen || storedAt + CLOCK_DIFFERENCE_MS < stream.createdAt };
}
