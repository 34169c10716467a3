/** The console's account: every agent of a tenant belongs to it. */
export interface Account {
  readonly id: string;
  readonly name: string;
}

/** A site of the account. Addresses of generated agents begin with `network`. */
export interface Site {
  readonly id: string;
  readonly name: string;
  readonly network: string;
  readonly externalIp: string;
}

/** Whose console a tenant is. Generated servers stand at the last site, other machines at the first two. */
export interface Organisation {
  readonly account: Account;
  readonly sites: readonly [Site, ...Site[]];
}

/** A site as a scenario names it; addresses have defaults. */
export type GivenSite = Pick<Site, 'id' | 'name'> & Partial<Site>;

export const DEFAULT_ORGANISATION: Organisation = {
  account: { id: '1402313987221934102', name: 'Example' },
  sites: [
    { id: '1402313987397312513', name: 'Headquarters', network: '10.20', externalIp: '203.0.113.14' },
    { id: '1402313987514753028', name: 'Remote', network: '192.168', externalIp: '198.51.100.77' },
    { id: '1402313987623804937', name: 'Data centre', network: '10.80', externalIp: '203.0.113.201' },
  ],
};

/** The organisation of a tenant: what is not given is that of the default one. */
export function organisationOf(account: Account | undefined, sites: readonly GivenSite[] | undefined): Organisation {
  const [first, ...others] = (sites ?? []).map((site) => ({ network: '10.20', externalIp: '203.0.113.14', ...site }));
  return {
    account: account ?? DEFAULT_ORGANISATION.account,
    sites: first === undefined ? DEFAULT_ORGANISATION.sites : [first, ...others],
  };
}

/** Where a new machine stands: `turn` (0 to 2) spreads those that are no servers. */
export function siteFor({ sites }: Organisation, machineType: string, turn: number): Site {
  const [first, second = first] = sites;
  if (machineType === 'server') return sites.at(-1) ?? first;
  return turn === 2 ? second : first;
}

/** A group per site and kind of machine; the id is the site's with another ending. */
export function groupOf(siteId: string, machineType: string): { id: string; name: string } {
  const name = machineType === 'server' ? 'Servers' : machineType === 'laptop' ? 'Laptops' : 'Default Group';
  return {
    id: `${siteId.slice(0, -3)}${machineType === 'server' ? '901' : machineType === 'laptop' ? '902' : '900'}`,
    name,
  };
}
