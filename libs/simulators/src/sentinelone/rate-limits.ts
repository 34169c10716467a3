/** A token bucket: refills at `perSecond`, holds at most `burst` requests. */
export interface RateLimit {
  readonly perSecond: number;
  readonly burst: number;
}

/** SentinelOne's limits per API token, by path below `/web/api/v2.1` (the table in its partners' Go SDK). */
export const DOCUMENTED_RATE_LIMITS: Readonly<Record<string, RateLimit>> = {
  '/agents': { perSecond: 25, burst: 1 },
  '/threats': { perSecond: 10, burst: 50 },
  '/activities': { perSecond: 10, burst: 30 },
  '/accounts': { perSecond: 100, burst: 10 },
  '/sites': { perSecond: 100, burst: 10 },
  '/users': { perSecond: 40, burst: 80 },
};

interface Bucket {
  tokens: number;
  filledAt: number;
}

/** The buckets of one API token. A path below a limited one (`/agents/count`) draws from the same bucket. */
export class RateLimits {
  readonly #buckets = new Map<string, Bucket>();
  readonly #limits: Readonly<Record<string, RateLimit>>;
  readonly #monotonic: () => number;

  /** `monotonic` answers in milliseconds. */
  constructor(limits: Readonly<Record<string, RateLimit>>, monotonic: () => number) {
    this.#limits = limits;
    this.#monotonic = monotonic;
  }

  /** Takes one request; answers the milliseconds to wait before another try, 0 when it may pass. */
  take(path: string): number {
    const entry = Object.entries(this.#limits).find(([limited]) => path === limited || path.startsWith(`${limited}/`));
    if (entry === undefined) return 0;
    const [limited, { perSecond, burst }] = entry;
    const now = this.#monotonic();
    const bucket = this.#buckets.get(limited) ?? { tokens: burst, filledAt: now };
    this.#buckets.set(limited, bucket);
    bucket.tokens = Math.min(burst, bucket.tokens + ((now - bucket.filledAt) / 1000) * perSecond);
    bucket.filledAt = now;
    // A clock that counts in fractions leaves a bucket that is full again a hair short of it.
    if (bucket.tokens < 1 - 1e-9) return ((1 - bucket.tokens) / perSecond) * 1000;
    bucket.tokens -= 1;
    return 0;
  }
}
