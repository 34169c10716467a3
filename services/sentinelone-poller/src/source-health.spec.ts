import { describe, expect, it } from '@jest/globals';
import {
  AuthenticationFailed,
  BadRequest,
  ConsoleUnavailable,
  Forbidden,
  MalformedAnswer,
  RateLimited,
  UnexpectedStatus,
} from '@stance/sentinelone';
import type { LaneName } from './lanes/lane.js';
import { SweepIncomplete, SweepRefused } from './sweep.errors.js';
import { failureOf, worstOf, type Failure } from './source-health.js';

const POLL = 10_000;
const MINUTE = 60_000;
const SWEEP = 900_000;
const intervals = { pollIntervalMs: POLL, sweepIntervalMs: SWEEP };
const refused = new SweepRefused('console', {
  startedAt: '',
  absent: 12,
  present: 40,
  limit: 4,
  examples: [],
  digest: '',
});
const unauthorised = new AuthenticationFailed('/agents', 401, { code: 4010010, title: 'Authentication Failed' });

describe('a failure', () => {
  it.each([
    ['a refused token', unauthorised, 'paused'],
    ['a refused scope', new Forbidden('/agents', { code: 4030010 }), 'paused'],
    ['a spent budget', new RateLimited('/agents', {}, 5), 'degraded'],
    ['a console that fails', new ConsoleUnavailable('/agents', 503, {}, 5), 'degraded'],
    ['an answer that is none', new MalformedAnswer('/agents', 'it is an HTML page'), 'degraded'],
    ['a sweep that is not believed', refused, 'degraded'],
    ['a sweep with unreadable records', new SweepIncomplete('2 records'), 'degraded'],
    ['what is no error', 'boom', 'degraded'],
  ])('%s: %s', (_, error, state) => {
    expect(failureOf(error, 1, 'changes', intervals).state).toBe(state);
  });

  it("carries the console's own code, its words, and what to do", () => {
    expect(failureOf(unauthorised, 1, 'changes', intervals).error).toEqual({
      code: '4010010',
      title: 'GET /agents: SentinelOne refused the API token with 401 (4010010: Authentication Failed)',
      detail: 'Create a new token for the Service User and configure it.',
    });
    // What a console says of its own refusal is more to the point than anything said here.
    const scope = new Forbidden('/agents', { code: 4030010 }, [{ id: '77', name: 'Berlin' }]);
    expect(failureOf(scope, 1, 'changes', intervals).error.detail).toContain('It may read 77 (Berlin)');
    expect(
      failureOf(new ConsoleUnavailable('/agents', 503, { detail: 'maintenance' }, 5), 1, 'changes', intervals).error,
    ).toEqual({ code: '503', title: 'GET /agents: the console failed with 503, attempt 5 (maintenance)' });
    expect(failureOf(new ConsoleUnavailable('/agents', undefined, {}, 5), 1, 'changes', intervals).error.code).toBe(
      'ConsoleUnavailable',
    );
    expect(failureOf(refused, 1, 'changes', intervals).error).toEqual({
      code: 'SweepRefused',
      title:
        'the console shows 12 of 40 agents no more, and one sweep may retire 4: nobody is retired. Check the console and ' +
        'the scope of the token; if they are really gone: stance sources approve console --reason <why>',
    });
  });

  it.each([
    [1, POLL],
    [2, 2 * POLL],
    [3, 4 * POLL],
    [100, 5 * MINUTE],
  ])('that passes is tried again more slowly: the %d. time in a row after %d ms', (inARow, delay) => {
    expect(failureOf(new RateLimited('/agents', {}, 5), inARow, 'changes', intervals).retryAfterMs).toBe(delay);
  });

  it.each([
    [1, MINUTE],
    [2, 2 * MINUTE],
    [5, 16 * MINUTE],
    [100, 24 * 60 * MINUTE],
  ])('of the token does not lock the user: the %d. time in a row after %d ms', (inARow, delay) => {
    expect(failureOf(unauthorised, inARow, 'changes', intervals).retryAfterMs).toBe(delay);
  });

  it.each([
    [120_000, 120_000],
    [1_000, POLL],
    [7_200_000, 60 * MINUTE],
  ])('whose console asks to be left alone for %d ms is tried again after %d ms', (retryAfterMs, delay) => {
    for (const error of [
      new RateLimited('/agents', {}, 1, retryAfterMs),
      new ConsoleUnavailable('/agents', 503, {}, 1, retryAfterMs),
    ]) {
      expect(failureOf(error, 1, 'changes', intervals).retryAfterMs).toBe(delay);
    }
  });

  it('is never tried again sooner than the next poll', () => {
    expect(failureOf(new Error('x'), 100, 'changes', { ...intervals, pollIntervalMs: 60 * MINUTE }).retryAfterMs).toBe(
      60 * MINUTE,
    );
  });
});

describe('a sweep that is judged', () => {
  it.each([refused, new SweepIncomplete('2 records')])('%s is repeated at its interval', (error) => {
    for (const inARow of [1, 5]) expect(failureOf(error, inARow, 'sweep', intervals).retryAfterMs).toBe(SWEEP);
  });
});

describe('an endpoint that a token or console does not have', () => {
  const THREATS = '/web/api/v2.1/threats';
  const ACTIVITIES = '/web/api/v2.1/activities';

  it.each<[LaneName, Error]>([
    ['threats', new Forbidden(THREATS, { code: 4030010 })],
    ['threats', new UnexpectedStatus(THREATS, 404, {})],
    ['threats', new BadRequest(THREATS, {})],
    ['removals', new Forbidden(ACTIVITIES, {})],
  ])('degrades the lane %s alone, asked for ever more slowly: %s', (lane, error) => {
    const retries = [1, 2, 3, 100].map((inARow) => failureOf(error, inARow, lane, intervals).retryAfterMs);
    expect(retries).toEqual([MINUTE, 2 * MINUTE, 4 * MINUTE, 60 * MINUTE]);
    expect(failureOf(error, 1, lane, intervals)).toMatchObject({
      state: 'degraded',
      error: { detail: expect.stringContaining('Everything else is read') },
    });
  });

  it.each<[string, LaneName, Error, string]>([
    [
      'the agents are refused, which the changes will tell',
      'threats',
      new Forbidden('/web/api/v2.1/agents', {}),
      'degraded',
    ],
    ['the agents are refused to a sweep', 'sweep', new Forbidden('/web/api/v2.1/agents', {}), 'degraded'],
    ['the token is refused', 'threats', new AuthenticationFailed(THREATS, 401, {}), 'paused'],
    ['the agents are refused to the changes', 'changes', new Forbidden('/web/api/v2.1/agents', {}), 'paused'],
  ])('is not meant when %s', (_, lane, error, state) => {
    expect(failureOf(error, 1, lane, intervals).state).toBe(state);
  });
});

describe('of several failures', () => {
  const failure = (state: Failure['state'], code: string): Failure => ({
    state,
    error: { code, title: '' },
    retryAfterMs: 1,
  });

  it('the one that stops everything is shown, else the first', () => {
    const [first, second, paused] = [failure('degraded', '1'), failure('degraded', '2'), failure('paused', '3')];
    expect(worstOf([first, second, paused])).toBe(paused);
    expect(worstOf([first, second])).toBe(first);
    expect(worstOf([])).toBeUndefined();
  });
});
