import { afterEach, expect, test } from '@jest/globals';
import { agentRow, call, closeTenants, firstId, page, tenantWith } from './tenant.fixture.js';

afterEach(closeTenants);

test('a tenant whose clock is off stamps all it reports by it, and its Date header too', async () => {
  const tenant = await tenantWith({ skewMs: -3_600_000 });
  const id = firstId(tenant);
  tenant.fleet.infect(id);
  tenant.fleet.heartbeat(id);
  const row = await agentRow(tenant, id);
  expect([row['updatedAt'], row['lastActiveDate']]).toEqual([
    expect.stringMatching(/^2026-09-20T11:00:00/),
    expect.stringMatching(/^2026-09-20T11:00:00/),
  ]);
  for (const list of ['/threats', '/activities']) {
    expect(JSON.stringify((await page(tenant, list)).data)).toContain('2026-09-20T11:00:00');
  }
  expect((await call(tenant, '/agents')).headers.get('date')).toBe('Sun, 20 Sep 2026 11:00:00 GMT');
});

test('set ahead and back at run time, later changes are stamped accordingly', async () => {
  const tenant = await tenantWith();
  const id = firstId(tenant);
  tenant.clock.skew(300_000);
  expect(tenant.fleet.isolate(id).updatedAt).toMatch(/^2026-09-20T12:05:00/);
  tenant.clock.skew(0);
  expect(tenant.clock.skewMs).toBe(0);
  expect(tenant.fleet.reconnect(id).updatedAt).toMatch(/^2026-09-20T12:00:00/);
  expect((await call(tenant, '/agents')).headers.get('date')).toBe('Sun, 20 Sep 2026 12:00:00 GMT');
});
