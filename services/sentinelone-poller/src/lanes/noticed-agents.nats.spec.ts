import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { StoredMeanwhile } from '../agent-observer.errors.js';
import { startPollingWorld, type PollingWorld, type Source } from '../fixtures/polling-world.js';
import { syncedSource } from '../fixtures/synced-source.js';

let world: PollingWorld;
beforeAll(async () => {
  world = await startPollingWorld();
});
afterAll(() => world.close());

const { signal } = new AbortController();
const agentRequests = ({ tenant }: Source) =>
  tenant.requests().filter(({ path, query }) => path === '/agents' && new URLSearchParams(query).has('ids'));

describe('a threat', () => {
  it('shows the infection at once, whatever the listing of changed agents says', async () => {
    const { fleet, ids, poll, readThreats } = await syncedSource(world);
    fleet.infect(ids[0], { silent: true });
    expect(await poll()).toEqual([]);
    expect(await readThreats()).toMatchObject([
      { agentId: ids[0], presence: 'present', attributes: { 'sentinelOne:infected': true } },
    ]);
  });

  it('that is resolved shows the recovery', async () => {
    const { fleet, ids, readThreats } = await syncedSource(world);
    fleet.infect(ids[0], { silent: true });
    await readThreats();
    fleet.clean(ids[0], { silent: true });
    expect(await readThreats()).toMatchObject([{ agentId: ids[0], attributes: { 'sentinelOne:infected': false } }]);
  });

  it('makes just its agent be read anew, twice, and then no more', async () => {
    const { source, fleet, ids, readThreats } = await syncedSource(world);
    fleet.infect(ids[0], { silent: true });
    expect(await readThreats()).toHaveLength(1);
    for (let again = 0; again < 4; again += 1) expect(await readThreats()).toEqual([]);
    const queries = agentRequests(source).map(({ query }) => new URLSearchParams(query));
    expect(queries.map((query) => query.get('ids'))).toEqual([ids[0], ids[0]]);
    expect(queries[0]?.get('isUninstalled')).toBe('True,False');
  });

  it('that is listed before its agent is marked is not missed', async () => {
    const { fleet, ids, readThreats } = await syncedSource(world);
    fleet.infect(ids[0], { silent: true });
    fleet.update(ids[0], { infected: false, activeThreats: 0 }, { silent: true });
    expect(await readThreats()).toEqual([]);
    fleet.update(ids[0], { infected: true, activeThreats: 1 }, { silent: true });
    expect(await readThreats()).toMatchObject([{ agentId: ids[0], attributes: { 'sentinelOne:infected': true } }]);
  });

  it('among very many keeps the addresses short', async () => {
    const { source, fleet, ids, readThreats } = await syncedSource(world, 250);
    for (const id of ids) fleet.infect(id, { silent: true });
    expect(await readThreats()).toHaveLength(250);
    const queries = agentRequests(source).map(({ query }) => query);
    expect(queries).toHaveLength(3);
    expect(Math.max(...queries.map((query) => query.length))).toBeLessThan(3_000);
  });

  it('is found by the poller that comes next, when this one ended between publishing and its checkpoint', async () => {
    const { source, fleet, ids, lanes, position } = await syncedSource(world);
    fleet.infect(ids[0], { silent: true });
    const before = position.current.threatsReadTo;
    expect(await source.publishedBy(() => lanes.threats.read(signal))).toHaveLength(1);
    position.move = () => Promise.reject(new Error('killed'));
    await expect(lanes.threats.read(signal)).rejects.toThrow('killed');
    const next = await source.startPoller();
    await next.begin(signal);
    expect(next.position.current.threatsReadTo).toBe(before);
    fleet.infect(ids[1], { silent: true });
    // Read again, and told once.
    expect(await source.publishedBy(() => next.lanes.threats.read(signal))).toMatchObject([{ agentId: ids[1] }]);
  });

  it('that is listed before its agent is marked is not missed by the poller that comes next either', async () => {
    const { source, fleet, ids, readThreats, position } = await syncedSource(world);
    fleet.infect(ids[0], { silent: true });
    fleet.update(ids[0], { infected: false, activeThreats: 0 }, { silent: true });
    // Of the threats of a minute, long before the last one.
    source.time.now += 60_000;
    fleet.infect(ids[1], { silent: true });
    expect(await readThreats()).toMatchObject([{ agentId: ids[1] }]);
    await position.move({});
    fleet.update(ids[0], { infected: true, activeThreats: 1 }, { silent: true });
    const next = await source.startPoller();
    await next.begin(signal);
    expect(await source.publishedBy(() => next.lanes.threats.read(signal))).toMatchObject([{ agentId: ids[0] }]);
  });

  it('shows the infection though the rest of the listing cannot be read', async () => {
    const { source, fleet, ids, lanes, readThreats } = await syncedSource(world, 1_001);
    for (const id of ids) fleet.infect(id, { silent: true });
    source.tenant.faults.script({ kind: 'invalid-json', path: '/threats', after: 1 });
    const broken = () => expect(lanes.threats.read(signal)).rejects.toThrow('not valid JSON');
    expect(await source.publishedBy(broken)).toHaveLength(1_000);
    expect(await readThreats()).toHaveLength(1);
  });

  it('of an agent that the console does not show changes nothing: who is gone is the word of a sweep', async () => {
    const { source, fleet, ids, readThreats, agents } = await syncedSource(world);
    source.tenant.faults.script({ kind: 'empty-page', path: '/agents' });
    fleet.infect(ids[0], { silent: true });
    expect(await readThreats()).toEqual([]);
    expect(agents.get({ source: source.name, agentId: ids[0] })?.isPresent).toBe(true);
  });
});

describe('a removal', () => {
  it('shows at once, whatever the listing of changed agents says', async () => {
    const { fleet, ids, poll, readRemovals } = await syncedSource(world);
    fleet.uninstall(ids[0], { silent: true });
    expect(await poll()).toEqual([]);
    expect(await readRemovals()).toMatchObject([{ agentId: ids[0], presence: 'gone', goneReason: 'uninstalled' }]);
    expect(await readRemovals()).toEqual([]);
  });

  it('is the only activity that makes an agent be read anew', async () => {
    const { source, fleet, ids, readRemovals } = await syncedSource(world);
    fleet.isolate(ids[0]);
    fleet.infect(ids[1]);
    expect(await readRemovals()).toEqual([]);
    expect(agentRequests(source)).toEqual([]);
  });
});

describe('two pollers that both believe to be active', () => {
  const together = async () => {
    const first = await syncedSource(world);
    const second = await first.source.startPoller();
    await second.begin(signal);
    const [id] = first.ids;
    first.fleet.infect(id, { silent: true });
    /** Somebody else logs in, which the console may keep from telling. */
    const changes = (silent: boolean) => first.fleet.distort(id, { lastLoggedInUserName: 'sam' }, { silent });
    return { ...first, id, changes, readBySecond: () => second.lanes.threats.read(signal) };
  };

  it.each([true, false])(
    'the one that was outlived undoes nothing that the other stored, silent: %s',
    async (silent) => {
      const { source, lanes, id, changes, readBySecond } = await together();
      const answer = source.holdAnswer();
      const late = lanes.threats.read(signal);
      await answer.given;
      source.time.now += 1_000;
      changes(silent);
      expect(await source.publishedBy(readBySecond)).toMatchObject([{ agentId: id, user: 'sam' }]);
      const arriving = () => {
        answer.release();
        return expect(late).rejects.toThrow(StoredMeanwhile);
      };
      expect(await source.publishedBy(arriving)).toEqual([]);
    },
  );

  it('the one that meets what the other stored reads again, and what is so by then stands in the end', async () => {
    const { source, id, changes, readThreats, readBySecond } = await together();
    expect(await readThreats()).toMatchObject([{ agentId: id, attributes: { 'sentinelOne:infected': true } }]);
    changes(true);
    expect(await source.publishedBy(() => expect(readBySecond()).rejects.toThrow(StoredMeanwhile))).toEqual([]);
    expect(await source.publishedBy(readBySecond)).toMatchObject([{ agentId: id, user: 'sam' }]);
  });
});
