import type { DataOf, SourceReported } from '@stance/contracts';
import { AuthenticationFailed, BadRequest, Forbidden, SentinelOneError, UnexpectedStatus } from '@stance/sentinelone';
import type { LaneName } from './lanes/lane.js';
import { SweepIncomplete, SweepRefused } from './lanes/sweep.js';

export type SourceReport = DataOf<typeof SourceReported>;

/** How a failed attempt shows, and when the next one may be made. */
export interface Failure {
  readonly state: 'degraded' | 'paused';
  readonly error: NonNullable<SourceReport['error']>;
  /** Milliseconds until the next attempt. */
  readonly retryAfterMs: number;
}

/** The intervals of a source, in milliseconds. */
export interface Intervals {
  readonly pollIntervalMs: number;
  readonly sweepIntervalMs: number;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** What is not read while a lane's endpoint is refused, and why the source is usable all the same. */
const WITHOUT: Partial<Record<LaneName, string>> = {
  threats: 'Threats are not read: an infection shows when the record of its agent changes. Everything else is read.',
  removals: 'Removals are not read: they show when the record of the agent changes. Everything else is read.',
};

/**
 * What a failure means for the source. A token that is refused pauses it at growing intervals up to a day, as asking again
 * and again would lock it; a token or console without threats or activities goes without them; everything else is tried
 * again at the next poll, slower as failures add up. Pure.
 */
export function failureOf(error: unknown, failuresInARow: number, lane: LaneName, intervals: Intervals): Failure {
  const growing = (first: number, most: number) => Math.min(most, first * 2 ** Math.max(0, failuresInARow - 1));
  const without = WITHOUT[lane];
  if (without !== undefined && isUnavailable(error)) {
    return { state: 'degraded', error: describe(error, without), retryAfterMs: growing(MINUTE, HOUR) };
  }
  if (error instanceof AuthenticationFailed || error instanceof Forbidden) {
    const advice =
      error instanceof AuthenticationFailed
        ? 'The API token is wrong or has expired: create a new one for the Service User and set it.'
        : 'The Service User needs the role Viewer for the accounts or sites that are read.';
    return { state: 'paused', error: describe(error, advice), retryAfterMs: growing(MINUTE, DAY) };
  }
  const { pollIntervalMs, sweepIntervalMs } = intervals;
  // What a console shows of everybody changes no sooner by being read again.
  const isJudgement = error instanceof SweepRefused || error instanceof SweepIncomplete;
  return {
    state: 'degraded',
    error: describe(error),
    retryAfterMs: isJudgement ? sweepIntervalMs : growing(pollIntervalMs, Math.max(pollIntervalMs, 5 * MINUTE)),
  };
}

/** The endpoint, not the token: it may not be read with this role, or this console does not have it. */
function isUnavailable(error: unknown): boolean {
  if (error instanceof Forbidden || error instanceof BadRequest) return !error.endpoint.endsWith('/agents');
  return error instanceof UnexpectedStatus && error.status === 404 && !error.endpoint.endsWith('/agents');
}

/** Of several failures, the one that a person has to know of first: what stops everything, else the first. */
export function worstOf(failures: readonly Failure[]): Failure | undefined {
  return failures.find(({ state }) => state === 'paused') ?? failures[0];
}

function describe(error: unknown, advice?: string): Failure['error'] {
  if (error instanceof SentinelOneError) {
    const detail = advice ?? error.detail;
    return { code: String(error.code ?? error.status ?? error.name), title: error.message, ...(detail && { detail }) };
  }
  if (error instanceof Error) return { code: error.name, title: error.message };
  return { code: 'unknown', title: String(error) };
}
