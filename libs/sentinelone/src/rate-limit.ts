import { systemClock, type Clock } from './clock.js';

/** A permitted rate: `perSecond` requests on average, at most `burst` of them at once. */
export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

/**
 * The documented limits per API token and endpoint (SentinelOne's build-partner SDK, `ratelimit.go`).
 * `/system` stands for `/system/status*`, the only documented one below it.
 */
export const DOCUMENTED_RATES: Readonly<Record<string, Rate>> = {
  '/agents': { perSecond: 25, burst: 1 },
  '/threats': { perSecond: 10, burst: 50 },
  '/activities': { perSecond: 10, burst: 30 },
  '/accounts': { perSecond: 100, burst: 10 },
  '/sites': { perSecond: 100, burst: 10 },
  '/users': { perSecond: 40, burst: 80 },
  '/user': { perSecond: 2, burst: 5 },
  '/system': { perSecond: 2, burst: 1 },
};

/** For an endpoint nobody documents: the slowest of the documented ones. */
const UNDOCUMENTED: Rate = { perSecond: 2, burst: 1 };

/** Share of a rate that is used: at the full rate, a request that travels faster than the one before comes too early. */
const HEADROOM = 0.9;

/** What is used of the documented rates. */
export const SAFE_RATES: Readonly<Record<string, Rate>> = Object.fromEntries(
  Object.entries(DOCUMENTED_RATES).map(([endpoint, { perSecond, burst }]) => [
    endpoint,
    { perSecond: perSecond * HEADROOM, burst },
  ]),
);

interface Waiter {
  readonly patient: boolean;
  /** Whether somebody who came later went first. */
  overtaken: boolean;
  admit(): void;
}

/**
 * A token bucket with first come, first served, patient callers aside; kept as one time instead of a count, so that nothing
 * drifts.
 */
export class TokenBucket {
  readonly #interval: number;
  readonly #tolerance: number;
  readonly #clock: Clock;
  readonly #queue: Waiter[] = [];
  /** When the bucket would be full again, and until when it is closed (both monotonic). */
  #fullAt = -Infinity;
  #closedUntil = -Infinity;
  #cancelTimer: (() => void) | undefined;

  constructor(rate: Rate, clock: Clock = systemClock) {
    if (!(rate.perSecond > 0 && rate.burst >= 1)) {
      throw new RangeError(`A rate needs perSecond above 0 and burst of at least 1, got ${JSON.stringify(rate)}`);
    }
    this.#interval = 1000 / rate.perSecond;
    this.#tolerance = (rate.burst - 1) * this.#interval;
    this.#clock = clock;
  }

  /** How many callers wait for their turn. */
  get waiting(): number {
    return this.#queue.length;
  }

  /**
   * Resolves when one request may be sent; rejects with the signal's reason when aborted, giving up its place.
   * @param patient lets those in a hurry go first, once: for long listings, beside which short ones must not wait
   */
  take(signal?: AbortSignal, patient = false): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const leave = (): void => {
        this.#queue.splice(this.#queue.indexOf(waiter), 1);
        this.#serve();
        reject(signal?.reason);
      };
      const waiter: Waiter = {
        patient,
        overtaken: false,
        admit: () => {
          signal?.removeEventListener('abort', leave);
          resolve();
        },
      };
      signal?.addEventListener('abort', leave, { once: true });
      const place = this.#placeOf(waiter);
      for (const overtaken of this.#queue.slice(place)) overtaken.overtaken = true;
      this.#queue.splice(place, 0, waiter);
      this.#serve();
    });
  }

  /** At the end, or before those who still let somebody go first: each does so once, so that nobody waits for ever. */
  #placeOf({ patient }: Waiter): number {
    let place = this.#queue.length;
    if (patient) return place;
    for (; place > 0; place -= 1) {
      const before = this.#queue[place - 1];
      if (before === undefined || !before.patient || before.overtaken) return place;
    }
    return place;
  }

  /** Lets nobody through for `ms` milliseconds: the console said that this token's budget is spent. */
  close(ms: number): void {
    this.#closedUntil = Math.max(this.#closedUntil, this.#clock.monotonic() + ms);
    this.#serve();
  }

  #serve(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    for (let next = this.#queue[0]; next !== undefined; next = this.#queue[0]) {
      const wait = this.#nextAt() - this.#clock.monotonic();
      if (wait > 0) {
        this.#cancelTimer = this.#clock.schedule(() => this.#serve(), Math.ceil(wait));
        return;
      }
      this.#fullAt = Math.max(this.#fullAt, this.#clock.monotonic()) + this.#interval;
      this.#queue.shift();
      next.admit();
    }
  }

  #nextAt(): number {
    return Math.max(this.#fullAt - this.#tolerance, this.#closedUntil);
  }
}

/** The budget of one API token: a bucket per endpoint, by default a little below the documented rates. Share one among all clients that use the same token. */
export class RateLimits {
  readonly #buckets = new Map<string, TokenBucket>();
  readonly #undocumented: TokenBucket;

  constructor(clock: Clock = systemClock, rates: Readonly<Record<string, Rate>> = SAFE_RATES) {
    for (const [endpoint, rate] of Object.entries(rates)) this.#buckets.set(endpoint, new TokenBucket(rate, clock));
    this.#undocumented = new TokenBucket(UNDOCUMENTED, clock);
  }

  /** Lets nobody through to any endpoint for `ms` milliseconds: the console asked this token to wait. */
  close(ms: number): void {
    for (const bucket of [...this.#buckets.values(), this.#undocumented]) bucket.close(ms);
  }

  /** The bucket of a path below `/web/api/v2.1`, such as `/agents` or `/users/viewer-auth-check`. */
  bucketFor(path: string): TokenBucket {
    const endpoint = `/${path.split('/')[1] ?? ''}`;
    return this.#buckets.get(endpoint) ?? this.#undocumented;
  }
}
