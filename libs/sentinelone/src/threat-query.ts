import { MAX_PAGE_SIZE, type Listing } from './listing.js';

/** Threats that changed, the longest ago first. */
export interface ThreatQuery {
  /** `updatedAt` of the earliest one wanted, RFC 3339; that one included. */
  readonly updatedSince: string;
  /** Records per page, 1 to 1000. Default 1000. */
  readonly limit?: number;
}

/** `GET /threats`, of every state: a resolved threat changes its agent as well. */
export function threatsListing({ updatedSince, limit = MAX_PAGE_SIZE }: ThreatQuery): Listing {
  return {
    path: '/threats',
    what: 'threats',
    limit,
    sort: { by: 'updatedAt', order: 'asc' },
    filters: { updatedAt__gte: updatedSince },
  };
}
