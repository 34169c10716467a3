import { plainCursor } from './paging.js';

/** The most records that a page may hold, and what is asked for where nothing else is said. */
export const MAX_PAGE_SIZE = 1000;

/** Which part of the console is read; everything the token may see when both are empty. */
export interface Scope {
  readonly siteIds?: readonly string[];
  readonly accountIds?: readonly string[];
}

type FilterValue = string | boolean | readonly string[] | readonly number[];

/** A listing of the console: the same for all of its pages, since a cursor holds the sort of the listing it belongs to. */
export interface Listing {
  /** Below `/web/api/v2.1`. */
  readonly path: string;
  /** What its records are, for messages. */
  readonly what: string;
  /** Records per page, 1 to 1000. */
  readonly limit: number;
  readonly sort?: { readonly by: string; readonly order: 'asc' | 'desc' };
  readonly filters: Readonly<Record<string, FilterValue>>;
  /** The field of `data` that holds the records, where `data` is not the list itself. */
  readonly within?: string;
  /** Others may go first while the token's budget is short. */
  readonly patient?: boolean;
}

/**
 * The query parameters of one page; arrays comma separated.
 * @param cursor as received in the page before, percent-encoded or not
 * @throws {RangeError} when the limit is outside 1 to 1000, or a list to filter by is empty
 */
export function pageParameters(listing: Listing, scope: Scope, cursor?: string): URLSearchParams {
  const { limit, what, sort } = listing;
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_PAGE_SIZE) {
    throw new RangeError(`A page holds 1 to ${MAX_PAGE_SIZE} ${what}, not ${limit}`);
  }
  const parameters = new URLSearchParams({
    limit: String(limit),
    ...(sort && { sortBy: sort.by, sortOrder: sort.order }),
    ...filterParameters(listing.filters, scope),
  });
  if (cursor !== undefined) parameters.set('cursor', plainCursor(cursor));
  return parameters;
}

/**
 * Filters and scope as query parameters.
 * @throws {RangeError} when a list to filter by is empty
 */
export function filterParameters(filters: Listing['filters'], scope: Scope): Record<string, string> {
  const parameters: Record<string, string> = {};
  for (const [name, value] of Object.entries(filters)) {
    if (Array.isArray(value) && value.length === 0) throw new RangeError(`An empty ${name} would filter nothing`);
    parameters[name] = String(value);
  }
  for (const name of ['siteIds', 'accountIds'] as const) {
    if (scope[name]?.length) parameters[name] = scope[name].join(',');
  }
  return parameters;
}
