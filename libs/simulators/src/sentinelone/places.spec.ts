import { afterEach, describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import type { SentinelOneTenant } from './running-tenant.js';
import { call, closeTenants, idsOf, page, refused, tenantWith } from './tenant.fixture.js';

afterEach(closeTenants);

const siteList = z.object({
  data: z.object({
    allSites: z.object({ activeLicenses: z.int() }),
    sites: z.array(z.looseObject({ id: z.string() })),
  }),
  pagination: z.object({ nextCursor: z.string().nullable(), totalItems: z.int() }),
});

async function sites(tenant: SentinelOneTenant, query = '') {
  return siteList.parse(await (await call(tenant, `/sites${query}`)).json());
}

describe('/sites and /accounts', () => {
  test('sites stand in data.sites, with pages like any list', async () => {
    const tenant = await tenantWith({ fleet: 7 });
    const all = await sites(tenant);
    expect(all.data.allSites.activeLicenses).toBe(7);
    expect(all.data.sites.map(({ name }) => name)).toEqual(['Headquarters', 'Remote', 'Data centre']);
    expect(all.pagination).toEqual({ nextCursor: null, totalItems: 3 });
    const first = await sites(tenant, '?limit=2');
    const rest = await sites(tenant, `?limit=2&cursor=${first.pagination.nextCursor ?? ''}`);
    expect([...first.data.sites, ...rest.data.sites]).toEqual(all.data.sites);
    expect((await sites(tenant, '?name=Remote')).data.sites).toHaveLength(1);
  });

  test('are those the tenant was given, and those its agents name', async () => {
    const tenant = await tenantWith({
      account: { id: '77', name: 'Northern' },
      sites: [{ id: '7001', name: 'Harbour' }],
      fleet: [{ id: '1' }, { id: '2', siteId: '7002', siteName: 'Depot' }],
    });
    expect((await sites(tenant)).data.sites.map(({ id }) => id)).toEqual(['7001', '7002']);
    expect((await page(tenant, '/accounts')).data).toMatchObject([{ id: '77', name: 'Northern' }]);
    expect(tenant.fleet.get('1')).toMatchObject({ siteId: '7001', siteName: 'Harbour', accountId: '77' });
  });
});

describe('a token scoped to sites', () => {
  const fleet = [
    { id: '900000000000000001', siteId: '11' },
    { id: '900000000000000002', siteId: '22' },
  ];

  test.each([
    '/agents',
    '/agents?accountIds=1',
    '/agents?siteIds=22',
    '/agents?siteIds=11,22',
    '/agents?siteIds=11&accountIds=1',
    '/agents/count',
    '/threats',
    '/activities',
    '/accounts',
  ])('gets 403 with code 4030010 for %s', async (path) => {
    const tenant = await tenantWith({ fleet, scope: { siteIds: ['11'] } });
    expect(await refused(await call(tenant, path))).toMatchObject({ status: 403, code: 4030010 });
  });

  test('sees what is at its sites when it names them', async () => {
    const tenant = await tenantWith({ fleet, scope: { siteIds: ['11'] } });
    for (const { id } of fleet) tenant.fleet.infect(id);
    expect(await idsOf(tenant, '/agents?siteIds=11')).toEqual(['900000000000000001']);
    expect((await page(tenant, '/threats?siteIds=11')).data).toMatchObject([{ agentRealtimeInfo: { siteId: '11' } }]);
    expect((await page(tenant, '/activities?siteIds=11')).data).toMatchObject([{ agentId: '900000000000000001' }]);
    expect(await (await call(tenant, '/agents/count?siteIds=11')).json()).toMatchObject({ data: { total: 1 } });
  });

  test('learns its sites without naming them', async () => {
    const tenant = await tenantWith({ fleet, scope: { siteIds: ['11'] } });
    expect((await sites(tenant)).data.sites.map(({ id }) => id)).toEqual(['11']);
    expect((await call(tenant, '/system/info')).status).toBe(200);
  });
});
