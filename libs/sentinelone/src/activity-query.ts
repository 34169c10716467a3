import { MAX_PAGE_SIZE, type Listing } from './listing.js';

/**
 * The types of activity that tell of an agent removed from its machine, which can precede the change in its record:
 * - 51, agent uninstalled: PacketFence polls it and reads the agent anew (`lib/pf/provisioner/sentinelone.pm`).
 *
 * Decommissioning is not among them: no public source names the number of its activity. It changes the record
 * (`isDecommissioned`), as an uninstallation does in the end, and is read from there.
 */
export const AGENT_REMOVAL_ACTIVITIES: readonly number[] = [51];

/** Activities of some types, the oldest first. */
export interface ActivityQuery {
  /** `createdAt` of the earliest one wanted, RFC 3339; that one included. */
  readonly createdSince: string;
  /** Numbers such as those in {@link AGENT_REMOVAL_ACTIVITIES}; at least one. */
  readonly activityTypes: readonly number[];
  /** Records per page, 1 to 1000. Default 1000. */
  readonly limit?: number;
}

/** `GET /activities`. */
export function activitiesListing({ createdSince, activityTypes, limit = MAX_PAGE_SIZE }: ActivityQuery): Listing {
  return {
    path: '/activities',
    what: 'activities',
    limit,
    sort: { by: 'createdAt', order: 'asc' },
    filters: { createdAt__gte: createdSince, activityTypes },
  };
}
