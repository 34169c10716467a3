import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  AgentMatched,
  DeadLettered,
  decodeEvent,
  DeviceRecorded,
  GetPosture,
  ListPostures,
  PostureChanged,
  STREAMS,
  subjectOf,
} from '@stance/contracts';
import { ask } from '@stance/jetstream';
import { waitFor, PATIENCE_MS } from '@stance/testing';
import type { Posture } from './posture.js';
import { World } from './spec/world.js';

let world: World;
beforeAll(async () => {
  world = await World.start();
});
afterAll(() => world.close());
beforeEach(async () => {
  await world.reset();
  await world.startStore();
});

/** Waits until the store has done everything; then the device's posture says this. */
async function expectPosture(deviceId: string, expected: Partial<Posture>): Promise<Posture> {
  await world.settled();
  return waitFor(
    () => {
      const posture = world.postureOf(deviceId);
      expect(posture).toMatchObject(expected);
      return posture;
    },
    { what: `the posture of ${deviceId}` },
  );
}

const valuesOf = (posture: Posture | undefined) =>
  Object.fromEntries(Object.entries(posture?.attributes ?? {}).map(([name, { value }]) => [name, value]));
const agentsOf = (posture: Posture | undefined) => posture?.agents.map(({ agentId }) => agentId);

const quarantined = (...candidates: string[]) =>
  ({ state: 'quarantined', candidates, problem: 'duplicate-agent-serial' }) as const;

describe('a posture', () => {
  it('is one record per device, with what its agent reports and what the inventory says', async () => {
    await world.record('d1', { owner: 'kim@example.com', groups: ['finance'] });
    await expectPosture('d1', { agents: [], problems: ['no-agent'] });
    await world.match('a1', 'd1');
    await expectPosture('d1', {
      device: { state: 'enrolled', owner: 'kim@example.com', groups: ['finance'], tags: [] },
      attributes: { 'sentinelOne:infected': { value: false, agent: 0 } },
      changed: ['problems', 'sentinelOne:infected'],
      problems: [],
    });
    expect(agentsOf(world.postureOf('d1'))).toEqual(['a1']);
  });

  it('rises by one revision with every change, and names what changed', async () => {
    const startedAt = Date.now();
    await world.record('d1');
    await world.settled();
    await world.match('a1', 'd1', { attributes: { 'sentinelOne:infected': false, 'sentinelOne:isActive': true } });
    await world.settled();
    await world.match('a1', 'd1', { attributes: { 'sentinelOne:infected': true, 'sentinelOne:isActive': true } });
    await world.settled();
    await world.record('d1', { tags: ['kiosk'] });
    await world.settled();
    const [first, ...others] = world.written;
    expect(first?.revision).toBeGreaterThanOrEqual(startedAt * 1_000);
    expect(others.map(({ revision }) => revision - (first?.revision ?? 0))).toEqual([1, 2, 3]);
    expect(others.map(({ changed }) => changed).slice(1)).toEqual([['sentinelOne:infected'], ['device:tags']]);
  });

  it('changes hands with its device: nothing of the owner before is left', async () => {
    await world.record('d1', { owner: 'kim@example.com', groups: ['finance'], tags: ['lent'], network: 'office' });
    await world.match('a1', 'd1');
    await expectPosture('d1', {
      device: { state: 'enrolled', owner: 'kim@example.com', groups: ['finance'], tags: ['lent'], network: 'office' },
    });
    await world.record('d1', { owner: 'sam@example.com' });
    const posture = await expectPosture('d1', {
      changed: ['device:groups', 'device:network', 'device:owner', 'device:tags'],
    });
    expect(posture.device).toEqual({ state: 'enrolled', owner: 'sam@example.com', groups: [], tags: [] });
    expect(agentsOf(posture)).toEqual(['a1']);
  });

  it('carries the cause of the observation on', async () => {
    await world.record('d1');
    await world.settled();
    await world.match('a1', 'd1');
    await world.settled();
    const subject = subjectOf(PostureChanged, { deviceId: 'd1' });
    const last = await world.manager.streams.getMessage(STREAMS.POSTURE.name, { last_by_subj: subject });
    const event = decodeEvent(PostureChanged, last?.data ?? new Uint8Array(), subject);
    expect(event).toMatchObject({ source: '/stance/posture-store', txn: expect.stringMatching(/^txn-/) });
  });

  it('is written for fresher times alone, with nothing named', async () => {
    await world.record('d1');
    await world.match('a1', 'd1', { lastSeenAt: '2026-11-21T08:00:00Z' });
    await world.settled();
    const before = world.written.length;
    await world.match('a1', 'd1', { lastSeenAt: '2026-11-21T09:00:00Z' });
    await expectPosture('d1', { changed: [] });
    expect(world.written).toHaveLength(before + 1);
    expect(world.postureOf('d1')?.agents).toMatchObject([{ lastSeenAt: '2026-11-21T09:00:00Z' }]);
  });

  it('is not written when nothing differs', async () => {
    const observedAt = '2026-11-21T08:00:00.000Z';
    await world.record('d1', { groups: ['a', 'b'] });
    await world.match('a1', 'd1', { observedAt });
    await world.settled();
    const before = world.written.length;
    await world.record('d1', { groups: ['b', 'a'] });
    await world.match('a1', 'd1', { observedAt });
    await world.match('nobody’s', null);
    await world.settled();
    expect(world.written).toHaveLength(before);
  });

  it('comes to the same whichever is first, the agent or the inventory', async () => {
    await world.match('a1', 'd1');
    await expectPosture('d1', { device: { state: 'unknown', groups: [], tags: [] }, problems: ['not-enrolled'] });
    expect(world.postureOf('d1')?.attributes).toEqual({});
    await world.record('d1');
    await expectPosture('d1', { problems: [], attributes: { 'sentinelOne:infected': { value: false, agent: 0 } } });
  });
});

describe('an agent', () => {
  it('that moves takes everything along: the old device keeps nothing of it', async () => {
    await world.record('d1');
    await world.record('d2');
    await world.match('a1', 'd1');
    await expectPosture('d1', { problems: [] });
    await world.match('a1', 'd2');
    await expectPosture('d1', { agents: [], attributes: {}, problems: ['no-agent'] });
    await expectPosture('d2', { problems: [] });
    expect(agentsOf(world.postureOf('d2'))).toEqual(['a1']);
  });

  it('that moves while the store is away leaves nothing behind either', async () => {
    await world.record('d1');
    await world.record('d2');
    await world.match('a1', 'd1');
    await world.settled();
    await world.stopStore();
    await world.match('a1', 'd2');
    await world.startStore();
    await expectPosture('d1', { agents: [], attributes: {}, problems: ['no-agent'] });
    await expectPosture('d2', { problems: [] });
  });

  it('that moves leaves nothing behind, even if the stream no longer tells of the move', async () => {
    await world.record('d1');
    await world.record('d2');
    await world.match('a1', 'd1');
    await world.settled();
    await world.stopStore();
    // More than the stream keeps of one agent.
    for (let turn = 0; turn <= STREAMS.MATCHES.keepPerSubject; turn += 1) await world.match('a1', 'd2');
    await world.startStore();
    await waitFor(() => world.postureOf('d1')?.agents.length === 0, { what: 'the old device to lose its agent' });
    await expectPosture('d1', { agents: [], attributes: {}, problems: ['no-agent'] });
    await expectPosture('d2', { problems: [] });
  });

  it.each([
    ['neither is', [DeviceRecorded, AgentMatched]],
    ['its agent is not', [AgentMatched]],
  ])('is what it should be after the next start, if %s delivered any more', async (_what, lost) => {
    await world.stopStore();
    await world.record('d1');
    await world.match('a1', 'd1');
    for (const contract of lost) await world.settleUnhandled(contract);
    await world.startStore();
    await expectPosture('d1', { problems: [] });
    expect(agentsOf(world.postureOf('d1'))).toEqual(['a1']);
  });

  it('that is gone leaves no agent', async () => {
    await world.record('d1');
    await world.match('a1', 'd1');
    await world.settled();
    await world.match('a1', 'd1', { presence: 'gone' });
    await expectPosture('d1', { agents: [], attributes: {}, problems: ['no-agent'] });
  });

  it('of which it is not certain whose it is adds nothing, until it is', async () => {
    await world.record('d1');
    await world.match('a1', 'd1');
    await world.settled();
    await world.match('a1', null, quarantined('d1', 'd2'));
    await expectPosture('d1', { agents: [], attributes: {}, problems: ['quarantined', 'duplicate-serial'] });
    await expectPosture('d2', { problems: ['not-enrolled'] });
    await world.match('a1', 'd1');
    await expectPosture('d1', { problems: [], attributes: { 'sentinelOne:infected': { value: false, agent: 0 } } });
  });

  it('that was uncertain leaves the device that it does not belong to, across a restart as well', async () => {
    await world.record('d1');
    await world.record('d2');
    await world.match('a1', null, quarantined('d1', 'd2'));
    await expectPosture('d2', { problems: ['quarantined', 'duplicate-serial'] });
    await world.match('a1', 'd1');
    await expectPosture('d2', { problems: ['no-agent'] });

    await world.match('a1', null, quarantined('d1', 'd2'));
    await expectPosture('d2', { problems: ['quarantined', 'duplicate-serial'] });
    await world.stopStore();
    await world.match('a1', 'd1');
    await world.startStore();
    await waitFor(() => world.postureOf('d2')?.problems.includes('no-agent'), { what: 'd2 to be certain again' });
  });
});

describe('several agents of one device', () => {
  beforeEach(async () => {
    await world.record('d1');
    await world.match('a1', 'd1', { attributes: { shared: true, own: 1, differs: 'x' } });
    await world.match('a2', 'd1', { source: 'other', attributes: { shared: true, differs: 'y' } });
  });

  it('are merged; what they disagree on is left out', async () => {
    const posture = await expectPosture('d1', { problems: ['conflict'] });
    expect(posture.agents.map(({ source, agentId }) => [source, agentId])).toEqual([
      ['console', 'a1'],
      ['other', 'a2'],
    ]);
    expect(valuesOf(posture)).toEqual({ shared: true, own: 1 });
  });

  it('agree again', async () => {
    await expectPosture('d1', { problems: ['conflict'] });
    await world.match('a2', 'd1', { source: 'other', attributes: { shared: true, differs: 'x' } });
    const posture = await expectPosture('d1', { problems: [] });
    expect(valuesOf(posture)).toEqual({ shared: true, own: 1, differs: 'x' });
    expect(posture.changed).toEqual(['differs', 'problems']);
  });

  it('never lose a change, however many come at the same time', async () => {
    const changes = Array.from({ length: 60 }, (_, turn) => [
      world.match('a1', 'd1', { attributes: { one: turn } }),
      world.match('a2', 'd1', { source: 'other', attributes: { two: turn } }),
      world.record('d1', { tags: [`t${turn}`] }),
    ]);
    await Promise.all(changes.flat());
    const posture = await expectPosture('d1', { problems: [] });
    expect(valuesOf(posture)).toEqual({ one: 59, two: 59 });
    expect(posture.device.tags).toEqual(['t59']);
    const revisions = world.written.map(({ revision }) => revision);
    expect(revisions).toEqual(revisions.map((_, index) => (revisions[0] ?? 0) + index));
  });
});

describe('a retired device', () => {
  beforeEach(async () => {
    await world.record('d1', { owner: 'kim@example.com' });
    await world.match('a1', 'd1');
    await world.settled();
    await world.record('d1', { state: 'retired' });
  });

  it('keeps nothing, and its subject one message that ends by itself', async () => {
    await expectPosture('d1', { device: { state: 'retired', groups: [], tags: [] }, agents: [], attributes: {} });
    expect(await world.keptOf('d1')).toBe(1);
    const last_by_subj = subjectOf(PostureChanged, { deviceId: 'd1' });
    const message = await world.manager.streams.getMessage(STREAMS.POSTURE.name, { last_by_subj });
    expect(message?.header.get('Nats-TTL')).toBe('720h');
  });

  it('takes nothing from its agent any more', async () => {
    await world.settled();
    const before = world.written.length;
    await world.match('a1', 'd1', { attributes: { 'sentinelOne:infected': true } });
    await world.settled();
    expect(world.written).toHaveLength(before);
  });

  it('enrolled anew goes on above the old revision', async () => {
    const { revision } = await expectPosture('d1', {});
    await world.record('d1');
    const anew = await expectPosture('d1', { device: { state: 'enrolled', groups: [], tags: [] } });
    expect(anew.revision).toBe(revision + 1);
  });

  it('enrolled anew is above the old revision even if that was forgotten', async () => {
    const { revision } = await expectPosture('d1', {});
    // As when the retirement's time is over.
    await world.manager.streams.purge(STREAMS.POSTURE.name, { filter: subjectOf(PostureChanged, { deviceId: 'd1' }) });
    await world.record('d1');
    const anew = await expectPosture('d1', { problems: [] });
    expect(anew.revision).toBeGreaterThan(revision);
    expect(anew.changed).toContain('device:state');
  });
});

describe('a restart', () => {
  it('writes nothing new, and goes on', async () => {
    await world.record('d1');
    await world.match('a1', 'd1');
    await world.match('a2', null, quarantined('d1'));
    await world.settled();
    const { revision } = world.postureOf('d1') as Posture;
    const before = world.written.length;
    await world.stopStore();
    await world.startStore();
    await world.settled();
    expect(world.written).toHaveLength(before);
    await world.match('a2', null);
    await expectPosture('d1', { revision: revision + 1, problems: [] });
  });

  it('writes nothing new when everything is delivered again', async () => {
    await world.record('d1');
    await world.match('a1', 'd1', { attributes: { n: 1 } });
    await world.match('a1', 'd1', { attributes: { n: 2 } });
    await world.settled();
    const before = world.written.length;
    await world.stopStore();
    await world.manager.consumers.delete(STREAMS.MATCHES.name, 'posture-store_agent-matched');
    await world.manager.consumers.delete(STREAMS.DEVICES.name, 'posture-store_device-recorded');
    await world.startStore();
    await world.settled();
    expect(world.written).toHaveLength(before);
  });
});

describe('bad input', () => {
  const deaths = async () => (await world.manager.streams.info(STREAMS.DEAD.name)).state.messages;

  it.each(['stance.agent.matched.v1.console.a1', 'stance.device.recorded.v1.d1'])(
    'on %s is dead-lettered and stops nothing',
    async (subject) => {
      await world.connection.request(subject, '{"specversion":"1.0"}', { timeout: PATIENCE_MS });
      await waitFor(async () => (await deaths()) === 1, { what: 'a dead letter' });
      const message = await world.manager.streams.getMessage(STREAMS.DEAD.name, { seq: 1 });
      const letter = decodeEvent(DeadLettered, message?.data ?? new Uint8Array(), message?.subject ?? '');
      expect(letter.data).toMatchObject({
        service: 'posture-store',
        originalSubject: subject,
        reason: { code: 'malformed' },
      });
      await world.record('d1');
      await world.match('a1', 'd1');
      await expectPosture('d1', { problems: [] });
    },
  );

  it('in place of one agent’s register holds up no other agent of the device', async () => {
    await world.record('d1');
    await world.match('a1', 'd1', { attributes: { one: 1 } });
    await world.match('a2', 'd1', { attributes: { two: 1 } });
    await world.settled();
    await world.connection.request(subjectOf(AgentMatched, { source: 'console', agentId: 'a1' }), '{', {
      timeout: PATIENCE_MS,
    });
    await world.match('a2', 'd1', { attributes: { two: 2 } });
    expect(valuesOf(await expectPosture('d1', {}))).toEqual({ two: 2 });
    expect(await deaths()).toBe(1);
  });
});

describe('requests', () => {
  it('get one posture', async () => {
    await world.record('d1', { groups: ['it'] });
    await world.match('a1', 'd1');
    await world.settled();
    const { revision } = world.postureOf('d1') as Posture;
    await expect(ask(world.connection, GetPosture, { deviceId: 'd1' })).resolves.toMatchObject({
      deviceId: 'd1',
      revision,
      device: { groups: ['it'] },
      attributes: { 'sentinelOne:infected': { value: false, agent: 0 } },
    });
  });

  it('say that a device is not known', async () => {
    await expect(ask(world.connection, GetPosture, { deviceId: 'nobody' })).rejects.toMatchObject({
      code: 'not-found',
      message: expect.stringContaining('nobody'),
    });
  });

  it('list postures in order of their ids, a page at a time', async () => {
    for (const id of ['d3', 'd1', 'd2']) await world.record(id);
    await world.settled();
    const first = await ask(world.connection, ListPostures, { limit: 2 });
    expect([first.postures.map(({ deviceId }) => deviceId), first.next]).toEqual([['d1', 'd2'], 'd2']);
    const second = await ask(world.connection, ListPostures, { limit: 2, after: 'd2' });
    expect([second.postures.map(({ deviceId }) => deviceId), second.next]).toEqual([['d3'], null]);
  });
});
