import type { DeadLetterCode } from '@stance/contracts';

/** Thrown by a handler when the message may succeed later. `delayMs` overrides the growing default. */
export class RetryLater extends Error {
  override readonly name = 'RetryLater';
  readonly delayMs: number | undefined;
  constructor(message: string, options: { delayMs?: number; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.delayMs = options.delayMs;
  }
}

/** Thrown by a handler when the message can never succeed. */
export class Unprocessable extends Error {
  override readonly name = 'Unprocessable';
  constructor(
    message: string,
    readonly code: DeadLetterCode = 'unprocessable',
  ) {
    super(message);
  }
}

/**
 * Thrown when the message is good and what it needs is not there just now: a stream without a leader, a full disk, a broken
 * connection. It is tried again for as long as that lasts, and uses up no attempt.
 */
export class Unreachable extends RetryLater {}

export type Outcome = { readonly ok: true } | { readonly ok: false; readonly error: unknown };

export type Settlement =
  | { readonly action: 'ack' }
  | { readonly action: 'retry'; readonly delayMs: number }
  | { readonly action: 'dead-letter'; readonly code: DeadLetterCode; readonly message: string };

export interface RetryPolicy {
  /** Deliveries after which a message is dead; at least 1. */
  readonly maxAttempts: number;
  /** Delay after the first failure; it doubles from there. */
  readonly firstDelayMs: number;
  readonly maxDelayMs: number;
}

export const DEFAULT_RETRY_POLICY: RetryPolicy = { maxAttempts: 10, firstDelayMs: 100, maxDelayMs: 30_000 };

/** How a message is settled after its handler ran, once and on purpose. `attempt` counts deliveries from 1. */
export function settle(outcome: Outcome, attempt: number, policy: RetryPolicy): Settlement {
  if (outcome.ok) return { action: 'ack' };
  const { error } = outcome;
  if (error instanceof Unprocessable) return { action: 'dead-letter', code: error.code, message: error.message };
  if (attempt >= policy.maxAttempts && !isOutage(error)) {
    return { action: 'dead-letter', code: 'exhausted', message: `failed ${attempt} times, last: ${messageOf(error)}` };
  }
  const requested = error instanceof RetryLater ? error.delayMs : undefined;
  const growing = Math.min(policy.firstDelayMs * 2 ** (attempt - 1), policy.maxDelayMs);
  // A plain nak is redelivered at once and burns the attempts within milliseconds.
  return { action: 'retry', delayMs: Math.max(1, requested ?? growing) };
}

/** What the client and the publisher throw while the server, and not the message, is the trouble. */
const OUTAGES = new Set([
  'Unconfirmed',
  'ExpectationFailed',
  'JetStreamApiError',
  'TimeoutError',
  'RequestError',
  'NoRespondersError',
  'ConnectionError',
  'ClosedConnectionError',
  'DrainingConnectionError',
]);

/** Whether an error tells of the server rather than of the message. */
export function isOutage(error: unknown): boolean {
  return error instanceof Unreachable || (error instanceof Error && OUTAGES.has(error.name));
}

export function messageOf(error: unknown): string {
  if (error instanceof Error) return error.message;
  // What Nest makes of an error when no filter passes it through.
  if (typeof error === 'object' && error !== null && 'message' in error) return String(error.message);
  return String(error);
}
