import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { STREAMS } from '@stance/contracts';
import { applyTopology } from '@stance/jetstream';
import { waitFor } from '@stance/testing';
import { startPollingWorld, type PollingWorld } from '../fixtures/polling-world.js';
import { syncedSource } from '../fixtures/synced-source.js';
import { AgentsDoubled } from '../agent-observer.errors.js';
import { SweepIncomplete, SweepRefused } from '../sweep.errors.js';

let world: PollingWorld;
beforeAll(async () => {
  world = await startPollingWorld();
});
afterAll(() => world.close());

const { signal } = new AbortController();
const synced = (...options: Parameters<typeof syncedSource> extends [unknown, ...infer Rest] ? Rest : never) =>
  syncedSource(world, ...options);

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
    const { source, fleet, ids, lanes, sweep } = await synced(1_500);
    fleet.remove(ids[0]);
    source.tenant.faults.script({ kind: 'invalid-json', after: 1 });
    expect(await source.publishedBy(() => expect(lanes.sweep.read(signal)).rejects.toThrow('not valid JSON'))).toEqual(
      [],
    );
    expect(await sweep()).toMatchObject([{ agentId: ids[0], presence: 'gone' }]);
  });

  it.each([
    // The later of the two pages is lost, or the way to it.
    { kind: 'empty-page', after: 1 },
    { kind: 'empty-page', after: 1, keepsCursor: true },
    { kind: 'missing-pagination' },
    { kind: 'html', after: 1 },
  ] as const)('because of an answer like %j, however many one sweep may retire', async (fault) => {
    const { source, lanes } = await synced(1_500, { retirementLimit: 1 });
    source.tenant.faults.script(fault);
    expect(await source.publishedBy(() => lanes.sweep.read(signal).catch(() => undefined))).toEqual([]);
  });

  it('because a page was lost, and the sweep is believed all the same', async () => {
    const { source, lanes } = await synced(1_500);
    source.tenant.faults.script({ kind: 'empty-page', keepsCursor: true });
    expect(await source.publishedBy(() => expect(lanes.sweep.read(signal)).resolves.toBe(true))).toEqual([]);
  });

  it('when another answer has shown it since it was asked for', async () => {
    const { source, ids, observer, agents } = await synced();
    const { answeredAt = 0 } = agents.get({ source: source.name, agentId: ids[0] }) ?? {};
    const retire = (askedAt: number) => () =>
      observer.retire(ids[0], { askedAt, answeredAt: answeredAt + 1 }, source.time.now);
    expect(await source.publishedBy(retire(answeredAt - 1))).toEqual([]);
    expect(await source.publishedBy(retire(answeredAt))).toMatchObject([{ agentId: ids[0], presence: 'gone' }]);
  });

  it('but who is not shown when asked for by id, and what the others have to tell is told', async () => {
    const { source, fleet, ids, sweep } = await synced(1_500, { retirementLimit: 1 });
    const lost = ids.toSorted((a, b) => Number(BigInt(a) - BigInt(b))).slice(1_000);
    const [gone = '', changed = ''] = lost;
    fleet.remove(gone);
    fleet.infect(changed, { silent: true });
    source.tenant.faults.script({ kind: 'empty-page', after: 1 });
    const before = source.tenant.requests().length;
    const published = await sweep();
    expect(published).toHaveLength(2);
    expect(published).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ agentId: changed, presence: 'present' }),
        expect.objectContaining({ agentId: gone, presence: 'gone' }),
      ]),
    );
    // Two pages, and 500 agents by their ids, a hundred at a time.
    expect(source.tenant.requests().slice(before)).toHaveLength(7);
  });

  it('while a record that is shown for an id is unreadable', async () => {
    const { source, fleet, ids, lanes } = await synced();
    fleet.remove(ids[0]);
    fleet.distort(ids[1], { id: null }, { silent: true });
    source.tenant.faults.script({ kind: 'empty-page' });
    const incomplete = () => expect(lanes.sweep.read(signal)).rejects.toThrow(SweepIncomplete);
    expect(await source.publishedBy(incomplete)).toEqual([]);
  });

  it('while records of the sweep are unreadable', async () => {
    const { source, fleet, ids, lanes } = await synced();
    fleet.remove(ids[0]);
    fleet.distort(ids[1], { id: null });
    await source
      .publishedBy(() => expect(lanes.sweep.read(signal)).rejects.toThrow(SweepIncomplete))
      .then((published) => expect(published).toEqual([]));
    fleet.distort(ids[1], {});
    const published = await source.publishedBy(() => lanes.sweep.read(signal));
    expect(published).toMatchObject([{ agentId: ids[0], presence: 'gone' }]);
  });

  it('when more are missing than one sweep may retire', async () => {
    const { source, fleet, ids, lanes, sweep } = await synced(40);
    for (const id of ids.slice(0, 5)) fleet.remove(id);
    const refused = () => expect(lanes.sweep.read(signal)).rejects.toThrow(SweepRefused);
    expect(await source.publishedBy(refused)).toEqual([]);
    await expect(lanes.sweep.read(signal)).rejects.toThrow(
      'the console shows 5 of 40 agents no more, and one sweep may retire 4: nobody is retired',
    );
    expect(lanes.sweep.dueInMs()).toBeGreaterThan(0);
    fleet.add({ id: ids[0] });
    expect((await sweep()).filter(({ presence }) => presence === 'gone')).toHaveLength(4);
  });

  it('when the sweep was stopped', async () => {
    const { source, lanes } = await synced(1_500);
    const stopping = new AbortController();
    source.tenant.faults.script({ kind: 'hang', after: 1 });
    const sweep = lanes.sweep.read(stopping.signal);
    await waitFor(() => source.tenant.faults.pending().length === 0, { what: 'the second page to be asked for' });
    stopping.abort(new Error('the poller stops'));
    expect(await source.publishedBy(() => expect(sweep).rejects.toThrow('the poller stops'))).toEqual([]);
  });
});

describe('a sweep', () => {
  it('is due at once when the agents that earlier ones showed are no longer stored', async () => {
    const { source } = await synced();
    await world.manager.streams.delete(STREAMS.AGENTS.name);
    await applyTopology(world.connection);
    const { lanes, begin } = await source.startPoller();
    await begin(signal);
    expect(lanes.sweep.dueInMs()).toBe(0);
    expect(await source.publishedBy(() => lanes.sweep.read(signal))).toHaveLength(5);
  });

  it('delays no change: a poll overtakes it between its pages', async () => {
    const { source, fleet, ids, lanes, poll } = await synced(1_500);
    const page = source.holdAnswer();
    const sweep = lanes.sweep.read(signal);
    await page.given;
    fleet.infect(ids[0]);
    expect(await poll()).toMatchObject([{ agentId: ids[0] }]);
    page.release();
    await sweep;
  });
});

describe('several records of one agent id', () => {
  const doubled = async () => {
    const all = await synced();
    all.fleet.malform('duplicate-id', { ids: [all.ids[0]] });
    const [told] = await all.sweep();
    return { ...all, id: all.ids[0], told };
  };

  it('are told as what they have in common, and once', async () => {
    const { id, told, sweep, poll, observer } = await doubled();
    expect(told).toMatchObject({ agentId: id, presence: 'present', attributes: { 'sentinelOne:infected': false } });
    expect(told?.hardware).not.toHaveProperty('uuid');
    expect([...(await sweep()), ...(await poll()), ...(await sweep())]).toEqual([]);
    expect(observer.problems).toEqual([expect.any(AgentsDoubled)]);
  });

  it('hide no infection of one of them: what they differ in is unknown, whoever of them changed last', async () => {
    const { source, fleet, id, ids, poll, readThreats, sweep } = await doubled();
    source.time.now += 10_000;
    fleet.update(ids[1], {});
    await poll();
    source.time.now += 10_000;
    fleet.infect(id);
    // The listing of changes shows the changed one alone.
    expect(await poll()).toEqual([]);
    const [told] = await readThreats();
    expect(told).toMatchObject({ agentId: id, presence: 'present' });
    expect(told?.attributes).not.toHaveProperty('sentinelOne:infected');
    expect([...(await readThreats()), ...(await sweep())]).toEqual([]);
  });

  it('are told whole again once there is one only', async () => {
    const { fleet, id, sweep, observer } = await doubled();
    fleet.setRight(id);
    expect(await sweep()).toMatchObject([{ agentId: id, hardware: { uuid: expect.any(String) } }]);
    expect(observer.problems).toEqual([]);
  });
});
