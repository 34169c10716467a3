import { afterEach, describe, expect, test } from '@jest/globals';
import type { GivenAgent } from './generate-fleet.js';
import { closeTenants, allPages, idsOf, page, tenantWith } from './tenant.fixture.js';

afterEach(closeTenants);

const FLEET: GivenAgent[] = [
  {
    id: '1',
    computerName: 'LT-ALPHA',
    serialNumber: 'PF2ABCDE',
    osType: 'windows',
    machineType: 'laptop',
    siteId: '71',
    groupId: '81',
    accountId: '91',
    uuid: 'aaaa',
    activeThreats: 0,
    updatedAt: '2026-09-01T00:00:00.000001Z',
    createdAt: '2024-01-01T00:00:00.000000Z',
    lastActiveDate: '2026-09-20T10:00:00.000000Z',
    totalMemory: 8192,
    networkInterfaces: [
      {
        id: '1',
        name: 'en0',
        physical: '06:35:e6:62:53:2e',
        inet: ['10.1.1.1'],
        inet6: [],
        gatewayIp: null,
        gatewayMacAddress: null,
      },
    ],
  },
  {
    id: '2',
    computerName: 'mbp-beta',
    serialNumber: 'C02XYZ',
    osType: 'macos',
    machineType: 'laptop',
    siteId: '72',
    groupId: '82',
    accountId: '91',
    uuid: 'bbbb',
    infected: true,
    activeThreats: 2,
    networkStatus: 'disconnected',
    updatedAt: '2026-09-01T00:00:00.000002Z',
    createdAt: '2025-01-01T00:00:00.000000Z',
    lastActiveDate: '2026-09-20T09:00:00.000000Z',
    totalMemory: 16384,
    networkInterfaces: [],
  },
  {
    id: '3',
    computerName: 'srv-gamma',
    serialNumber: null,
    osType: 'linux',
    machineType: 'server',
    siteId: '72',
    groupId: '83',
    accountId: '92',
    uuid: 'cccc',
    isActive: false,
    activeThreats: 1,
    operationalState: 'db_corruption',
    updatedAt: '2026-09-01T00:00:00.000003Z',
    createdAt: '2026-01-01T00:00:00.000000Z',
    lastActiveDate: '2026-09-10T09:00:00.000000Z',
    totalMemory: 32768,
    networkInterfaces: [],
  },
  {
    id: '4',
    computerName: 'old',
    serialNumber: 'PF2ABCDE',
    isDecommissioned: true,
    uuid: 'dddd',
    updatedAt: '2026-09-02T00:00:00.000000Z',
    networkInterfaces: [],
  },
  {
    id: '5',
    computerName: 'gone',
    serialNumber: 'X',
    isUninstalled: true,
    uuid: 'eeee',
    updatedAt: '2026-09-03T00:00:00.000000Z',
    networkInterfaces: [],
  },
];

describe('filters of /agents', () => {
  test.each([
    ['', '1 2 3'],
    ['isDecommissioned=True,False', '1 2 3 4'],
    ['isDecommissioned=true', '4'],
    ['isUninstalled=true,false', '1 2 3 5'],
    ['isDecommissioned=True,False&isUninstalled=True,False', '1 2 3 4 5'],
    ['ids=3,1,99', '1 3'],
    ['ids=3&ids=1', '1 3'],
    ['ids=4', ''],
    ['uuids=aaaa,cccc', '1 3'],
    ['siteIds=72', '2 3'],
    ['accountIds=91', '1 2'],
    ['groupIds=81,83', '1 3'],
    ['infected=true', '2'],
    ['infected=False', '1 3'],
    ['isActive=false', '3'],
    ['activeThreats=1', '3'],
    ['activeThreats__gt=1', '2 3'],
    ['networkStatuses=disconnected', '2'],
    ['networkStatusesNin=disconnected', '1 3'],
    ['operationalStates=db_corruption', '3'],
    ['osTypes=macos,linux', '2 3'],
    ['machineTypes=server', '3'],
    ['totalMemory__gte=16384', '2 3'],
    ['totalMemory__between=8192-16384', '1 2'],
    ['serialNumber__contains=pf2', '1'],
    ['serialNumber__contains=pf2,c02', '1 2'],
    ['computerName__contains=B', '2'],
    ['computerName=LT-ALPHA', '1'],
    ['networkInterfacePhysical__contains=62:53', '1'],
    ['query=06:35', '1'],
    ['query=62:53', ''],
    ['updatedAt__gt=2026-09-01T00:00:00.000001Z', '2 3'],
    ['updatedAt__gte=2026-09-01T00:00:00.000002Z', '2 3'],
    ['updatedAt__lt=2026-09-01T00:00:00.000002Z', '1'],
    ['updatedAt__lte=2026-09-01T00:00:00.000002Z', '1 2'],
    ['updatedAt__gte=2026-09-01T02:00:00.000002%2B02:00', '2 3'],
    ['updatedAt__gt=2026-09-01T00:00:00.000001Z&updatedAt__lt=2026-09-01T00:00:00.000003Z', '2'],
    [`updatedAt__between=${Date.UTC(2026, 8, 1)}-${Date.UTC(2026, 8, 1)}`, '1 2 3'],
    ['createdAt__gte=2025-01-01', '2 3'],
    ['lastActiveDate__lt=2026-09-20T09:30:00Z', '2 3'],
    ['lastActiveDate__gte=2026-09-20T09:00:00Z&infected=true', '2'],
  ])('%s gives %s', async (query, expected) => {
    const tenant = await tenantWith({ fleet: FLEET });
    for (const order of ['sortBy=id', 'sortBy=updatedAt', 'sortBy=lastActiveDate']) {
      const ids = await idsOf(tenant, `/agents?${order}&${query}`);
      expect(ids.toSorted().join(' ')).toBe(expected);
    }
  });

  test('a narrow range on one column is given in the order of another, page by page', async () => {
    const tenant = await tenantWith({ fleet: 400 });
    const byAge = tenant.fleet
      .list()
      .filter((agent) => !agent.isDecommissioned)
      .toSorted((a, b) => (a.updatedAt < b.updatedAt ? -1 : 1));
    const since = byAge.at(-20)?.updatedAt ?? '';
    const expected = byAge
      .slice(-20)
      .map(({ computerName }) => computerName)
      .toSorted();
    const filter = `updatedAt__gte=${since}&sortBy=computerName&limit=8`;
    expect((await allPages(tenant, `/agents?${filter}`)).map((row) => row['computerName'])).toEqual(expected);
    expect((await page(tenant, `/agents?${filter}`)).pagination.totalItems).toBe(20);
  });
});
