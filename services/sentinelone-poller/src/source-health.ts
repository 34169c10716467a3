import type { DataOf, SourceReported } from '@stance/contracts';
import { AuthenticationFailed, Forbidden, SentinelOneError } from '@stance/sentinelone';
import { CheckpointTaken } from './checkpoint.store.js';

export type SourceReport = DataOf<typeof SourceReported>;

/** How a failed attempt shows, and when the next one may be made. */
export interface Failure {
  readonly state: 'degraded' | 'paused' | 'failed';
  readonly error: NonNullable<SourceReport['error']>;
  /** Milliseconds until the next attempt. */
  readonly retryAfterMs: number;
}

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

/**
 * What a failure means for the source. A token that is refused pauses it at growing intervals up to a day, as asking again
 * and again would lock it; everything else is tried again at the next poll, slower as failures add up. Pure.
 */
export function failureOf(error: unknown, failuresInARow: number, pollIntervalMs: number): Failure {
  const growing = (first: number, most: number) => Math.min(most, first * 2 ** Math.max(0, failuresInARow - 1));
  if (error instanceof AuthenticationFailed || error instanceof Forbidden) {
    const advice =
      error instanceof AuthenticationFailed
        ? 'The API token is wrong or has expired: create a new one for the Service User and set it.'
        : 'The Service User needs the role Viewer for the accounts or sites that are read.';
    return { state: 'paused', error: describe(error, advice), retryAfterMs: growing(MINUTE, DAY) };
  }
  return {
    state: error instanceof CheckpointTaken ? 'failed' : 'degraded',
    error: describe(error),
    retryAfterMs: growing(pollIntervalMs, Math.max(pollIntervalMs, 5 * MINUTE)),
  };
}

function describe(error: unknown, advice?: string): Failure['error'] {
  if (error instanceof SentinelOneError) {
    const detail = advice ?? error.detail;
    return { code: String(error.code ?? error.status ?? error.name), title: error.message, ...(detail && { detail }) };
  }
  if (error instanceof Error) return { code: error.name, title: error.message };
  return { code: 'unknown', title: String(error) };
}
