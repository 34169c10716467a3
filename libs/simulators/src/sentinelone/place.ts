import { choiceRules, equalsRule, idsRule, timeRules } from './filter-rules.js';
import type { FilterRules } from './filter-rules.js';
import type { SortValue } from './ordered-index.js';
import type { Account, Site } from './organisation.js';
import { RecordStore } from './record-store.js';

/** A site or an account as list calls know it. */
export interface Place {
  readonly id: string;
  readonly name: string;
  readonly accountId: string;
  readonly accountName: string;
  readonly createdAt: string;
  readonly state: 'active';
}

/** Sites and accounts of a simulated console are as old as its oldest agents may be. */
const SET_UP_AT = '2019-03-18T08:00:00.000000Z';

/** The columns sites and accounts can be sorted by. */
export const PLACE_COLUMNS: ReadonlyMap<string, (place: Place) => SortValue> = new Map<
  string,
  (place: Place) => SortValue
>([
  // Padded: ids order as the numbers they spell.
  ['id', (place) => place.id.padStart(20, '0')],
  ['name', (place) => place.name],
  ['createdAt', (place) => place.createdAt],
]);

/** The filters of `GET /accounts`; any other parameter is refused, never ignored. */
export const ACCOUNT_FILTERS: FilterRules<Place> = {
  ids: idsRule(),
  ...choiceRules('accountIds', (place) => place.accountId),
  ...choiceRules('states', (place) => place.state),
  ...timeRules('createdAt', (place) => place.createdAt),
  name: equalsRule((place) => place.name),
};

/** The filters of `GET /sites`. */
export const SITE_FILTERS: FilterRules<Place> = {
  ...ACCOUNT_FILTERS,
  ...choiceRules('siteIds', (place) => place.id),
};

/** The sites of a tenant: those of its organisation and those that given agents name. */
export class Places {
  /** What list calls read. */
  readonly sites = new RecordStore<Place>(PLACE_COLUMNS, (site) => JSON.stringify({ ...site, ...LICENCE }));
  readonly accounts = new RecordStore<Place>(PLACE_COLUMNS, ({ id, name, createdAt, state }) =>
    JSON.stringify({ id, name, createdAt, updatedAt: createdAt, state, accountType: 'Paid', numberOfSites: null }),
  );

  /** Adds a site, with its account, unless it is there. */
  know(site: Pick<Site, 'id' | 'name'>, account: Account): void {
    const state = 'active' as const;
    const owner = { accountId: account.id, accountName: account.name, createdAt: SET_UP_AT, state };
    if (this.sites.get(site.id) === undefined) this.sites.put({ id: site.id, name: site.name, ...owner });
    if (this.accounts.get(account.id) === undefined)
      this.accounts.put({ id: account.id, name: account.name, ...owner });
  }
}

const LICENCE = {
  description: null,
  expiration: null,
  externalId: null,
  healthStatus: true,
  isDefault: false,
  siteType: 'Paid',
  suite: 'Complete',
  totalLicenses: 0,
  unlimitedExpiration: true,
  unlimitedLicenses: true,
  updatedAt: SET_UP_AT,
} as const;
