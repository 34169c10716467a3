import { afterEach, describe, expect, test } from '@jest/globals';
import { closeTenants, allPages, call, idsOf, page, refused, tenantWith } from './tenant.fixture.js';

afterEach(closeTenants);

const BOTH = 'isDecommissioned=True,False&isUninstalled=True,False';
const sorted = (values: readonly string[]) => values.toSorted();

describe('paging', () => {
  test.each(['id', 'updatedAt', 'computerName', 'osType', 'infected', 'serialNumber', 'totalMemory'])(
    'by %s gives every agent once, upwards and downwards',
    async (sortBy) => {
      const tenant = await tenantWith({ fleet: 230 });
      const up = await allPages(tenant, `/agents?limit=50&sortBy=${sortBy}&${BOTH}`);
      const down = await allPages(tenant, `/agents?limit=50&sortBy=${sortBy}&sortOrder=desc&${BOTH}`);
      const ids = up.map((row) => String(row['id']));
      expect(sorted(ids)).toEqual(sorted(tenant.fleet.list().map(({ id }) => id)));
      expect(down.map((row) => row['id'])).toEqual(ids.toReversed());
    },
  );

  test('ids order as the numbers they spell', async () => {
    const tenant = await tenantWith({ fleet: [{ id: '1000000000000000000' }, { id: '999999999999999999' }] });
    expect(await idsOf(tenant, '/agents')).toEqual(['999999999999999999', '1000000000000000000']);
  });

  test('the last page ends with a null cursor, also when it is full', async () => {
    const tenant = await tenantWith({ fleet: 20 });
    const first = await page(tenant, '/agents?limit=10');
    const second = await page(tenant, `/agents?limit=10&cursor=${first.pagination.nextCursor ?? ''}`);
    expect(second.data).toHaveLength(10);
    expect(second.pagination).toEqual({ nextCursor: null, totalItems: 20 });
  });

  test('skip passes over rows and the cursor goes on behind them', async () => {
    const tenant = await tenantWith({ fleet: 20 });
    const all = await idsOf(tenant, '/agents?limit=20');
    const skipped = await page(tenant, '/agents?limit=5&skip=12');
    expect(skipped.data.map((row) => row['id'])).toEqual(all.slice(12, 17));
    expect(await idsOf(tenant, `/agents?limit=5&cursor=${skipped.pagination.nextCursor ?? ''}`)).toEqual(all.slice(17));
  });
});

describe('cursors', () => {
  test('hold a keyset of column, value, id and order in base64, percent-encoded as in real answers', async () => {
    const tenant = await tenantWith({ fleet: 20 });
    const { data, pagination } = await page(tenant, '/agents?limit=5&sortBy=updatedAt');
    const cursor = pagination.nextCursor ?? '';
    expect(cursor).toMatch(/^[A-Za-z0-9%]+%3D%3D$/);
    const keyset: unknown = JSON.parse(Buffer.from(decodeURIComponent(cursor), 'base64').toString());
    const last = data.at(-1);
    expect(keyset).toMatchObject({
      id_column: 'AgentView.id',
      id_value: last?.['id'],
      id_sort_order: 'asc',
      sort_by_column: 'AgentView.updatedAt',
      sort_by_value: last?.['updatedAt'],
      sort_order: 'asc',
    });
  });

  test('work as they stand and unquoted then encoded, and are broken when encoded twice', async () => {
    const tenant = await tenantWith({ fleet: 20 });
    const cursor = (await page(tenant, '/agents?limit=5')).pagination.nextCursor ?? '';
    const asItStands = await idsOf(tenant, `/agents?limit=5&cursor=${cursor}`);
    expect(await idsOf(tenant, `/agents?limit=5&cursor=${encodeURIComponent(decodeURIComponent(cursor))}`)).toEqual(
      asItStands,
    );
    const twice = await call(tenant, `/agents?limit=5&cursor=${encodeURIComponent(cursor)}`);
    expect(await refused(twice)).toMatchObject({ status: 400, code: 400010, detail: 'cursor: invalid cursor' });
  });

  test.each([
    ['another column', 'sortBy=id'],
    ['another direction', 'sortBy=updatedAt&sortOrder=desc'],
    ['other filters', 'sortBy=updatedAt&infected=false'],
    ['skip', 'sortBy=updatedAt&skip=5'],
  ])('are refused with %s', async (_case, query) => {
    const tenant = await tenantWith({ fleet: 20 });
    const cursor = (await page(tenant, '/agents?limit=5&sortBy=updatedAt')).pagination.nextCursor ?? '';
    expect(await refused(await call(tenant, `/agents?limit=5&${query}&cursor=${cursor}`))).toMatchObject({
      status: 400,
    });
  });

  test('of threats are refused for agents', async () => {
    const tenant = await tenantWith({ fleet: 3 });
    for (const { id } of tenant.fleet.list()) tenant.fleet.infect(id);
    const cursor = (await page(tenant, '/threats?limit=1')).pagination.nextCursor ?? '';
    expect((await call(tenant, `/agents?limit=1&cursor=${cursor}`)).status).toBe(400);
  });

  test('allow another limit', async () => {
    const tenant = await tenantWith({ fleet: 20 });
    const cursor = (await page(tenant, '/agents?limit=5')).pagination.nextCursor ?? '';
    expect(await idsOf(tenant, `/agents?limit=15&cursor=${cursor}`)).toHaveLength(15);
  });
});

describe('paging of a fleet that moves', () => {
  test('by id, every agent that stays is read once whatever is changed, added or removed', async () => {
    const tenant = await tenantWith({ fleet: 200, seed: 7 });
    const before = tenant.fleet
      .list()
      .filter(({ isDecommissioned }) => !isDecommissioned)
      .map(({ id }) => id);
    const order = sorted(before);
    const removed: string[] = [];
    let turn = 0;
    const rows = await allPages(tenant, '/agents?limit=20', () => {
      turn += 1;
      tenant.fleet.infect(order[turn] ?? '');
      tenant.fleet.update(order[190 - turn] ?? '', { externalId: `moved ${turn}` });
      const gone = order[180 - turn * 10] ?? '';
      tenant.fleet.remove(gone);
      removed.push(gone);
      tenant.fleet.add();
    });
    const read = rows.map((row) => String(row['id']));
    expect(new Set(read).size).toBe(read.length);
    expect(order.filter((id) => !read.includes(id) && !removed.includes(id))).toEqual([]);
  });

  test('by updatedAt, an agent that changes while being read comes again at the end in its newer form, and none is missed', async () => {
    const tenant = await tenantWith({ fleet: 100, seed: 3 });
    const byAge = tenant.fleet
      .list()
      .toSorted((a, b) => (a.updatedAt < b.updatedAt ? -1 : 1))
      .map(({ id }) => id);
    let turn = 0;
    const rows = await allPages(tenant, `/agents?limit=10&sortBy=updatedAt&${BOTH}`, () => {
      // The third change hits an agent that was read already, the others some still to come.
      if (turn < 3) tenant.fleet.isolate([byAge[60], byAge[80], byAge[2]][turn] ?? '');
      turn += 1;
    });
    const read = rows.map((row) => String(row['id']));
    expect(sorted([...new Set(read)])).toEqual(sorted(byAge));
    expect(read).toHaveLength(101);
    expect(read.slice(-3)).toEqual([byAge[60], byAge[80], byAge[2]]);
    expect(rows.slice(-3).map((row) => row['networkStatus'])).toEqual(['disconnected', 'disconnected', 'disconnected']);
  });

  test('a delta from the last updatedAt seen repeats its boundary row and then gives what changed, in order', async () => {
    const tenant = await tenantWith({ fleet: 50 });
    const seen = (await allPages(tenant, `/agents?limit=20&sortBy=updatedAt&${BOTH}`)).at(-1);
    const [first, second] = tenant.fleet.list();
    tenant.fleet.infect(first?.id ?? '');
    tenant.fleet.decommission(second?.id ?? '');
    const since = encodeURIComponent(String(seen?.['updatedAt']));
    expect(await idsOf(tenant, `/agents?sortBy=updatedAt&updatedAt__gte=${since}&${BOTH}`)).toEqual([
      seen?.['id'],
      first?.id,
      second?.id,
    ]);
    expect(await idsOf(tenant, `/agents?sortBy=updatedAt&updatedAt__gt=${since}`)).toEqual([first?.id]);
  });
});
