import { MAX_PAGE_SIZE, type Listing } from './listing.js';

/** `GET /sites`, whose `data` holds the list as `sites`. Sorted as the console does by itself. */
export const SITES: Listing = { path: '/sites', what: 'sites', limit: MAX_PAGE_SIZE, filters: {}, within: 'sites' };
