import { RateLimits } from './rate-limits.js';
import type { RateLimit } from './rate-limits.js';
import type { TenantClock } from './timestamps.js';

/** What a token may see: with site ids, that of a site-scoped user, who has to name them as `siteIds` in every list call. */
export interface TokenScope {
  readonly siteIds: readonly string[];
}

export interface TokenOptions {
  /** Default everything. */
  readonly scope?: TokenScope;
  /** Milliseconds since 1970 on the tenant's clock, from which on it is refused; default never. */
  readonly expiresAt?: number;
}

/** A token that is known and has not expired. */
export interface Grant {
  readonly scope: TokenScope | undefined;
  /** Undefined without limits. */
  readonly limits: RateLimits | undefined;
}

interface Issued extends Grant {
  expiresAt: number;
}

const SCHEME = 'ApiToken ';

/** The API tokens of a tenant: each with a scope, an end and request budgets of its own. */
export class Tokens {
  readonly #issued = new Map<string, Issued>();
  #current: string;
  #replaced = 0;

  constructor(
    token: string,
    options: TokenOptions,
    private readonly clock: TenantClock,
    private readonly limits:
      { readonly rates: Readonly<Record<string, RateLimit>>; readonly monotonic: () => number } | undefined,
  ) {
    this.#current = token;
    this.issue(token, options);
  }

  /** The token that a client of this tenant should use. */
  get current(): string {
    return this.#current;
  }

  /** Makes another token valid besides the current one, with budgets of its own. */
  issue(token: string, { scope, expiresAt = Infinity }: TokenOptions = {}): void {
    const limits = this.limits && new RateLimits(this.limits.rates, this.limits.monotonic);
    this.#issued.set(token, { scope, limits, expiresAt });
  }

  /** Replaces the current token, whose scope the new one has: from now on the old one gets 401. Answers the new one. */
  replace(token = `${this.#current.replace(/-\d+$/, '')}-${(this.#replaced += 1)}`): string {
    const scope = this.#issued.get(this.#current)?.scope;
    this.revoke(this.#current);
    this.issue(token, scope && { scope });
    this.#current = token;
    return token;
  }

  /** From now on this token gets 401. */
  revoke(token: string): void {
    this.#issued.delete(token);
  }

  /** The current token gets 401 from this time of the tenant's clock on; milliseconds since 1970, default now. */
  expire(at = this.clock.now() / 1000): void {
    const issued = this.#issued.get(this.#current);
    if (issued !== undefined) issued.expiresAt = at;
  }

  /** What the header grants; undefined for no token, an unknown or expired one, or another scheme than `ApiToken`. */
  grant(authorization: string | undefined): Grant | undefined {
    if (authorization?.startsWith(SCHEME) !== true) return undefined;
    const issued = this.#issued.get(authorization.slice(SCHEME.length));
    return issued !== undefined && this.clock.now() / 1000 < issued.expiresAt ? issued : undefined;
  }
}
