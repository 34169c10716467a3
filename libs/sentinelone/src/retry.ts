import { ConsoleUnavailable, RateLimited } from './sentinelone.errors.js';

/** First back-off in milliseconds, doubled with each attempt, up to the ceiling. */
const BACKOFF_BASE_MS = 1_000;
const BACKOFF_CEILING_MS = 30_000;
/** The longest `Retry-After` that is waited for within one request, in milliseconds; a longer one is its failure. */
const PATIENCE_MS = 60_000;
/** The longest `Retry-After` that is believed, in milliseconds. */
const RETRY_AFTER_CEILING_MS = 60 * 60_000;
/** Spread added to a `Retry-After`, in milliseconds, so that several workers do not come back at once. */
const RETRY_AFTER_SPREAD_MS = 250;

/** Only what may pass by itself is tried again: 429, 5xx, timeouts, broken connections. */
export function isRetryable(error: unknown): error is RateLimited | ConsoleUnavailable {
  return error instanceof RateLimited || error instanceof ConsoleUnavailable;
}

/** Whether the request waits for another attempt: a console that wants longer is left alone, and its caller told so. */
export function isWorthWaiting({ retryAfterMs = 0 }: RateLimited | ConsoleUnavailable): boolean {
  return retryAfterMs <= PATIENCE_MS;
}

/**
 * Milliseconds to wait after a failed attempt (the first is 1): what the console asked for, never less unless that is
 * beyond an hour; otherwise exponential back-off with full jitter.
 * @param random a number from 0 to below 1
 */
export function retryDelay(attempt: number, error: RateLimited | ConsoleUnavailable, random: number): number {
  if (error.retryAfterMs !== undefined) {
    return Math.min(error.retryAfterMs, RETRY_AFTER_CEILING_MS) + random * RETRY_AFTER_SPREAD_MS;
  }
  return random * Math.min(BACKOFF_BASE_MS * 2 ** (attempt - 1), BACKOFF_CEILING_MS);
}

/**
 * Milliseconds that a `Retry-After` header asks for, given in seconds or as an HTTP date; undefined when it is neither.
 * A date is compared with the answer's own `Date` header where there is one, so that a wrong clock here does not count.
 */
export function parseRetryAfter(header: string | null, dateHeader: string | null, now: number): number | undefined {
  const value = header?.trim() ?? '';
  if (/^\d+(\.\d+)?$/.test(value)) return Math.ceil(Number(value) * 1000);
  // Every HTTP date begins with the name of a day; Date.parse would take much that is none.
  if (!/^(mon|tue|wed|thu|fri|sat|sun)/i.test(value)) return undefined;
  const until = Date.parse(value);
  if (Number.isNaN(until)) return undefined;
  const serverNow = Date.parse(dateHeader ?? '');
  return Math.max(0, until - (Number.isNaN(serverNow) ? now : serverNow));
}
