import { describe, expect, it } from '@jest/globals';
import { Unconfirmed } from './publisher.js';
import {
  DEFAULT_RETRY_POLICY,
  messageOf,
  RetryLater,
  settle,
  Unprocessable,
  Unreachable,
  type Outcome,
  type Settlement,
} from './settlement.js';

const policy = { maxAttempts: 5, firstDelayMs: 100, maxDelayMs: 500 };
const failed = (error: unknown): Outcome => ({ ok: false, error });
const retry = (delayMs: number): Settlement => ({ action: 'retry', delayMs });
const dead = (code: 'unprocessable' | 'malformed' | 'exhausted', message: string): Settlement => ({
  action: 'dead-letter',
  code,
  message,
});

describe('a message is settled', () => {
  it.each<[string, Outcome, number, Settlement]>([
    ['when its handler succeeds: done', { ok: true }, 1, { action: 'ack' }],
    ['when its handler succeeds at the last attempt: done', { ok: true }, 5, { action: 'ack' }],
    ['after an error: again, after the first delay', failed(new Error('x')), 1, retry(100)],
    ['after a second error: again, after twice the delay', failed(new Error('x')), 2, retry(200)],
    ['after a third error: again, after four times the delay', failed(new Error('x')), 3, retry(400)],
    ['after a fourth error: again, after the longest delay', failed(new Error('x')), 4, retry(500)],
    [
      'after the last error: dead, with its message',
      failed(new Error('x')),
      5,
      dead('exhausted', 'failed 5 times, last: x'),
    ],
    ['past the last attempt: dead', failed(new Error('x')), 9, dead('exhausted', 'failed 9 times, last: x')],
    ['when asked for later: again, after the growing delay', failed(new RetryLater('x')), 2, retry(200)],
    ['when asked for later by name: again, then', failed(new RetryLater('x', { delayMs: 7 })), 4, retry(7)],
    ['when asked for at once: never without a delay', failed(new RetryLater('x', { delayMs: 0 })), 1, retry(1)],
    [
      'when asked for later too often: dead',
      failed(new RetryLater('x')),
      5,
      dead('exhausted', 'failed 5 times, last: x'),
    ],
    ['when it can never succeed: dead at once', failed(new Unprocessable('no')), 1, dead('unprocessable', 'no')],
    [
      'when it is malformed: dead with that code',
      failed(new Unprocessable('no', 'malformed')),
      1,
      dead('malformed', 'no'),
    ],
    [
      'when it can never succeed, at the last attempt: dead with its own reason',
      failed(new Unprocessable('no')),
      5,
      dead('unprocessable', 'no'),
    ],
    ['when something else is thrown: again', failed('just text'), 1, retry(100)],
    ['when what it needs cannot be reached: again, however often', failed(new Unreachable('x')), 50, retry(500)],
    ['when a publish was not confirmed: again, however often', failed(new Unconfirmed('x')), 50, retry(500)],
  ])('%s', (_, outcome, attempt, settlement) => {
    expect(settle(outcome, attempt, policy)).toEqual(settlement);
  });

  it('never without a delay, whatever the attempt', () => {
    for (let attempt = 1; attempt < DEFAULT_RETRY_POLICY.maxAttempts; attempt += 1) {
      const settlement = settle(failed(new Error('x')), attempt, DEFAULT_RETRY_POLICY);
      expect(settlement).toEqual({ action: 'retry', delayMs: Math.min(100 * 2 ** (attempt - 1), 30_000) });
    }
  });
});

describe('the message of what was thrown', () => {
  it.each<[unknown, string]>([
    [new Error('plain'), 'plain'],
    [{ status: 'error', message: 'as Nest puts it' }, 'as Nest puts it'],
    ['text', 'text'],
    [undefined, 'undefined'],
    [null, 'null'],
  ])('%j is told as it is', (error, message) => {
    expect(messageOf(error)).toBe(message);
  });
});
