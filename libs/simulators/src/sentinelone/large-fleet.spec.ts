import { afterEach, describe, expect, test } from '@jest/globals';
import { Fleet } from './fleet.js';
import { generateFleet } from './generate-fleet.js';
import { readListRequest } from './list-request.js';
import { AGENT_COLUMNS, AGENT_FILTERS } from './agent-query.js';
import { TenantClock } from './timestamps.js';
import { closeTenants, NOON, allPages, page, tenantWith } from './tenant.fixture.js';

afterEach(closeTenants);

const BOTH = 'isDecommissioned=true,false&isUninstalled=true,false';

describe('a large fleet', () => {
  test('prepared ahead, it answers the same and follows later changes', async () => {
    const tenant = await tenantWith({ fleet: 50 });
    const before = await page(tenant, '/agents?limit=50');
    tenant.fleet.prepare();
    expect(await page(tenant, '/agents?limit=50')).toEqual(before);
    const { id } = tenant.fleet.infect(String(before.data[0]?.['id']));
    expect((await page(tenant, `/agents?ids=${id}`)).data).toMatchObject([{ infected: true }]);
  });

  test('a delta looks at the rows it answers with, not at the fleet', () => {
    const clock = new TenantClock(() => NOON);
    const fleet = new Fleet(generateFleet({ size: 5_000, reRegistered: 0 }, 1, clock.now()), clock, 1);
    let looked = 0;
    const watched = { matches: () => ((looked += 1), true) };
    const since = clock.now();
    const changed = fleet
      .list()
      .slice(0, 30)
      .map(({ id }) => fleet.infect(id));
    expect(since).toBeLessThan(clock.now());
    const first = changed[0]?.updatedAt ?? '';
    for (const sortBy of ['updatedAt', 'id', 'computerName']) {
      looked = 0;
      const parameters = new URLSearchParams(`updatedAt__gte=${first}&sortBy=${sortBy}&limit=1000&${BOTH}`);
      const shape = { view: 'AgentView', columns: AGENT_COLUMNS, filters: AGENT_FILTERS, defaults: () => [] };
      const { rows } = fleet.agents.list(readListRequest(parameters, shape, [watched]).query);
      expect(rows).toHaveLength(30);
      expect(looked).toBeLessThanOrEqual(60);
    }
  });

  test('10,000 agents come in 10 pages, each once', async () => {
    const tenant = await tenantWith({ fleet: 10_000 });
    const rows = await allPages(tenant, `/agents?limit=1000&sortBy=updatedAt&${BOTH}`);
    expect(new Set(rows.map((row) => row['id'])).size).toBe(10_000);
    expect((await page(tenant, `/agents?limit=1&${BOTH}`)).pagination.totalItems).toBe(10_000);
  });
});
