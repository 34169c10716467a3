import { activitiesListing, type ActivityQuery } from './activity-query.js';
import { agentsListing, EVERY_AGENT, type AgentQuery } from './agent-query.js';
import { readData, readPage } from './answer.js';
import { ConsoleApi, endpointOf, type ConsoleAccess } from './console-api.js';
import type { JsonObject } from './json.js';
import { filterParameters, pageParameters, type Listing, type Scope } from './listing.js';
import { CursorTrail, readAhead, type ActivitiesPage, type AgentsPage, type Page, type ThreatsPage } from './paging.js';
import { Forbidden, MalformedAnswer, SentinelOneError } from './sentinelone.errors.js';
import { SITES } from './site-query.js';
import { readSite, type Site } from './site.js';
import { threatsListing, type ThreatQuery } from './threat-query.js';

export interface SentinelOneClientOptions extends ConsoleAccess, Scope {
  /** Told once, when the console refuses the accounts to a token of site scope and the sites alone are asked for. */
  readonly onScopeFallback?: (scope: Scope, refusal: Forbidden) => void;
}

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

type Pages<P> = AsyncGenerator<P, void, undefined>;

/**
 * Reads a SentinelOne console through its Management API v2.1, within the documented rates.
 *
 * Every method rejects with a subclass of `SentinelOneError`, or with the signal's reason once aborted. 429, 5xx,
 * timeouts and broken connections are retried inside. Of pages, the next is already being read while the consumer
 * handles the present one, and only a listing that ends without an error is complete.
 */
export class SentinelOneClient {
  readonly #api: ConsoleApi;
  readonly #onScopeFallback: SentinelOneClientOptions['onScopeFallback'];
  #scope: Scope;

  constructor(options: SentinelOneClientOptions) {
    this.#api = new ConsoleApi(options);
    this.#onScopeFallback = options.onScopeFallback;
    const { siteIds = [], accountIds = [] } = options;
    this.#scope = { ...(siteIds.length > 0 && { siteIds }), ...(accountIds.length > 0 && { accountIds }) };
  }

  /** What listings ask for by now: as configured, or the sites alone after the console refused the accounts (4030010). */
  get scope(): Scope {
    return this.#scope;
  }

  /** The first page of a listing of agents, decommissioned and uninstalled ones included. */
  async agentsPage(query: AgentQuery, { signal }: CallOptions = {}): Promise<AgentsPage> {
    const listing = agentsListing(query);
    const { answer } = await this.#inScope((scope) => this.#page(listing, scope, undefined, signal), signal);
    return agentsOf(answer);
  }

  /** All pages of one listing of agents, decommissioned and uninstalled ones included. */
  async *agentPages(query: AgentQuery = {}, { signal }: CallOptions = {}): Pages<AgentsPage> {
    for await (const page of this.#pages(agentsListing(query), signal)) yield agentsOf(page);
  }

  /** All pages of the threats that changed since a time, that time included, the longest ago first. */
  async *threatPages(query: ThreatQuery, { signal }: CallOptions = {}): Pages<ThreatsPage> {
    for await (const { records, ...page } of this.#pages(threatsListing(query), signal))
      yield { threats: records, ...page };
  }

  /** All pages of the activities of some types since a time, that time included, the oldest first. */
  async *activityPages(query: ActivityQuery, { signal }: CallOptions = {}): Pages<ActivitiesPage> {
    for await (const { records, ...page } of this.#pages(activitiesListing(query), signal))
      yield { activities: records, ...page };
  }

  /** Every site that the token may see, whatever the configured scope: what that scope can be made of. */
  async sites({ signal }: CallOptions = {}): Promise<Site[]> {
    const sites: Site[] = [];
    const trail = new CursorTrail(endpointOf(SITES.path), SITES.limit, SITES.what);
    const fetchPage = (cursor: string | undefined, abandoned: AbortSignal): Promise<Page> =>
      this.#page(SITES, {}, cursor, abandoned);
    for await (const { records } of readAhead(trail, fetchPage, signal)) {
      sites.push(...records.map(readSite).filter((site) => site !== undefined));
    }
    return sites;
  }

  /** How many agents there are in scope, decommissioned and uninstalled ones included. */
  async agentCount({ signal }: CallOptions = {}): Promise<number> {
    const path = '/agents/count';
    const { answer } = await this.#inScope(
      (scope) => this.#api.get(path, new URLSearchParams(filterParameters(EVERY_AGENT, scope)), signal),
      signal,
    );
    const { total } = readData(answer.body, endpointOf(path));
    if (typeof total !== 'number' || !Number.isSafeInteger(total) || total < 0) {
      throw new MalformedAnswer(endpointOf(path), '`data.total` is not a count');
    }
    return total;
  }

  /** What the console says about itself (build, release): the cheapest proof that address and token are right. */
  async systemInfo({ signal }: CallOptions = {}): Promise<JsonObject> {
    const path = '/system/info';
    return readData((await this.#api.get(path, undefined, signal)).body, endpointOf(path));
  }

  /** Whether the token has at least the role Viewer. */
  async viewerAuthCheck({ signal }: CallOptions = {}): Promise<boolean> {
    const path = '/users/viewer-auth-check';
    const { success } = readData((await this.#api.get(path, undefined, signal)).body, endpointOf(path));
    if (typeof success !== 'boolean')
      throw new MalformedAnswer(endpointOf(path), '`data.success` is not true or false');
    return success;
  }

  /** A listing keeps the scope of its first page: its cursors know no other. */
  #pages(listing: Listing, signal: AbortSignal | undefined): Pages<Page> {
    let scopeOfListing = this.#scope;
    const fetchPage = async (cursor: string | undefined, abandoned: AbortSignal): Promise<Page> => {
      if (cursor !== undefined) return this.#page(listing, scopeOfListing, cursor, abandoned);
      const first = await this.#inScope((scope) => this.#page(listing, scope, cursor, abandoned), abandoned);
      scopeOfListing = first.scope;
      return first.answer;
    };
    return readAhead(new CursorTrail(endpointOf(listing.path), listing.limit, listing.what), fetchPage, signal);
  }

  async #page(
    listing: Listing,
    scope: Scope,
    cursor: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Page> {
    const { within, patient } = listing;
    const answer = await this.#api.get(listing.path, pageParameters(listing, scope, cursor), signal, patient);
    return readPage(answer, { endpoint: endpointOf(listing.path), within });
  }

  /** Asks in the present scope; once more in that of the sites alone where the token turns out to be one of sites. */
  async #inScope<T>(
    ask: (scope: Scope) => Promise<T>,
    signal: AbortSignal | undefined,
  ): Promise<{ answer: T; scope: Scope }> {
    const scope = this.#scope;
    try {
      return { answer: await ask(scope), scope };
    } catch (error) {
      if (!(error instanceof Forbidden && error.siteScoped)) throw error;
      const { siteIds, accountIds } = scope;
      if (siteIds === undefined || accountIds === undefined) throw await this.#namingSites(error, signal);
      if (this.#scope === scope) {
        this.#scope = { siteIds };
        this.#onScopeFallback?.(this.#scope, error);
      }
    }
    return this.#inScope(ask, signal);
  }

  /** The refusal, saying which sites the token may read, if it may be asked. */
  async #namingSites(refusal: Forbidden, signal: AbortSignal | undefined): Promise<Forbidden> {
    try {
      return new Forbidden(refusal.endpoint, refusal, await this.sites({ signal }));
    } catch (error) {
      if (error instanceof SentinelOneError) return refusal;
      throw error;
    }
  }
}

function agentsOf({ records, ...page }: Page): AgentsPage {
  return { agents: records, ...page };
}
