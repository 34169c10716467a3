import type { Span } from '@opentelemetry/api';
import { readAnswer, type ConsoleAnswer } from './answer.js';
import { sleep, systemClock, type Clock } from './clock.js';
import { AnswerTooLarge, exchange, NoAnswer, type Answer } from './console-exchange.js';
import { RateLimits } from './rate-limit.js';
import { refusal } from './refusal.js';
import { outcomeOf, type RequestOutcome } from './request-outcome.js';
import { inAttemptSpan, inRequestSpan, traceparentOf } from './request-spans.js';
import { isRetryable, isWorthWaiting, retryDelay } from './retry.js';
import { AuthenticationFailed, ConsoleUnavailable, MalformedAnswer, RateLimited } from './sentinelone.errors.js';

/** How a console is reached. */
export interface ConsoleAccess {
  /** The console's base as `normaliseConsoleUrl` gives it. */
  readonly baseUrl: string;
  /** Asked for before every attempt, so that a new token counts at once. */
  readonly token: () => Promise<string> | string;
  /** The budget of the token; share one among all clients of the same token. Default: the documented rates. */
  readonly rateLimits?: RateLimits;
  /** Milliseconds for one attempt, the answer's body included. Default 30,000. */
  readonly timeoutMs?: number;
  /** Attempts per request, the first included. Default 5. */
  readonly maxAttempts?: number;
  /** The largest answer taken, in bytes. Default 64 MiB. */
  readonly maxAnswerBytes?: number;
  /** Default `stance`. */
  readonly userAgent?: string;
  /** Default: Node's fetch, which keeps connections alive. */
  readonly fetch?: typeof fetch;
  readonly clock?: Clock;
  /** Jitter, from 0 to below 1. Default Math.random. */
  readonly random?: () => number;
  /** Told what became of each attempt, for counting. */
  readonly onAttempt?: (outcome: RequestOutcome) => void;
}

const API = '/web/api/v2.1';

/** The whole path of a call, as errors name it. */
export const endpointOf = (path: string): string => API + path;

/** Asks a console, within the budget of the token; what may pass by itself is tried again. */
export class ConsoleApi {
  readonly clock: Clock;
  readonly #access: ConsoleAccess;
  readonly #rateLimits: RateLimits;
  readonly #maxAttempts: number;

  constructor(access: ConsoleAccess) {
    this.#access = access;
    this.clock = access.clock ?? systemClock;
    this.#rateLimits = access.rateLimits ?? new RateLimits(this.clock);
    this.#maxAttempts = access.maxAttempts ?? 5;
  }

  /**
   * @param path below `/web/api/v2.1`
   * @param patient whether others may go first while the token's budget is short
   * @throws {SentinelOneError}
   * @throws the signal's reason once it is aborted
   */
  async get(
    path: string,
    parameters?: URLSearchParams,
    signal?: AbortSignal,
    patient?: boolean,
  ): Promise<ConsoleAnswer> {
    const bucket = this.#rateLimits.bucketFor(path);
    const url = new URL(`${this.#access.baseUrl}${API}${path}`);
    url.search = parameters?.toString() ?? '';
    return inRequestSpan(path, signal, async (span) => {
      for (let attempt = 1; ; attempt++) {
        await bucket.take(signal, patient);
        try {
          const answer = await this.#counted(url, attempt, signal);
          return { ...answer, traceparent: traceparentOf(span) };
        } catch (error) {
          if (!isRetryable(error)) throw error;
          const delay = retryDelay(attempt, error, (this.#access.random ?? Math.random)());
          // The budget belongs to the token: whoever else uses it has to wait as well.
          if (error.retryAfterMs !== undefined) this.#rateLimits.close(delay);
          else if (error instanceof RateLimited) bucket.close(delay);
          if (attempt >= this.#maxAttempts || !isWorthWaiting(error)) throw error;
          await sleep(this.clock, delay, signal);
        }
      }
    });
  }

  async #counted(url: URL, attempt: number, signal: AbortSignal | undefined): Promise<ConsoleAnswer> {
    const { onAttempt } = this.#access;
    try {
      const answer = await inAttemptSpan(url, attempt, signal, (span) => this.#attempt(url, attempt, signal, span));
      onAttempt?.('ok');
      return answer;
    } catch (error) {
      onAttempt?.(outcomeOf(error, signal?.aborted ?? false));
      throw error;
    }
  }

  async #attempt(url: URL, attempt: number, signal: AbortSignal | undefined, span: Span): Promise<ConsoleAnswer> {
    const endpoint = url.pathname;
    const token = (await this.#access.token()).trim();
    // Anything else cannot be sent in a header; fetch would quote the token in its complaint.
    if (!/^[\x21-\x7e]+$/.test(token)) {
      throw new AuthenticationFailed(endpoint, undefined, {
        detail: 'it is empty or holds blanks or control characters',
      });
    }
    const askedAt = this.clock.monotonic();
    let answer: Answer;
    try {
      answer = await exchange({
        url,
        headers: {
          authorization: `ApiToken ${token}`,
          accept: 'application/json',
          'user-agent': this.#access.userAgent ?? 'stance',
        },
        timeoutMs: this.#access.timeoutMs ?? 30_000,
        maxBytes: this.#access.maxAnswerBytes ?? 64 * 1024 * 1024,
        signal,
        clock: this.clock,
        fetch: this.#access.fetch ?? fetch,
      });
    } catch (error) {
      if (error instanceof NoAnswer)
        throw new ConsoleUnavailable(endpoint, undefined, { detail: error.message }, attempt);
      if (error instanceof AnswerTooLarge) throw new MalformedAnswer(endpoint, error.message);
      throw error;
    }
    span.setAttribute('http.response.status_code', answer.status);
    if (answer.status !== 200) throw refusal(answer, { url, token, attempt, now: this.clock.now() });
    const date = Date.parse(answer.headers.get('date') ?? '');
    return {
      body: readAnswer(answer.body, endpoint, token),
      consoleTime: Number.isNaN(date) ? undefined : date,
      receivedAt: this.clock.now(),
      askedAt,
      answeredAt: this.clock.monotonic(),
    };
  }
}
