import type { DataOf, SourceReported } from '@stance/contracts';
import {
  AuthenticationFailed,
  BadRequest,
  ConsoleUnavailable,
  Forbidden,
  RateLimited,
  SentinelOneError,
  UnexpectedStatus,
} from '@stance/sentinelone';
import type { LaneName } from './lanes/lane.js';
import { SweepIncomplete, SweepRefused } from './sweep.errors.js';

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
 * What a failure means for the source. A token that is refused, or may not read the changes, pauses it at growing intervals
 * up to a day, as asking again and again would lock it; what else it may not read it goes without; everything else is tried
 * again at the next poll, slower as failures add up, and no sooner than the console asks for. Pure.
 */
export function failureOf(error: unknown, failuresInARow: number, lane: LaneName, intervals: Intervals): Failure {
  const growing = (first: number, most: number) => Math.min(most, first * 2 ** Math.max(0, failuresInARow - 1));
  const without = WITHOUT[lane];
  if (without !== undefined && isUnavailable(error)) {
    return { state: 'degraded', error: describe(error, without), retryAfterMs: growing(MINUTE, HOUR) };
  }
  if (error instanceof AuthenticationFailed || (error instanceof Forbidden && lane === 'changes')) {
    return { state: 'paused', error: describe(error), retryAfterMs: growing(MINUTE, DAY) };
  }
  // The others are read: what is refused to one lane alone is refused to that lane.
  if (error instanceof Forbidden) {
    return { state: 'degraded', error: describe(error), retryAfterMs: growing(MINUTE, HOUR) };
  }
  const { pollIntervalMs, sweepIntervalMs } = intervals;
  // What a console shows of everybody changes no sooner by being read again.
  const isJudgement = error instanceof SweepRefused || error instanceof SweepIncomplete;
  return {
    state: 'degraded',
    error: describe(error),
    retryAfterMs: isJudgement
      ? sweepIntervalMs
      : Math.max(growing(pollIntervalMs, Math.max(pollIntervalMs, 5 * MINUTE)), wantedBy(error)),
  };
}

/** Milliseconds that the console asked to be left alone for; an hour is the most that is believed. */
function wantedBy(error: unknown): number {
  if (!(error instanceof RateLimited || error instanceof ConsoleUnavailable)) return 0;
  return Math.min(error.retryAfterMs ?? 0, HOUR);
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

/** What happened as the title, and what to do as the detail. */
function describe(error: unknown, without?: string): Failure['error'] {
  if (error instanceof SentinelOneError) {
    const { code, status, name, endpoint, finding } = error;
    // An endpoint that a console does not have needs nobody to act.
    const advice = without === undefined || error instanceof Forbidden ? error.advice : undefined;
    const detail = [without, advice].filter((part) => part !== undefined).join(' ');
    return {
      code: String(code ?? status ?? name),
      title: `GET ${endpoint}: ${finding}`,
      ...(detail !== '' && { detail }),
    };
  }
  if (error instanceof Error) return { code: error.name, title: error.message };
  return { code: 'unknown', title: String(error) };
}
