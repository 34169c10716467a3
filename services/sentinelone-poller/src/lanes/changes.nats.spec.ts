import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { AgentPatch } from '@stance/simulators';
import { HOUR, startPollingWorld, type PollingWorld } from '../fixtures/polling-world.js';
import { syncedSource } from '../fixtures/synced-source.js';

let world: PollingWorld;
beforeAll(async () => {
  world = await startPollingWorld();
});
afterAll(() => world.close());

const { signal } = new AbortController();
const synced = (...options: Parameters<typeof syncedSource> extends [unknown, ...infer Rest] ? Rest : never) =>
  syncedSource(world, ...options);

describe('the first reading', () => {
  it('publishes every agent once, over as many pages as it takes', async () => {
    const { source, fleet } = await synced(2_300);
    const observations = await source.observations();
    expect(observations).toHaveLength(2_300);
    expect(new Set(observations.map(({ data }) => data.agentId))).toEqual(new Set(fleet.list().map(({ id }) => id)));
  });

  it('gives each observation a cause of its own: transaction, trace and the time of the answer', async () => {
    const { source } = await synced(3);
    const events = await source.observations();
    expect(new Set(events.map(({ txn }) => txn)).size).toBe(3);
    expect(new Set(events.map(({ traceparent }) => traceparent?.split('-')[1])).size).toBe(3);
    for (const { data, observedat } of events) {
      expect(data.observedAt).toBe('2026-11-21T12:00:00.000Z');
      expect(observedat).toBe(data.observedAt);
    }
  });

  it('of an empty console publishes nobody, and goes on with the first that registers', async () => {
    const source = await world.source([]);
    const { lanes, begin } = await source.startPoller();
    await begin(signal);
    await lanes.sweep.read(signal);
    await lanes.changes.read(signal);
    const agent = source.tenant.fleet.add();
    expect(await source.publishedBy(() => lanes.changes.read(signal))).toMatchObject([{ agentId: agent.id }]);
  });
});

describe('reading again', () => {
  it('publishes nothing when nothing changed: neither the rows at the boundary nor those of a sweep', async () => {
    const { source, poll, sweep } = await synced();
    expect(await poll()).toEqual([]);
    expect(await poll()).toEqual([]);
    expect(await sweep()).toEqual([]);
    // The boundary was indeed read again, not left out.
    expect(source.tenant.requests().at(-2)?.query).toContain('updatedAt__gte');
  });

  it('publishes exactly one observation for a change', async () => {
    const { fleet, ids, poll, sweep } = await synced();
    fleet.infect(ids[1]);
    expect(await poll()).toMatchObject([
      { agentId: ids[1], presence: 'present', attributes: { 'sentinelOne:infected': true } },
    ]);
    expect([...(await poll()), ...(await sweep())]).toEqual([]);
  });

  it('misses none of many changes that bear the same time', async () => {
    const { fleet, ids, poll } = await synced(6);
    const together: AgentPatch = { networkStatus: 'disconnected' };
    for (const id of ids) fleet.update(id, together);
    expect(new Set((await poll()).map(({ agentId }) => agentId))).toEqual(new Set(ids));
    expect(await poll()).toEqual([]);
  });

  it('sees in a sweep what the console changed without telling', async () => {
    const { fleet, ids, poll, sweep } = await synced();
    fleet.update(ids[0], { firewallEnabled: !fleet.get(ids[0]).firewallEnabled }, { silent: true });
    expect(await poll()).toEqual([]);
    expect(await sweep()).toMatchObject([{ agentId: ids[0] }]);
  });

  it('publishes an unchanged agent again only when its times moved by the freshness step', async () => {
    const { source, fleet, ids, sweep } = await synced();
    const contact = () => Date.parse(fleet.get(ids[0]).lastActiveDate);
    const before = contact();
    source.time.now = before + HOUR - 1;
    fleet.heartbeat(ids[0]);
    expect(await sweep()).toEqual([]);
    source.time.now = before + HOUR;
    fleet.heartbeat(ids[0]);
    expect(await sweep()).toMatchObject([{ agentId: ids[0], observedAt: new Date(before + HOUR).toISOString() }]);
    expect(await sweep()).toEqual([]);
  });

  it('shows an agent that returns from silence at once', async () => {
    const { source, fleet, ids, sweep } = await synced([{ lastActiveDate: '2026-11-18T09:00:00.000000Z' }, {}]);
    source.time.now += 1_000;
    fleet.heartbeat(ids[0]);
    expect(await sweep()).toMatchObject([{ agentId: ids[0], lastSeenAt: '2026-11-21T12:00:11.000000Z' }]);
  });

  it.each([true, false])('never lets an answer that was overtaken undo a newer one, silent: %s', async (silent) => {
    const { source, fleet, ids, lanes, readThreats } = await synced();
    // A sweep's page is on its way while an infection is found, reported and read.
    const page = source.holdAnswer();
    const late = lanes.sweep.read(signal);
    await page.given;
    source.time.now += 1_000;
    fleet.infect(ids[0], { silent });
    expect(await readThreats()).toMatchObject([{ agentId: ids[0], attributes: { 'sentinelOne:infected': true } }]);
    page.release();
    await late;
    const last = (await source.observations()).findLast(({ data }) => data.agentId === ids[0]);
    expect(last?.data.attributes['sentinelOne:infected']).toBe(true);
  });

  it('tells an infection that the console stamped with a time before the last one: its clock was put back', async () => {
    const { fleet, ids, sweep } = await synced();
    const before = Date.parse(fleet.get(ids[0]).updatedAt) - HOUR;
    fleet.distort(ids[0], { updatedAt: new Date(before).toISOString() }, { silent: true });
    fleet.infect(ids[0], { silent: true });
    expect(await sweep()).toMatchObject([{ agentId: ids[0], attributes: { 'sentinelOne:infected': true } }]);
  });

  it('tells what changed in silence though our own clock was put back', async () => {
    const { source, fleet, ids, sweep } = await synced();
    source.time.now -= 5_000;
    await sweep();
    source.time.now -= 5 * 60_000;
    fleet.infect(ids[0], { silent: true });
    expect(await sweep()).toMatchObject([{ agentId: ids[0], attributes: { 'sentinelOne:infected': true } }]);
  });

  it('goes on after a restart where it stopped, without reading everything again', async () => {
    const { source, fleet, ids } = await synced();
    const requests = source.tenant.requests().length;
    fleet.infect(ids[0]);
    const { lanes, begin } = await source.startPoller();
    await begin(signal);
    expect(await source.publishedBy(() => lanes.changes.read(signal))).toMatchObject([{ agentId: ids[0] }]);
    expect(lanes.sweep.dueInMs()).toBeGreaterThan(0);
    expect(source.tenant.requests().slice(requests)).toMatchObject([
      { query: expect.stringContaining('updatedAt__gte'), status: 200 },
    ]);
  });

  it('reads the changes of a broken poll again', async () => {
    const { source, fleet, ids, lanes, poll } = await synced();
    fleet.infect(ids[0]);
    source.tenant.faults.script({ kind: 'invalid-json' });
    await expect(lanes.changes.read(signal)).rejects.toThrow('not valid JSON');
    expect(await poll()).toMatchObject([{ agentId: ids[0] }]);
  });
});

describe('a record that cannot be used', () => {
  it('is left out, and holds nobody else back', async () => {
    const { fleet, ids, source, poll } = await synced();
    fleet.distort(ids[0], { id: null });
    fleet.infect(ids[1]);
    expect(await poll()).toMatchObject([{ agentId: ids[1] }]);
    expect(source.log.join()).toContain('an agent record cannot be read');
  });

  it('as it is larger than an event may be is told without its attributes, so that nothing old stays in force', async () => {
    const { fleet, ids, source, observer, poll, sweep } = await synced();
    const texts = Array.from({ length: 256 }, (_, index) => `${index}`.padEnd(1_000, '€'));
    fleet.distort(ids[0], {
      tags: { sentinelone: texts.map((key) => ({ key })) },
      locations: texts.map((name) => ({ name })),
    });
    fleet.infect(ids[1]);
    const published = await poll();
    expect(published.find(({ agentId }) => agentId === ids[1])?.attributes).not.toEqual({});
    const oversized = published.find(({ agentId }) => agentId === ids[0]);
    expect(oversized).toMatchObject({ presence: 'present', attributes: {} });
    expect(oversized?.hardware).toHaveProperty('serialNumber', fleet.get(ids[0]).serialNumber);
    expect(source.log.join()).toContain('does not fit into an event');
    expect(observer.problems[0]?.message).toContain(`1 agent records are too large for an event (${ids[0]})`);
    // It is told once, and the source says so as long as it is so.
    expect(await sweep()).toEqual([]);
    expect(observer.problems).toHaveLength(1);
    fleet.distort(ids[0], {});
    expect((await poll()).map(({ agentId }) => agentId)).toEqual([ids[0]]);
    expect(observer.problems).toEqual([]);
  });

  it('as its clock is years ahead holds back neither what other agents report nor its own next word', async () => {
    const { fleet, ids, poll } = await synced();
    fleet.distort(ids[0], { updatedAt: '2099-01-01T00:00:00.000000Z', lastActiveDate: '2099-01-01T00:00:00.000000Z' });
    await poll();
    fleet.infect(ids[1]);
    expect(await poll()).toMatchObject([{ agentId: ids[1] }]);
    fleet.distort(ids[0], {});
    fleet.infect(ids[0]);
    expect(await poll()).toMatchObject([{ agentId: ids[0], attributes: { 'sentinelOne:infected': true } }]);
  });
});
