import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { HOUR, startPollingWorld, type PollingWorld } from '../fixtures/polling-world.js';
import { syncedSource } from '../fixtures/synced-source.js';
import { SweepIncomplete } from '../sweep.errors.js';

let world: PollingWorld;
beforeAll(async () => {
  world = await startPollingWorld();
});
afterAll(() => world.close());

const { signal } = new AbortController();

describe('an agent that returns from silence', () => {
  it('is observed at once, though nothing else about it changed', async () => {
    const { source, fleet, ids, poll, readContacts } = await syncedSource(world);
    source.time.now += 3 * 24 * HOUR;
    fleet.heartbeat(ids[0]);
    expect(await poll()).toEqual([]);
    expect(await readContacts()).toMatchObject([
      { agentId: ids[0], lastSeenAt: '2026-11-24T12:00:10.000000Z', observedAt: '2026-11-24T12:00:10.000Z' },
    ]);
    expect(await readContacts()).toEqual([]);
  });

  it('is observed once on a Monday morning, with all the others', async () => {
    const { source, fleet, ids, readContacts } = await syncedSource(world, 1_200);
    source.time.now += 2 * 24 * HOUR;
    for (const id of ids) fleet.heartbeat(id);
    expect(await readContacts()).toHaveLength(1_200);
    source.time.now += 60_000;
    for (const id of ids) fleet.heartbeat(id);
    expect(await readContacts()).toEqual([]);
  });

  it('is not missed by the poller that comes next', async () => {
    const { source, fleet, ids, position } = await syncedSource(world);
    await position.move({});
    source.time.now += 24 * HOUR;
    fleet.heartbeat(ids[0]);
    const next = await source.startPoller();
    await next.begin(signal);
    const reading = () => Promise.all([next.lanes.returning.read(signal), next.lanes.changes.read(signal)]);
    expect(await source.publishedBy(reading)).toMatchObject([{ agentId: ids[0] }]);
  });
});

describe('heartbeats', () => {
  it('are read though no sweep is believed, as long as a record is unreadable', async () => {
    const source = await world.source(3);
    const { fleet } = source.tenant;
    const [first, second] = fleet.list();
    fleet.distort(second?.id ?? '', { id: null });
    const { begin, lanes } = await source.startPoller();
    await begin(signal);
    lanes.changes.afterReading = () => Promise.resolve();
    await expect(lanes.sweep.read(signal)).rejects.toThrow(SweepIncomplete);
    source.time.now += 24 * HOUR;
    fleet.heartbeat(first?.id ?? '');
    expect(await source.publishedBy(() => lanes.returning.read(signal))).toMatchObject([{ agentId: first?.id }]);
  });

  it('within the freshness step publish nothing', async () => {
    const { source, fleet, ids, readContacts } = await syncedSource(world);
    for (let minute = 0; minute < 5; minute += 1) {
      source.time.now += 60_000;
      for (const id of ids) fleet.heartbeat(id);
      expect(await readContacts()).toEqual([]);
    }
  });

  it('are not asked for before the first sweep, which reads everybody anyway', async () => {
    const source = await world.source(3);
    const { begin, lanes } = await source.startPoller();
    await begin(signal);
    const before = source.tenant.requests().length;
    expect(await lanes.returning.read(signal)).toBe(false);
    expect(source.tenant.requests()).toHaveLength(before);
  });

  it('take at most a fifth of the time, however many there are', async () => {
    const { source, lanes } = await syncedSource(world, 3, { pollIntervalMs: 2_000 });
    const { returning } = lanes;
    const timedReading = async () => {
      const startedAt = performance.now();
      await returning.read(signal);
      return performance.now() - startedAt;
    };
    expect(returning.dueInMs()).toBe(2_000);
    const quickMs = await timedReading();
    expect(returning.dueInMs(100)).toBeGreaterThanOrEqual(1_900);
    expect(returning.dueInMs(100)).toBeLessThanOrEqual(Math.max(1_900, 4 * quickMs));
    // A listing that takes a second is read every five.
    source.tenant.faults.script({ kind: 'slow', delayMs: 1_000, path: '/agents' });
    const tookMs = await timedReading();
    expect(returning.dueInMs(tookMs)).toBeGreaterThanOrEqual(3_900);
    expect(returning.dueInMs(tookMs)).toBeLessThanOrEqual(4 * tookMs);
  });

  it('are asked for right behind the changes, which they would hold up otherwise', async () => {
    const { source, lanes } = await syncedSource(world, 3, { pollIntervalMs: 60_000 });
    const asked = () => source.tenant.requests().map(({ query }) => new URLSearchParams(query).get('sortBy'));
    const before = asked().length;
    Reflect.deleteProperty(lanes.changes, 'afterReading');
    const contacts = lanes.returning.read(signal);
    await lanes.changes.read(signal);
    await contacts;
    expect(asked().slice(before)).toEqual(['updatedAt', 'lastActiveDate']);
  });
});
