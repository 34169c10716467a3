import { describe, expect, it } from '@jest/globals';
import { isRetryable, isWorthWaiting, parseRetryAfter, retryDelay } from './retry.js';
import {
  AuthenticationFailed,
  BadRequest,
  ConsoleUnavailable,
  Forbidden,
  MalformedAnswer,
  RateLimited,
  UnexpectedStatus,
} from './sentinelone.errors.js';

const limited = (retryAfterMs?: number): RateLimited => new RateLimited('/a', {}, 1, retryAfterMs);
const unavailable = (retryAfterMs?: number): ConsoleUnavailable =>
  new ConsoleUnavailable('/a', 503, {}, 1, retryAfterMs);

describe('the delay before another attempt', () => {
  it.each([
    // attempt, asked for, random, delay
    [1, undefined, 1, 1_000],
    [2, undefined, 1, 2_000],
    [3, undefined, 0.5, 2_000],
    [4, undefined, 1, 8_000],
    [6, undefined, 1, 30_000],
    [50, undefined, 1, 30_000],
    [4, undefined, 0, 0],
    [1, 7_000, 0, 7_000],
    [5, 7_000, 1, 7_250],
    [1, 0, 0, 0],
    [1, 120_000, 0, 120_000],
    [1, 86_400_000, 0, 3_600_000],
  ])('attempt %i, Retry-After %s ms, random %f: %i ms', (attempt, retryAfter, random, delay) => {
    expect(retryDelay(attempt, limited(retryAfter), random)).toBe(delay);
    expect(retryDelay(attempt, unavailable(retryAfter), random)).toBe(delay);
  });

  it.each([
    [undefined, true],
    [60_000, true],
    [60_001, false],
  ])('Retry-After %s ms: waited for within the request %s', (retryAfter, waited) => {
    expect(isWorthWaiting(limited(retryAfter))).toBe(waited);
    expect(isWorthWaiting(unavailable(retryAfter))).toBe(waited);
  });

  it.each([
    [limited(), true],
    [unavailable(), true],
    [new AuthenticationFailed('/a', 401, {}), false],
    [new Forbidden('/a', {}), false],
    [new BadRequest('/a', {}), false],
    [new UnexpectedStatus('/a', 404, {}), false],
    [new MalformedAnswer('/a', 'x'), false],
    [new Error('x'), false],
  ])('%s: retried %s', (error, retried) => {
    expect(isRetryable(error)).toBe(retried);
  });
});

describe('Retry-After', () => {
  const now = Date.parse('2026-01-01T00:00:00Z');
  it.each([
    ['7', null, 7_000],
    [' 0 ', null, 0],
    ['0.5', null, 500],
    ['Thu, 01 Jan 2026 00:00:30 GMT', null, 30_000],
    ['Wed, 31 Dec 2025 23:59:00 GMT', null, 0],
    // This machine's clock is an hour behind the console's.
    ['Thu, 01 Jan 2026 01:00:30 GMT', 'Thu, 01 Jan 2026 01:00:00 GMT', 30_000],
    ['-5', null, undefined],
    ['2026', null, 2_026_000],
    ['soon', null, undefined],
    ['Thu, nonsense', null, undefined],
    ['', null, undefined],
    [null, null, undefined],
  ])('%j, Date %j: %s ms', (header, date, ms) => {
    expect(parseRetryAfter(header, date, now)).toBe(ms);
  });
});
