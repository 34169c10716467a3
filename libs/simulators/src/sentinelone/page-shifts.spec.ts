import { afterEach, describe, expect, test } from '@jest/globals';
import type { Fault } from './faults.js';
import { allPages, call, closeTenants, page, tenantWith } from './tenant.fixture.js';

afterEach(closeTenants);

const LIST = '/agents?limit=10&sortBy=updatedAt&isDecommissioned=True,False&isUninstalled=True,False';

async function shifted(fault: Omit<Extract<Fault, { kind: 'shift' }>, 'kind'>) {
  const tenant = await tenantWith({ fleet: 40 });
  const before = tenant.fleet.list();
  tenant.faults.script({ kind: 'shift', ...fault });
  const rows = await allPages(tenant, LIST);
  return { tenant, before, ids: rows.map((row) => String(row['id'])) };
}

describe('pages that shift while being read', () => {
  test('a touched agent that was read comes again at the end', async () => {
    const { ids, before } = await shifted({ touch: 3, among: 'read' });
    expect(ids).toHaveLength(43);
    expect(new Set(ids).size).toBe(before.length);
    expect(ids.slice(-3).every((id) => ids.indexOf(id) < 10)).toBe(true);
  });

  test('a touched agent still to come moves to the end and comes once', async () => {
    const { ids } = await shifted({ touch: 3, among: 'unread' });
    expect([ids.length, new Set(ids).size]).toEqual([40, 40]);
  });

  test('removed agents are missing, inserted ones come at the end', async () => {
    const { ids, tenant, before } = await shifted({ remove: 2, insert: 1, among: 'unread' });
    const gone = before.filter(({ id }) => tenant.fleet.agents.get(id) === undefined).map(({ id }) => id);
    const added = tenant.fleet.list().filter(({ id }) => before.every((agent) => agent.id !== id));
    expect([gone.length, added.length]).toEqual([2, 1]);
    expect(ids.filter((id) => gone.includes(id))).toEqual([]);
    expect(ids.at(-1)).toBe(added[0]?.id);
  });

  test('the same seed gives the same shifts, another one others', async () => {
    const run = async (seed: number) => (await shifted({ touch: 2, remove: 1, times: 3, seed })).ids;
    const [one, again, other] = [await run(4), await run(4), await run(5)];
    expect(again).toEqual(one);
    expect(other).not.toEqual(one);
  });

  test('strikes further pages of /agents only, as often as told, and beside another fault', async () => {
    const tenant = await tenantWith({ fleet: 30 });
    tenant.faults.script({ kind: 'shift', insert: 1, times: 2 }, { kind: 'server-error', path: '/agents' });
    expect((await call(tenant, '/threats')).status).toBe(200);
    expect((await call(tenant, '/agents')).status).toBe(500);
    const { nextCursor } = (await page(tenant, '/agents')).pagination;
    expect(tenant.fleet.size).toBe(30);
    tenant.faults.script({ kind: 'server-error' });
    expect((await call(tenant, `/agents?cursor=${nextCursor ?? ''}`)).status).toBe(500);
    expect(tenant.fleet.size).toBe(31);
    expect((await call(tenant, `/agents?cursor=broken`)).status).toBe(400);
    expect(tenant.fleet.size).toBe(32);
    expect(tenant.faults.pending()).toEqual([]);
  });
});
