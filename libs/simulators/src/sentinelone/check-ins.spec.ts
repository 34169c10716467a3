import { afterEach, expect, test } from '@jest/globals';
import { closeTenants, NOON, tenantWith } from './tenant.fixture.js';

afterEach(closeTenants);

test('active agents check in by turns; those that left or are offline do not, and nothing else moves', async () => {
  let now = NOON;
  const { fleet } = await tenantWith({ fleet: 12, clock: () => now, checkInIntervalMs: 20 });
  const [offline] = fleet.list();
  const id = offline?.id ?? '';
  fleet.update(id, { isActive: false });
  const before = new Map(fleet.list().map((agent) => [agent.id, agent]));
  now += 3_600_000;
  const stamp = '2026-09-20T13:00:00';
  const waiting = () => fleet.list().filter((agent) => agent.id !== id && !agent.lastActiveDate.startsWith(stamp));
  const deadline = performance.now() + 10_000;
  while (waiting().length > 0 && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(waiting()).toEqual([]);
  expect(fleet.get(id)).toEqual(before.get(id));
  for (const agent of fleet.list()) expect(agent.updatedAt).toBe(before.get(agent.id)?.updatedAt);
});
