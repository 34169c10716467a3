import { describe, expect, it } from '@jest/globals';
import { AuthenticationFailed, ConsoleUnavailable, Forbidden, MalformedAnswer, RateLimited } from '@stance/sentinelone';
import { CheckpointTaken } from './checkpoint.store.js';
import { SweepNotBelieved } from './poller.js';
import { failureOf } from './source-health.js';

const POLL = 10_000;
const MINUTE = 60_000;
const unauthorised = new AuthenticationFailed('/agents', 401, { code: 4010010, title: 'Authentication Failed' });

describe('a failure', () => {
  it.each([
    ['a refused token', unauthorised, 'paused'],
    ['a refused scope', new Forbidden('/agents', { code: 4030010 }), 'paused'],
    ['a spent budget', new RateLimited('/agents', {}, 5), 'degraded'],
    ['a console that fails', new ConsoleUnavailable('/agents', 503, {}, 5), 'degraded'],
    ['an answer that is none', new MalformedAnswer('/agents', 'it is an HTML page'), 'degraded'],
    ['a sweep that is not believed', new SweepNotBelieved('too many'), 'degraded'],
    ['another poller', new CheckpointTaken('moved'), 'failed'],
    ['what is no error', 'boom', 'degraded'],
  ])('%s: %s', (_, error, state) => {
    expect(failureOf(error, 1, POLL).state).toBe(state);
  });

  it("carries the console's own code, its words, and what to do", () => {
    expect(failureOf(unauthorised, 1, POLL).error).toEqual({
      code: '4010010',
      title: expect.stringContaining('SentinelOne refused the API token with 401'),
      detail: 'The API token is wrong or has expired: create a new one for the Service User and set it.',
    });
    expect(
      failureOf(new ConsoleUnavailable('/agents', 503, { detail: 'maintenance' }, 5), 1, POLL).error,
    ).toMatchObject({
      code: '503',
      detail: 'maintenance',
    });
    expect(failureOf(new ConsoleUnavailable('/agents', undefined, {}, 5), 1, POLL).error.code).toBe(
      'ConsoleUnavailable',
    );
    expect(failureOf(new SweepNotBelieved('too many'), 1, POLL).error).toEqual({
      code: 'SweepNotBelieved',
      title: 'too many',
    });
  });

  it.each([
    [1, POLL],
    [2, 2 * POLL],
    [3, 4 * POLL],
    [100, 5 * MINUTE],
  ])('that passes is tried again more slowly: the %d. time in a row after %d ms', (inARow, delay) => {
    expect(failureOf(new RateLimited('/agents', {}, 5), inARow, POLL).retryAfterMs).toBe(delay);
  });

  it.each([
    [1, MINUTE],
    [2, 2 * MINUTE],
    [5, 16 * MINUTE],
    [100, 24 * 60 * MINUTE],
  ])('of the token does not lock the user: the %d. time in a row after %d ms', (inARow, delay) => {
    expect(failureOf(unauthorised, inARow, POLL).retryAfterMs).toBe(delay);
  });

  it('is never tried again sooner than the next poll', () => {
    expect(failureOf(new Error('x'), 100, 60 * MINUTE).retryAfterMs).toBe(60 * MINUTE);
  });
});
