import { MAX_PAGE_SIZE, type Listing } from './listing.js';

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

/** One listing of agents. */
export interface AgentQuery {
  /** Records per page, 1 to 1000. Default 1000. */
  readonly limit?: number;
  /** Default `id`. */
  readonly sortBy?: 'id' | 'updatedAt' | 'lastActiveDate' | 'createdAt' | 'registeredAt';
  /** Default `asc`. */
  readonly sortOrder?: 'asc' | 'desc';
  readonly filters?: AgentFilters;
  /** Lets shorter listings go first while the token's budget is short. Default false. */
  readonly patient?: boolean;
}

/**
 * Both kinds of agent, asked for explicitly and spelt as the API documents it: without them a decommissioned agent would
 * vanish from a listing instead of showing what it is.
 */
export const EVERY_AGENT = { isDecommissioned: 'True,False', isUninstalled: 'True,False' } as const;

/** `GET /agents`, decommissioned and uninstalled ones included. */
export function agentsListing({
  limit = MAX_PAGE_SIZE,
  sortBy = 'id',
  sortOrder = 'asc',
  filters,
  patient = false,
}: AgentQuery): Listing {
  return {
    path: '/agents',
    what: 'agents',
    limit,
    sort: { by: sortBy, order: sortOrder },
    filters: { ...filters, ...EVERY_AGENT },
    patient,
  };
}
