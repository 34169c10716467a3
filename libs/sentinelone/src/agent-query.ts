import { plainCursor } from './paging.js';

type TimeField = 'updatedAt' | 'lastActiveDate' | 'createdAt' | 'registeredAt' | 'decommissionedAt' | 'threatCreatedAt';

/** Filters of `GET /agents`; scope, decommissioned and uninstalled are the client's own business. */
export type AgentFilters = {
  readonly [field in TimeField as `${field}__${'gt' | 'gte' | 'lt' | 'lte' | 'between'}`]?: string;
} & {
  readonly ids?: readonly string[];
  readonly uuids?: readonly string[];
  readonly groupIds?: readonly string[];
  readonly networkStatuses?: readonly string[];
  readonly infected?: boolean;
  readonly isActive?: boolean;
};

/** One listing of agents: the same for all of its pages, since a cursor holds the sort of the listing it belongs to. */
export interface AgentQuery {
  /** Records per page, 1 to 1000. Default 1000. */
  readonly limit?: number;
  /** Default `id`. */
  readonly sortBy?: 'id' | 'updatedAt' | 'lastActiveDate' | 'createdAt' | 'registeredAt';
  /** Default `asc`. */
  readonly sortOrder?: 'asc' | 'desc';
  readonly filters?: AgentFilters;
}

/** Which part of the console is read; everything the token may see when both are empty. */
export interface Scope {
  readonly siteIds?: readonly string[];
  readonly accountIds?: readonly string[];
}

export const MAX_PAGE_SIZE = 1000;

/**
 * Both kinds of agent, asked for explicitly and spelt as the API documents it: without them a decommissioned agent would
 * vanish from a listing instead of showing what it is.
 */
const BOTH = 'True,False';

/**
 * The query parameters of one page; arrays comma separated.
 * @param cursor as received in the page before, percent-encoded or not
 * @throws {RangeError} when the limit is outside 1 to 1000, or a list to filter by is empty
 */
export function agentParameters(query: AgentQuery, scope: Scope, cursor?: string): URLSearchParams {
  const { limit = MAX_PAGE_SIZE, sortBy = 'id', sortOrder = 'asc', filters = {} } = query;
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_PAGE_SIZE) {
    throw new RangeError(`A page holds 1 to ${MAX_PAGE_SIZE} agents, not ${limit}`);
  }
  const parameters = new URLSearchParams({ limit: String(limit), sortBy, sortOrder });
  for (const [name, value] of Object.entries(filters)) {
    if (Array.isArray(value) && value.length === 0) throw new RangeError(`An empty ${name} would filter nothing`);
    parameters.set(name, String(value));
  }
  for (const name of ['siteIds', 'accountIds'] as const) {
    if (scope[name]?.length) parameters.set(name, scope[name].join(','));
  }
  parameters.set('isDecommissioned', BOTH);
  parameters.set('isUninstalled', BOTH);
  if (cursor !== undefined) parameters.set('cursor', plainCursor(cursor));
  return parameters;
}
