import { ACTIVITY_COLUMNS, ACTIVITY_FILTERS } from './activity-query.js';
import type { Activity } from './activity.js';
import { ACTIVITY_TYPES } from './activity-types.js';
import type { Agent } from './agent.js';
import { AGENT_COLUMNS, AGENT_FILTERS, agentDefaults } from './agent-query.js';
import { forbidden, notFound, tooManyRequests, unauthorised } from './api-errors.js';
import type { Condition } from './conditions.js';
import { encodeCursor } from './cursor.js';
import { parseList } from './filter-rules.js';
import type { Fleet } from './fleet.js';
import { readListRequest } from './list-request.js';
import type { ListShape } from './list-request.js';
import { ACCOUNT_FILTERS, PLACE_COLUMNS, SITE_FILTERS } from './place.js';
import type { Place } from './place.js';
import type { ListPage, RecordStore } from './record-store.js';
import type { Threat } from './threat.js';
import { THREAT_COLUMNS, THREAT_FILTERS } from './threat-query.js';
import type { Tokens, TokenScope } from './tokens.js';

/** The prefix of every call. */
export const API_PREFIX = '/web/api/v2.1';

/** A call below the prefix. */
export interface ApiCall {
  readonly path: string;
  readonly parameters: URLSearchParams;
  readonly authorization: string | undefined;
}

/** What a list call found. Rows are JSON already. */
export interface RowsAnswer {
  readonly kind: 'rows';
  readonly rows: readonly string[];
  readonly nextCursor: string | null;
  /** The cursor that would follow the last row, whether rows follow or not. */
  readonly endCursor: string | null;
  readonly totalItems: number;
  /** `/sites` alone: its rows stand in `data.sites` beside this. */
  readonly allSites?: object;
}

/** What a call for one thing found. */
export interface ObjectAnswer {
  readonly kind: 'object';
  readonly data: object;
}

const AGENT_SHAPE: ListShape<Agent> = {
  view: 'AgentView',
  columns: AGENT_COLUMNS,
  filters: AGENT_FILTERS,
  defaults: agentDefaults,
};
const THREAT_SHAPE: ListShape<Threat> = {
  view: 'ThreatView',
  columns: THREAT_COLUMNS,
  filters: THREAT_FILTERS,
  defaults: () => [],
};

const ACTIVITY_SHAPE: ListShape<Activity> = {
  view: 'ActivityView',
  columns: ACTIVITY_COLUMNS,
  filters: ACTIVITY_FILTERS,
  defaults: () => [],
};
const SITE_SHAPE: ListShape<Place> = {
  view: 'SiteView',
  columns: PLACE_COLUMNS,
  filters: SITE_FILTERS,
  defaults: () => [],
};
const ACCOUNT_SHAPE: ListShape<Place> = {
  view: 'AccountView',
  columns: PLACE_COLUMNS,
  filters: ACCOUNT_FILTERS,
  defaults: () => [],
};

const LISTS: ReadonlySet<string> = new Set(['/agents', '/threats', '/activities', '/sites', '/accounts']);

/** The documented calls, judged and answered; refusals are thrown as ApiRefusal. Knows nothing of HTTP. */
export class TenantApi {
  constructor(
    private readonly fleet: Fleet,
    private readonly tokens: Tokens,
  ) {}

  /** True for calls that answer with rows and pagination. */
  static lists(path: string): boolean {
    return LISTS.has(path);
  }

  answer({ path, parameters, authorization }: ApiCall): RowsAnswer | ObjectAnswer {
    const grant = this.tokens.grant(authorization);
    if (grant === undefined) throw unauthorised();
    const waitMs = grant.limits?.take(path) ?? 0;
    if (waitMs > 0) throw tooManyRequests(String(Math.max(1, Math.ceil(waitMs / 1000))));
    const { scope } = grant;
    switch (path) {
      case '/agents':
        return list(
          this.#byShownIds(parameters),
          this.fleet.agents,
          AGENT_SHAPE,
          withinScope(scope, parameters, siteOfAgent),
        );
      case '/agents/count':
        return this.#countAgents(parameters, scope);
      case '/threats':
        return list(parameters, this.fleet.threats, THREAT_SHAPE, withinScope(scope, parameters, siteOfThreat));
      case '/activities':
        return list(
          parameters,
          this.fleet.activities.records,
          ACTIVITY_SHAPE,
          withinScope(scope, parameters, ({ siteId }) => siteId ?? ''),
        );
      case '/activities/types':
        return { kind: 'object', data: ACTIVITY_TYPES };
      case '/sites':
        return this.#sites(parameters, scope);
      case '/accounts':
        if (scope !== undefined) throw forbidden('The token is scoped to sites, not to an account');
        return list(parameters, this.fleet.places.accounts, ACCOUNT_SHAPE, []);
      case '/system/info':
        return {
          kind: 'object',
          data: { build: '1', latestAgentVersion: '24.3.2.7753', patch: '0', release: 'Simulated', version: '2.1' },
        };
      case '/users/viewer-auth-check':
        return { kind: 'object', data: { success: true } };
      default:
        throw notFound(API_PREFIX + path);
    }
  }

  /** Rows are asked for by the ids that they show, which second rows do not have of their own. */
  #byShownIds(parameters: URLSearchParams): URLSearchParams {
    const ids = parameters.getAll('ids').flatMap((text) => text.split(','));
    if (ids.length === 0) return parameters;
    const expanded = new URLSearchParams(parameters);
    expanded.set('ids', this.fleet.rowsShowing(ids).join(','));
    return expanded;
  }

  #countAgents(parameters: URLSearchParams, scope: TokenScope | undefined): ObjectAnswer {
    const { query } = readListRequest(
      this.#byShownIds(parameters),
      AGENT_SHAPE,
      withinScope(scope, parameters, siteOfAgent),
    );
    return { kind: 'object', data: { total: this.fleet.agents.count(query) } };
  }

  /** A site-scoped user sees its own sites without naming them: this is how it learns their ids. */
  #sites(parameters: URLSearchParams, scope: TokenScope | undefined): RowsAnswer {
    const own: Condition<Place>[] = scope ? [{ matches: ({ id }) => scope.siteIds.includes(id) }] : [];
    const page = list(parameters, this.fleet.places.sites, SITE_SHAPE, own);
    return { ...page, allSites: { activeLicenses: this.fleet.size, totalLicenses: 0 } };
  }
}

function siteOfAgent(agent: Agent): string {
  return agent.siteId;
}

function siteOfThreat(threat: Threat): string {
  return threat.detectedOn.siteId;
}

function list<D extends { readonly id: string }>(
  parameters: URLSearchParams,
  store: RecordStore<D>,
  shape: ListShape<D>,
  scope: readonly Condition<D>[],
): RowsAnswer {
  const { query, countOnly, cursorAt } = readListRequest(parameters, shape, scope);
  if (countOnly) return { kind: 'rows', rows: [], nextCursor: null, endCursor: null, totalItems: store.count(query) };
  const page: ListPage = store.list(query);
  const endCursor = page.last === undefined ? null : encodeCursor(cursorAt(page.last));
  return {
    kind: 'rows',
    rows: page.rows,
    nextCursor: page.more ? endCursor : null,
    endCursor,
    totalItems: page.total,
  };
}

/** A site-scoped user may ask for its own sites only, by name: a list call without `siteIds` is one of account scope. */
function withinScope<D>(
  scope: TokenScope | undefined,
  parameters: URLSearchParams,
  siteOf: (document: D) => string,
): Condition<D>[] {
  if (scope === undefined) return [];
  const allowed = new Set(scope.siteIds);
  const asked = parseList(parameters.getAll('siteIds').join(','));
  if (parameters.has('accountIds') || asked.length === 0)
    throw forbidden('The token is scoped to sites, not to an account');
  if (asked.some((site) => !allowed.has(site))) throw forbidden('The token is not scoped to this site');
  return [{ matches: (document) => allowed.has(siteOf(document)) }];
}
