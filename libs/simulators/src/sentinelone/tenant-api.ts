import type { Agent } from './agent.js';
import { AGENT_COLUMNS, AGENT_FILTERS, agentDefaults } from './agent-query.js';
import { forbidden, notFound, tooManyRequests, unauthorised } from './api-errors.js';
import type { Condition } from './conditions.js';
import { encodeCursor } from './cursor.js';
import { parseList } from './filter-rules.js';
import type { Fleet } from './fleet.js';
import { readListRequest } from './list-request.js';
import type { ListShape } from './list-request.js';
import type { RateLimits } from './rate-limits.js';
import type { ListPage, RecordStore } from './record-store.js';
import type { Threat } from './threat.js';
import { THREAT_COLUMNS, THREAT_FILTERS } from './threat-query.js';

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

/** What the token may see: with site ids, a site-scoped user. */
export interface TokenScope {
  readonly siteIds: readonly string[];
}

/** The documented calls, judged and answered; refusals are thrown as ApiRefusal. Knows nothing of HTTP. */
export class TenantApi {
  constructor(
    private readonly fleet: Fleet,
    private readonly token: string,
    private readonly limits: RateLimits | undefined,
    private readonly scope: TokenScope | undefined,
  ) {}

  /** True for calls that answer with rows and pagination. */
  static lists(path: string): boolean {
    return path === '/agents' || path === '/threats';
  }

  answer(call: ApiCall): RowsAnswer | ObjectAnswer {
    if (call.authorization !== `ApiToken ${this.token}`) throw unauthorised();
    const waitMs = this.limits?.take(call.path) ?? 0;
    if (waitMs > 0) throw tooManyRequests(Math.max(1, Math.ceil(waitMs / 1000)));
    switch (call.path) {
      case '/agents':
        return this.#list(call.parameters, this.fleet.agents, AGENT_SHAPE, (agent) => agent.siteId);
      case '/agents/count':
        return this.#countAgents(call.parameters);
      case '/threats':
        return this.#list(call.parameters, this.fleet.threats, THREAT_SHAPE, (threat) => threat.detectedOn.siteId);
      case '/system/info':
        return {
          kind: 'object',
          data: { build: '1', latestAgentVersion: '24.3.2.7753', patch: '0', release: 'Simulated', version: '2.1' },
        };
      case '/users/viewer-auth-check':
        return { kind: 'object', data: { success: true } };
      default:
        throw notFound(API_PREFIX + call.path);
    }
  }

  #list<D extends { readonly id: string }>(
    parameters: URLSearchParams,
    store: RecordStore<D>,
    shape: ListShape<D>,
    siteOf: (document: D) => string,
  ): RowsAnswer {
    const { query, countOnly, cursorAt } = readListRequest(parameters, shape, this.#withinScope(parameters, siteOf));
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

  #countAgents(parameters: URLSearchParams): ObjectAnswer {
    const scope = this.#withinScope<Agent>(parameters, (agent) => agent.siteId);
    const { query } = readListRequest(parameters, AGENT_SHAPE, scope);
    return { kind: 'object', data: { total: this.fleet.agents.count(query) } };
  }

  /** A site-scoped user sees its sites only, and may not ask for others or by account. */
  #withinScope<D>(parameters: URLSearchParams, siteOf: (document: D) => string): Condition<D>[] {
    if (this.scope === undefined) return [];
    const allowed = new Set(this.scope.siteIds);
    if (parameters.has('accountIds')) throw forbidden('The token is scoped to sites, not to an account');
    const asked = parseList(parameters.getAll('siteIds').join(','));
    if (asked.some((site) => !allowed.has(site))) throw forbidden('The token is not scoped to this site');
    return [{ matches: (document) => allowed.has(siteOf(document)) }];
  }
}
