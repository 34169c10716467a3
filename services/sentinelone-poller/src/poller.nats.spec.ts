import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { AgentPatch } from '@stance/simulators';
import { HOUR, startPollingWorld, type PollingWorld, type Source } from './fixtures/polling-world.js';
import { SweepIncomplete, SweepNotBelieved } from './poller.js';

let world: PollingWorld;
beforeAll(async () => {
  world = await startPollingWorld();
});
afterAll(() => world.close());

const { signal } = new AbortController();

/** A source whose agents are all published, and its poller. */
async function synced(
  fleet?: Parameters<PollingWorld['source']>[0],
  options: Parameters<Source['startPoller']>[0] = {},
) {
  const source = await world.source(fleet);
  const started = await source.startPoller(options);
  await started.poller.resume(signal);
  await started.poller.sweep(signal);
  await started.poller.poll(signal);
  source.time.now += 10_000;
  const [first, second, ...others] = source.tenant.fleet.list().map(({ id }) => id);
  if (first === undefined || second === undefined) throw new Error('the fleet is too small');
  return {
    source,
    ...started,
    fleet: source.tenant.fleet,
    ids: [first, second, ...others] as const,
    poll: () => source.publishedBy(() => started.poller.poll(signal)),
    sweep: () => source.publishedBy(() => started.poller.sweep(signal)),
  };
}

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
    const { poller } = await source.startPoller();
    await poller.resume(signal);
    await poller.sweep(signal);
    await poller.poll(signal);
    const agent = source.tenant.fleet.add();
    expect(await source.publishedBy(() => poller.poll(signal))).toMatchObject([{ agentId: agent.id }]);
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

  it('never lets an answer that was overtaken undo a newer one', async () => {
    const { source, fleet, ids, poller, poll } = await synced();
    // A sweep's page is on its way while a poll reads the change behind it.
    source.tenant.faults.script({ kind: 'slow', delayMs: 300, path: '/agents' });
    const late = poller.sweep(signal);
    fleet.infect(ids[0]);
    expect(await poll()).toMatchObject([{ agentId: ids[0], attributes: { 'sentinelOne:infected': true } }]);
    await late;
    const last = (await source.observations()).findLast(({ data }) => data.agentId === ids[0]);
    expect(last?.data.attributes['sentinelOne:infected']).toBe(true);
  });

  it('goes on after a restart where it stopped, without reading everything again', async () => {
    const { source, fleet, ids } = await synced();
    const requests = source.tenant.requests().length;
    fleet.infect(ids[0]);
    const { poller } = await source.startPoller();
    await poller.resume(signal);
    expect(await source.publishedBy(() => poller.poll(signal))).toMatchObject([{ agentId: ids[0] }]);
    expect(poller.sweepDueIn()).toBeGreaterThan(0);
    expect(source.tenant.requests().slice(requests)).toMatchObject([
      { query: expect.stringContaining('updatedAt__gte'), status: 200 },
    ]);
  });

  it('reads the changes of a broken poll again', async () => {
    const { source, fleet, ids, poller, poll } = await synced();
    fleet.infect(ids[0]);
    source.tenant.faults.script({ kind: 'invalid-json' });
    await expect(poller.poll(signal)).rejects.toThrow('not valid JSON');
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

  it('or is larger than an event may be holds nobody else back either', async () => {
    const { fleet, ids, source, poll, sweep } = await synced();
    const texts = Array.from({ length: 256 }, (_, index) => `${index}`.padEnd(1_000, '€'));
    fleet.distort(ids[0], {
      tags: { sentinelone: texts.map((key) => ({ key })) },
      locations: texts.map((name) => ({ name })),
    });
    fleet.infect(ids[1]);
    expect((await poll()).map(({ agentId }) => agentId)).toEqual([ids[1]]);
    expect((await sweep()).map(({ agentId }) => agentId)).toEqual([]);
    expect(source.log.join().includes('does not fit into an event')).toBe(true);
  });
});

describe('an agent is gone', () => {
  it('when a complete sweep does not show it, and not before', async () => {
    const { fleet, ids, poll, sweep } = await synced();
    fleet.remove(ids[0]);
    expect(await poll()).toEqual([]);
    expect(await sweep()).toMatchObject([
      { agentId: ids[0], presence: 'gone', goneReason: 'not-in-sweep', attributes: {} },
    ]);
    expect(await sweep()).toEqual([]);
  });

  it('as the last word of its subject: nothing older can come back', async () => {
    const { source, fleet, ids, sweep } = await synced();
    fleet.remove(ids[0]);
    await sweep();
    const own = (await source.observations()).filter(({ data }) => data.agentId === ids[0]);
    expect(own.map(({ data }) => data.presence)).toEqual(['gone']);
  });

  it('when it is uninstalled, at the next poll', async () => {
    const { fleet, ids, poll, sweep } = await synced();
    fleet.uninstall(ids[0]);
    expect(await poll()).toMatchObject([{ agentId: ids[0], presence: 'gone', goneReason: 'uninstalled' }]);
    expect([...(await poll()), ...(await sweep())]).toEqual([]);
  });

  it('and back when it is listed again', async () => {
    const { fleet, ids, source, sweep } = await synced();
    const agent = fleet.get(ids[0]);
    fleet.remove(ids[0]);
    await sweep();
    source.time.now += 1_000;
    fleet.add(agent);
    expect(await sweep()).toMatchObject([{ agentId: ids[0], presence: 'present' }]);
  });
});

describe('nobody is taken for gone', () => {
  it('when a page of the sweep failed', async () => {
    const { source, fleet, ids, poller, sweep } = await synced(1_500);
    fleet.remove(ids[0]);
    source.tenant.faults.script({ kind: 'invalid-json', after: 1 });
    expect(await source.publishedBy(() => expect(poller.sweep(signal)).rejects.toThrow('not valid JSON'))).toEqual([]);
    expect(await sweep()).toMatchObject([{ agentId: ids[0], presence: 'gone' }]);
  });

  it.each(['empty-page', 'missing-pagination', 'html'] as const)('because of an answer like %s', async (kind) => {
    const { source, poller } = await synced(1_500);
    // The later of the two pages.
    source.tenant.faults.script({ kind, after: kind === 'missing-pagination' ? 0 : 1 });
    expect(await source.publishedBy(() => poller.sweep(signal).catch(() => undefined))).toEqual([]);
  });

  it('while records of the sweep are unreadable', async () => {
    const { source, fleet, ids, poller } = await synced();
    fleet.remove(ids[0]);
    fleet.distort(ids[1], { id: null });
    await source
      .publishedBy(() => expect(poller.sweep(signal)).rejects.toThrow(SweepIncomplete))
      .then((published) => expect(published).toEqual([]));
    fleet.distort(ids[1], {});
    const published = await source.publishedBy(() => poller.sweep(signal));
    expect(published).toMatchObject([{ agentId: ids[0], presence: 'gone' }]);
  });

  it('when more are missing than one sweep may retire', async () => {
    const { source, fleet, ids, poller, sweep } = await synced(40);
    for (const id of ids.slice(0, 5)) fleet.remove(id);
    const refused = () => expect(poller.sweep(signal)).rejects.toThrow(SweepNotBelieved);
    expect(await source.publishedBy(refused)).toEqual([]);
    await expect(poller.sweep(signal)).rejects.toThrow(
      'the console shows 5 agents less than before, more than the 4 that one sweep may retire',
    );
    expect(poller.sweepDueIn()).toBeGreaterThan(0);
    fleet.add({ id: ids[0] });
    expect((await sweep()).filter(({ presence }) => presence === 'gone')).toHaveLength(4);
  });

  it('when the sweep was stopped', async () => {
    const { source, poller } = await synced(1_500);
    const stopping = new AbortController();
    source.tenant.faults.script({ kind: 'hang', after: 1 });
    const sweep = poller.sweep(stopping.signal);
    stopping.abort(new Error('the poller stops'));
    expect(await source.publishedBy(() => expect(sweep).rejects.toThrow('the poller stops'))).toEqual([]);
  });
});

describe('a sweep', () => {
  it('delays no change: a poll overtakes it between its pages', async () => {
    const { source, fleet, ids, poller, poll } = await synced(1_500);
    source.tenant.faults.script({ kind: 'slow', delayMs: 2_000 });
    let swept = false;
    const sweep = poller.sweep(signal).then(() => (swept = true));
    fleet.infect(ids[0]);
    expect(await poll()).toMatchObject([{ agentId: ids[0] }]);
    expect(swept).toBe(false);
    await sweep;
  });
});
