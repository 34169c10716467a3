import { afterEach, describe, expect, test } from '@jest/globals';
import type { SentinelOneTenant } from './running-tenant.js';
import { startSentinelOneTenant, startSentinelOneTenants } from './tenant.js';
import { TenantDirectory, TenantExists, UnknownTenant } from './tenant-directory.js';
import { agentRow, call, idsOf, NOON, page } from './tenant.fixture.js';

let running: SentinelOneTenant[] = [];
afterEach(async () => {
  await Promise.all(running.map((tenant) => tenant.close()));
  running = [];
});

async function twoConsoles(now: () => number = () => NOON) {
  const shared = { rateLimits: false, clock: now } as const;
  const tenants = await startSentinelOneTenants({
    north: { ...shared, seed: 1, token: 'north-token', fleet: 10 },
    south: {
      ...shared,
      seed: 2,
      token: 'south-token',
      fleet: 5,
      account: { id: '55', name: 'South' },
      sites: [{ id: '5501', name: 'Plant' }],
    },
  });
  running = Object.values(tenants);
  return tenants;
}

describe('several tenants in one process', () => {
  test('have tokens, fleets, accounts, faults and budgets of their own', async () => {
    const { north, south } = await twoConsoles();
    const foreign = await call(north, '/agents', { authorization: `ApiToken ${south.token}` });
    expect(foreign.status).toBe(401);
    north.faults.script({ kind: 'server-error' });
    expect((await call(south, '/agents')).status).toBe(200);
    expect((await call(north, '/agents')).status).toBe(500);
    const [northIds, southIds] = [await idsOf(north, '/agents?limit=100'), await idsOf(south, '/agents?limit=100')];
    expect([northIds.length, southIds.length]).toEqual([10, 5]);
    expect(northIds.filter((id) => southIds.includes(id))).toEqual([]);
    expect((await page(south, '/accounts')).data).toMatchObject([{ id: '55' }]);
    expect(south.fleet.list().every(({ siteId, accountId }) => siteId === '5501' && accountId === '55')).toBe(true);
  });

  test('cannot share a name beside each other', async () => {
    const directory = new TenantDirectory();
    running = [await startSentinelOneTenant({ directory })];
    await expect(startSentinelOneTenant({ directory })).rejects.toThrow(TenantExists);
    expect(directory.get(running[0]?.url ?? '').name).toBe('simulated');
    expect(() => directory.get('other')).toThrow(UnknownTenant);
    await running[0]?.close();
    expect(directory.list()).toEqual([]);
    const outcomes = await Promise.allSettled([
      startSentinelOneTenant({ directory }),
      startSentinelOneTenant({ directory }),
    ]);
    running = directory.list();
    expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    expect(running).toHaveLength(1);
  });
});

describe('console migration', () => {
  test('the agent is Migrated and silent here, and has another id with the same uuid and hardware there', async () => {
    const { north, south } = await twoConsoles();
    const [old] = north.fleet.list();
    if (old === undefined) throw new Error('an empty fleet');
    const fresh = north.migrate(old.id, south);
    expect(await agentRow(north, old.id)).toMatchObject({ consoleMigrationStatus: 'Migrated', isActive: false });
    expect(north.fleet.isSilent(old.id)).toBe(true);
    expect(await agentRow(south, fresh.id)).toMatchObject({
      uuid: old.uuid,
      serialNumber: old.serialNumber,
      computerName: old.computerName,
      consoleMigrationStatus: 'N/A',
      isActive: true,
      accountId: '55',
      siteId: '5501',
    });
    expect(fresh.id).not.toBe(old.id);
    expect(fresh.networkInterfaces).toEqual(old.networkInterfaces);
  });

  test('an infection travels with the machine', async () => {
    const { north, south } = await twoConsoles();
    const [old] = north.fleet.list();
    north.fleet.infect(old?.id ?? '', { threatName: 'dropper.bin' });
    const fresh = north.migrate(old?.id ?? '', south);
    expect(fresh).toMatchObject({ infected: true, activeThreats: 1 });
    expect(south.fleet.threatsOf(fresh.id)).toMatchObject([{ threatName: 'dropper.bin' }]);
  });

  test('the old console decommissions it later when told', async () => {
    let now = NOON;
    const { north, south } = await twoConsoles(() => now);
    const [old] = north.fleet.list();
    north.migrate(old?.id ?? '', south, { decommissionAfterMs: 3_600_000 });
    expect(await agentRow(north, old?.id ?? '')).toMatchObject({ isDecommissioned: false });
    now += 3_600_000;
    expect(await agentRow(north, old?.id ?? '')).toMatchObject({ isDecommissioned: true });
  });
});
