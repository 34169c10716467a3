import { afterEach, describe, expect, test } from '@jest/globals';
import { agentRow, closeTenants, firstId, idsOf, NOON, tenantWith } from './tenant.fixture.js';

afterEach(closeTenants);

describe('silence and return', () => {
  test('a silent agent is inactive after a while, without a new updatedAt', async () => {
    let now = NOON;
    const tenant = await tenantWith({ clock: () => now });
    const id = firstId(tenant);
    const before = tenant.fleet.heartbeat(id);
    tenant.fleet.silence(id, { inactiveAfterMs: 60_000 });
    now += 59_000;
    expect(await agentRow(tenant, id)).toMatchObject({ isActive: true, lastActiveDate: before.lastActiveDate });
    now += 1_000;
    expect(await agentRow(tenant, id)).toMatchObject({
      isActive: false,
      lastActiveDate: before.lastActiveDate,
      updatedAt: before.updatedAt,
    });
  });

  test('or at once; on its return lastActiveDate moves and updatedAt does not', async () => {
    let now = NOON;
    const tenant = await tenantWith({ clock: () => now });
    const id = firstId(tenant);
    const { updatedAt } = tenant.fleet.silence(id, { inactiveAfterMs: 0 });
    expect(await idsOf(tenant, '/agents?isActive=false')).toEqual([id]);
    now += 3 * 86_400_000;
    tenant.fleet.return(id);
    expect(await agentRow(tenant, id)).toMatchObject({
      isActive: true,
      lastActiveDate: '2026-09-23T12:00:00.000000Z',
      updatedAt,
    });
    expect(await idsOf(tenant, '/agents?lastActiveDate__gte=2026-09-23T00:00:00Z')).toEqual([id]);
    expect(tenant.fleet.return(id, { silent: false }).updatedAt > updatedAt).toBe(true);
  });

  test('an agent that returned before the console noticed stays active', async () => {
    let now = NOON;
    const tenant = await tenantWith({ clock: () => now });
    const id = firstId(tenant);
    tenant.fleet.silence(id, { inactiveAfterMs: 60_000 });
    tenant.fleet.return(id);
    now += 120_000;
    expect(await agentRow(tenant, id)).toMatchObject({ isActive: true });
  });

  test('isolating a silent agent does not make it active', async () => {
    const tenant = await tenantWith();
    const id = firstId(tenant);
    tenant.fleet.silence(id, { inactiveAfterMs: 0 });
    expect(tenant.fleet.isolate(id)).toMatchObject({ networkStatus: 'disconnected', isActive: false });
  });
});

describe('machines set up anew', () => {
  test('a re-imaged machine has a new id and uuid, the old serial number and MACs, and its old agent is silent', async () => {
    const tenant = await tenantWith();
    const old = tenant.fleet.infect(firstId(tenant));
    const fresh = tenant.fleet.reimage(old.id);
    expect(fresh).toMatchObject({
      serialNumber: old.serialNumber,
      computerName: old.computerName,
      networkInterfaces: old.networkInterfaces,
      infected: false,
      activeThreats: 0,
      isActive: true,
    });
    expect(fresh.id).not.toBe(old.id);
    expect(fresh.uuid).not.toBe(old.uuid);
    expect(fresh.createdAt > old.createdAt).toBe(true);
    expect(await agentRow(tenant, old.id)).toMatchObject({ infected: true, isActive: false, isDecommissioned: false });
    expect(tenant.fleet.activities.list().at(-1)).toMatchObject({ activityType: 17, agentId: fresh.id });
  });

  test('a cloned serial number is all that a clean virtual machine shares with the machine', async () => {
    const tenant = await tenantWith();
    const original = tenant.fleet.infect(firstId(tenant));
    const clone = tenant.fleet.cloneSerial(original.id);
    expect(clone).toMatchObject({ serialNumber: original.serialNumber, infected: false, isActive: true });
    expect(clone.modelName).toMatch(/VMware/);
    const macs = (agent: typeof clone) => agent.networkInterfaces.map(({ physical }) => physical);
    expect(macs(clone).filter((mac) => macs(original).includes(mac))).toEqual([]);
    expect(clone.uuid).not.toBe(original.uuid);
    expect(tenant.fleet.isSilent(original.id)).toBe(false);
  });
});
