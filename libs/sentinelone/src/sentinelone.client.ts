import { agentParameters, MAX_PAGE_SIZE, type AgentQuery, type Scope } from './agent-query.js';
import { readAgentsPage, readAnswer, readData } from './answer.js';
import { sleep, systemClock, type Clock } from './clock.js';
import { AnswerTooLarge, exchange, NoAnswer, type Answer } from './console-exchange.js';
import type { JsonObject } from './json.js';
import { CursorTrail, type AgentsPage } from './paging.js';
import { RateLimits } from './rate-limit.js';
import { refusal } from './refusal.js';
import { isRetryable, retryDelay } from './retry.js';
import { AuthenticationFailed, ConsoleUnavailable, MalformedAnswer, RateLimited } from './sentinelone.errors.js';

export interface SentinelOneClientOptions extends Scope {
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
}

interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

const API = '/web/api/v2.1';

/**
 * Reads a SentinelOne console through its Management API v2.1, within the documented rates.
 *
 * Every method rejects with a subclass of `SentinelOneError`, or with the signal's reason once aborted. 429, 5xx,
 * timeouts and broken connections are retried inside.
 */
export class SentinelOneClient {
  readonly #options: SentinelOneClientOptions;
  readonly #clock: Clock;
  readonly #rateLimits: RateLimits;
  readonly #maxAttempts: number;

  constructor(options: SentinelOneClientOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#rateLimits = options.rateLimits ?? new RateLimits(this.#clock);
    this.#maxAttempts = options.maxAttempts ?? 5;
  }

  /** One page of agents, decommissioned and uninstalled ones included. `cursor` as received in the page before. */
  async agentsPage(query: AgentQuery & { cursor?: string }, { signal }: CallOptions = {}): Promise<AgentsPage> {
    const { siteIds, accountIds } = this.#options;
    const scope: Scope = { ...(siteIds && { siteIds }), ...(accountIds && { accountIds }) };
    const answer = await this.#get('/agents', agentParameters(query, scope, query.cursor), signal);
    return readAgentsPage(answer, `${API}/agents`, this.#clock.now());
  }

  /**
   * All pages of one listing; the next is already being read while the consumer handles the present one.
   * Only a listing that ends without an error is complete.
   */
  async *agentPages(query: AgentQuery = {}, { signal }: CallOptions = {}): AsyncGenerator<AgentsPage, void, undefined> {
    const trail = new CursorTrail(`${API}/agents`, query.limit ?? MAX_PAGE_SIZE);
    const abandoned = new AbortController();
    const abort = (): void => abandoned.abort(signal?.reason);
    if (signal?.aborted) abort();
    signal?.addEventListener('abort', abort, { once: true });
    const fetchPage = (cursor?: string): Promise<AgentsPage> => {
      const page = this.agentsPage({ ...query, ...(cursor !== undefined && { cursor }) }, { signal: abandoned.signal });
      // The failure of a page read ahead is met when its turn comes; until then it is not an unhandled one.
      page.catch(() => undefined);
      return page;
    };
    try {
      for (let next: Promise<AgentsPage> | undefined = fetchPage(); next !== undefined;) {
        const page: AgentsPage = await next;
        const cursor = trail.follow(page);
        next = cursor === undefined ? undefined : fetchPage(cursor);
        yield page;
        signal?.throwIfAborted();
      }
    } finally {
      signal?.removeEventListener('abort', abort);
      abandoned.abort();
    }
  }

  /** What the console says about itself (build, release): the cheapest proof that address and token are right. */
  async systemInfo({ signal }: CallOptions = {}): Promise<JsonObject> {
    return readData(await this.#get('/system/info', undefined, signal), `${API}/system/info`);
  }

  /** Whether the token has at least the role Viewer. */
  async viewerAuthCheck({ signal }: CallOptions = {}): Promise<boolean> {
    const path = '/users/viewer-auth-check';
    const { success } = readData(await this.#get(path, undefined, signal), API + path);
    if (typeof success !== 'boolean') throw new MalformedAnswer(API + path, '`data.success` is not true or false');
    return success;
  }

  async #get(
    path: string,
    parameters: URLSearchParams | undefined,
    signal: AbortSignal | undefined,
  ): Promise<JsonObject> {
    const bucket = this.#rateLimits.bucketFor(path);
    const url = new URL(`${this.#options.baseUrl}${API}${path}`);
    url.search = parameters?.toString() ?? '';
    for (let attempt = 1; ; attempt++) {
      await bucket.take(signal);
      try {
        return await this.#attempt(url, attempt, signal);
      } catch (error) {
        if (!isRetryable(error)) throw error;
        const delay = retryDelay(attempt, error, (this.#options.random ?? Math.random)());
        // The budget belongs to the token: whoever else uses it has to wait as well.
        if (error instanceof RateLimited) bucket.close(delay);
        if (attempt >= this.#maxAttempts) throw error;
        await sleep(this.#clock, delay, signal);
      }
    }
  }

  async #attempt(url: URL, attempt: number, signal: AbortSignal | undefined): Promise<JsonObject> {
    const endpoint = url.pathname;
    const token = (await this.#options.token()).trim();
    // Anything else cannot be sent in a header; fetch would quote the token in its complaint.
    if (!/^[\x21-\x7e]+$/.test(token)) {
      throw new AuthenticationFailed(endpoint, undefined, {
        detail: 'it is empty or holds blanks or control characters',
      });
    }
    let answer: Answer;
    try {
      answer = await exchange({
        url,
        headers: {
          authorization: `ApiToken ${token}`,
          accept: 'application/json',
          'user-agent': this.#options.userAgent ?? 'stance',
        },
        timeoutMs: this.#options.timeoutMs ?? 30_000,
        maxBytes: this.#options.maxAnswerBytes ?? 64 * 1024 * 1024,
        signal,
        clock: this.#clock,
        fetch: this.#options.fetch ?? fetch,
      });
    } catch (error) {
      if (error instanceof NoAnswer)
        throw new ConsoleUnavailable(endpoint, undefined, { detail: error.message }, attempt);
      if (error instanceof AnswerTooLarge) throw new MalformedAnswer(endpoint, error.message);
      throw error;
    }
    if (answer.status === 200) return readAnswer(answer.body, endpoint, token);
    throw refusal(answer, { url, token, attempt, now: this.#clock.now() });
  }
}
