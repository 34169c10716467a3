import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { AgentObserved, STREAMS, durableOf } from '@stance/contracts';
import { backUp, restore, startFaultProxy, waitFor } from '@stance/testing';
import { connectToNats } from './connection.js';
import { observe, startService, startWorld, untilConsumed, type World } from './spec/world.js';
import type { StreamMark } from './stream-mark.js';
import { StreamWatch, type LookAt } from './stream-watch.js';
import { applyTopology } from './topology.js';

type Look = Awaited<ReturnType<LookAt>>;

const AGENTS = STREAMS.AGENTS.name;
let world: World;
const watches: StreamWatch[] = [];
const troubles: string[] = [];
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());
beforeEach(async () => {
  troubles.length = 0;
  await world.reset();
});
afterEach(() => {
  for (const watch of watches.splice(0)) watch.stop();
});

async function watchAgents(
  { intervalMs = 20, before }: { intervalMs?: number; before?: StreamWatch } = {},
  own = world.connection,
) {
  const watch = new StreamWatch(own, { intervalMs, before, trouble: (message) => troubles.push(message) });
  watches.push(watch);
  await watch.start([AGENTS]);
  return watch;
}

async function makeAnew(): Promise<void> {
  await world.manager.streams.delete(AGENTS);
  await applyTopology(world.connection);
}

/** Long enough that only a trouble brings a look about. */
const NEVER = 3_600_000;

describe('a watch notices', () => {
  it('that a stream was deleted and made anew, also when it holds more than before', async () => {
    await observe(world, 'a');
    const watch = await watchAgents();
    await world.manager.streams.delete(AGENTS);
    await waitFor(() => troubles.length > 0, { what: 'the missing stream to be told' });
    await applyTopology(world.connection);
    for (const agentId of ['a', 'b', 'c']) await observe(world, agentId);
    await expect(watch.changed).resolves.toMatchObject({ stream: AGENTS, what: expect.stringContaining('made anew') });
    expect(troubles).toEqual([`the stream ${AGENTS} was deleted: waiting for it to be made anew`]);
  });

  it('that a stream was restored from a backup, also when it holds as much as before by now', async () => {
    await observe(world, 'a');
    const backup = await backUp(world.connection, AGENTS);
    await observe(world, 'b');
    const watch = await watchAgents({ intervalMs: NEVER });
    await world.manager.streams.delete(AGENTS);
    await restore(world.connection, backup);
    await observe(world, 'c');
    expect((await world.manager.streams.info(AGENTS)).state.last_seq).toBe(2);
    watch.doubt(AGENTS);
    await expect(watch.isSame(AGENTS)).resolves.toBe(false);
    await expect(watch.changed).resolves.toMatchObject({ what: expect.stringContaining('restored') });
  });

  it('what happened between the watch before and itself', async () => {
    await observe(world, 'a');
    const before = await watchAgents({ intervalMs: NEVER });
    before.stop();
    await makeAnew();
    const watch = await watchAgents({ before, intervalMs: NEVER });
    expect(troubles).toEqual([expect.stringMatching(/made anew.* since it was last looked at/)]);
    watch.doubt(AGENTS);
    await expect(watch.isSame(AGENTS)).resolves.toBe(true);
  });

  it('nothing where a stream was only written on, or messages left it', async () => {
    await observe(world, 'a');
    const watch = await watchAgents({ intervalMs: NEVER });
    await observe(world, 'b');
    await world.manager.streams.purge(AGENTS);
    for (let look = 0; look < 3; look += 1) {
      watch.doubt(AGENTS);
      await expect(watch.isSame(AGENTS)).resolves.toBe(true);
      expect(watch.isSame(AGENTS)).toBeUndefined();
    }
  });
});

describe('two looks at the same time, of which one finds another stream', () => {
  const OLD: StreamMark = { created: '2026-11-21T08:00:00Z', lastSequence: 10, lastStoredAt: 1_000 };
  const NEW: StreamMark = { created: '2026-11-21T09:00:00Z', lastSequence: 3, lastStoredAt: 2_000 };
  const ANOTHER = { mark: NEW, what: 'was made anew', at: 2_000 };
  const UNCHANGED = { mark: OLD, what: undefined, at: 1_000 };

  it.each<[string, (look: PromiseWithResolvers<Look>) => void]>([
    ['is not answered', (look) => look.reject(new Error('no leader'))],
    ['was answered before, by the old one', (look) => look.resolve(UNCHANGED)],
  ])('are not undone by the other, which %s', async (_, settle) => {
    const looks: PromiseWithResolvers<Look>[] = [];
    const lookAt: LookAt = (_stream, before) => {
      if (before === undefined) return Promise.resolve(UNCHANGED);
      // A look that knows no more of the old stream finds nothing wrong.
      if (before === NEW) return Promise.resolve({ ...ANOTHER, what: undefined });
      const look = Promise.withResolvers<Look>();
      looks.push(look);
      return look.promise;
    };
    const watch = new StreamWatch(world.connection, {
      intervalMs: 20,
      lookAt,
      trouble: (message) => troubles.push(message),
    });
    watches.push(watch);
    await watch.start([AGENTS]);
    const regular = await waitFor(() => looks[0], { what: 'a regular look' });
    watch.doubt(AGENTS);
    const same = watch.isSame(AGENTS);
    const doubtful = looks.at(-1);
    expect(doubtful).not.toBe(regular);
    regular.resolve(ANOTHER);
    await expect(watch.changed).resolves.toEqual({ stream: AGENTS, what: 'was made anew' });
    if (doubtful !== undefined) settle(doubtful);
    await expect(same).resolves.toBe(false);
    watch.doubt(AGENTS);
    await expect(watch.isSame(AGENTS)).resolves.toBe(false);
    expect(watch.since.getTime()).toBe(Date.parse(NEW.created));
  });
});

describe('a service whose stream is another one', () => {
  it('handles nothing of it: its state was read from the old one', async () => {
    const watch = await watchAgents({ intervalMs: NEVER });
    const handled: string[] = [];
    const service = await startService(world, ({ data }) => void handled.push(data.agentId), { watch });
    await observe(world, 'before');
    await untilConsumed(world);
    await makeAnew();
    await observe(world, 'after');
    await watch.changed;
    await service.close();
    const durable = durableOf('device-matcher', AgentObserved);
    await expect(world.manager.consumers.info(AGENTS, durable)).rejects.toThrow('consumer not found');
    // Whoever rebuilt their state handle it.
    const rebuilt: string[] = [];
    await startService(world, ({ data }) => void rebuilt.push(data.agentId), {
      watch: await watchAgents({ intervalMs: NEVER }),
    });
    await waitFor(() => rebuilt.length > 0, { what: 'the message of the new stream to be handled' });
    expect([handled, rebuilt]).toEqual([['before'], ['after']]);
  });

  it('handles nothing after a disconnection until it is known that the stream is the same', async () => {
    const proxy = await startFaultProxy({ target: world.nats.url });
    const connection = await connectToNats({ url: `nats://127.0.0.1:${proxy.port}`, name: 'cut off' });
    const watch = await watchAgents({ intervalMs: NEVER }, connection);
    const handled: string[] = [];
    const service = await startService(world, ({ data }) => void handled.push(data.agentId), { connection, watch });
    await proxy.refuse();
    await waitFor(() => watch.isSame(AGENTS) !== undefined, { what: 'the doubt' });
    await observe(world, 'the same');
    await proxy.resume();
    await waitFor(() => handled.length === 1, { what: 'the message of the same stream to be handled' });
    await proxy.refuse();
    await waitFor(() => watch.isSame(AGENTS) !== undefined, { what: 'the next doubt' });
    await makeAnew();
    await observe(world, 'another');
    await proxy.resume();
    await watch.changed;
    await service.close();
    expect(handled).toEqual(['the same']);
    await proxy.close();
  });

  it('handles all of its inputs again where another of its streams was made anew', async () => {
    const handled: string[] = [];
    const handle = ({ data }: { data: { agentId: string } }) => void handled.push(data.agentId);
    const first = await startService(world, handle, { watch: await watchAgents() });
    await observe(world, 'a');
    await untilConsumed(world);
    await first.close();
    await startService(world, handle, { watch: await watchAgents() }).then((service) => service.close());
    expect(handled).toEqual(['a']);
    await world.manager.streams.delete(STREAMS.MATCHES.name);
    await applyTopology(world.connection);
    const watch = new StreamWatch(world.connection, { trouble: (message) => troubles.push(message) });
    watches.push(watch);
    await watch.start([AGENTS, STREAMS.MATCHES.name]);
    const third = await startService(world, handle, { watch });
    await waitFor(() => handled.length === 2, { what: 'the input to be handled again' });
    expect(third.troubles).toEqual([
      `consumer ${durableOf('device-matcher', AgentObserved)} is older than the service's streams: all is handled again`,
    ]);
  });
});
