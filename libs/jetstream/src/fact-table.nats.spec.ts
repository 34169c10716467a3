import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { headers } from '@nats-io/transport-node';
import { AgentObserved, createEvent, STREAMS, TimerDue, TimerSet } from '@stance/contracts';
import { startFaultProxy, waitFor } from '@stance/testing';
import { connectToNats } from './connection.js';
import { readLastEvent } from './last-event.js';
import { FactTable, type FactTableOptions } from './fact-table.js';
import { EventPublisher } from './publisher.js';
import { agent, agentSubject, NO_CAUSE, type AgentEvent } from './spec/events.js';
import { observe, startWorld, type World } from './spec/world.js';
import { StreamFollower } from './stream-follower.js';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());
beforeEach(() => world.reset());

const count = ({ data }: AgentEvent) => Number(data.attributes['n']);
const key = { source: 's', agentId: 'agent-1' };

function tableOf(
  options: Partial<FactTableOptions<typeof AgentObserved, number>> = {},
  publisher: EventPublisher = world.poller,
  connection = world.connection,
) {
  return new FactTable(connection, publisher, AgentObserved, { keep: count, ...options });
}

const origin = (input: string) => ({ input, cause: NO_CAUSE });
const increment = (stored: number | undefined) => ({ data: agent({ attributes: { n: (stored ?? 0) + 1 } }) });

async function messages(): Promise<number> {
  return (await world.manager.streams.info(STREAMS.AGENTS.name)).state.messages;
}

async function lastStored(): Promise<number> {
  const message = await world.manager.streams.getMessage(STREAMS.AGENTS.name, { last_by_subj: agentSubject() });
  return Number(message?.json<AgentEvent>().data.attributes['n']);
}

describe('loading', () => {
  it('an empty stream is done at once', async () => {
    const table = tableOf();
    // A first message would be waited for without end.
    await table.load();
    expect(table.size).toBe(0);
    await table.stopFollowing();
  });

  it('gives the last of each subject, and follows what comes', async () => {
    for (const n of [1, 2, 3]) for (const agentId of ['agent-1', 'b', 'c']) await observe(world, agentId, { n });
    const changes: unknown[] = [];
    const table = tableOf({ onChange: ({ agentId }, value, before) => changes.push([agentId, value, before]) });
    await table.load();
    expect([table.size, [...table.values()], changes.length]).toEqual([3, [3, 3, 3], 3]);
    await observe(world, 'b', { n: 4 });
    await table.caughtUp();
    expect(table.get({ source: 's', agentId: 'b' })).toBe(4);
    expect(changes.at(-1)).toEqual(['b', 4, 3]);
    await table.stopFollowing();
    await observe(world, 'b', { n: 5 });
    expect(table.get({ source: 's', agentId: 'b' })).toBe(4);
  });

  it('takes only the keys that it was narrowed to', async () => {
    await observe(world, 'agent-1', { n: 1 });
    const table = tableOf({ only: { source: 'another' } });
    await table.load();
    expect(table.size).toBe(0);
    await table.stopFollowing();
  });

  it('goes on after the connection was cut', async () => {
    const proxy = await startFaultProxy({ target: world.nats.url });
    const connection = await connectToNats({ url: `nats://127.0.0.1:${proxy.port}`, name: 'cut' });
    const table = tableOf({}, world.poller, connection);
    await table.load();
    proxy.cut();
    await observe(world, 'agent-1', { n: 7 });
    await waitFor(() => table.get(key) === 7, { what: 'the table has what came meanwhile' });
    await table.caughtUp();
    expect([...table.values()]).toEqual([7]);
    await table.stopFollowing();
    await connection.close();
    await proxy.close();
  });

  it('reads a stream as a log from a sequence on', async () => {
    for (const n of [1, 2, 3]) await observe(world, 'agent-1', { n });
    const seen: number[] = [];
    const follower = await StreamFollower.start(
      world.connection,
      { stream: STREAMS.AGENTS.name, from: { sequence: 2 } },
      ({ seq }) => void seen.push(seq),
    );
    await follower.caughtUp();
    expect(seen).toEqual([2, 3]);
    await follower.stop();
  });
});

describe('an event read elsewhere', () => {
  const event = (n: number) =>
    createEvent(AgentObserved, {
      id: `${n}`,
      producer: 'sentinelone-poller',
      time: new Date(),
      data: agent({ attributes: { n } }),
      cause: NO_CAUSE,
    });

  it('is news once, and never when it is older than what is there', () => {
    const table = tableOf();
    const subject = agentSubject();
    const news = [5, 5, 4, 6].map((sequence) =>
      table.apply(event(sequence), { subject, sequence, payload: new Uint8Array() }),
    );
    expect([news, table.get(key)]).toEqual([[true, false, false, true], 6]);
  });
});

describe('writing', () => {
  it('is not needed when what is stored is right', async () => {
    expect(await tableOf().write(key, origin('i'), () => undefined)).toBeUndefined();
    expect(await messages()).toBe(0);
  });

  it('by one writer is one after the other, each decided on the one before', async () => {
    const table = tableOf();
    await Promise.all(Array.from({ length: 20 }, (_, index) => table.write(key, origin(`i${index}`), increment)));
    expect([table.get(key), await lastStored()]).toEqual([20, 20]);
  });

  it('by two writers that both believe to be active ends in one value, each write decided anew and none lost', async () => {
    const other = new EventPublisher(world.connection, 'device-matcher');
    const tables = [tableOf(), tableOf({}, other)];
    let decisions = 0;
    await Promise.all(
      tables.flatMap((table, writer) =>
        Array.from({ length: 25 }, (_, index) =>
          table.write(key, origin(`w${writer}:${index}`), (stored) => {
            decisions += 1;
            return increment(stored);
          }),
        ),
      ),
    );
    expect(await lastStored()).toBe(50);
    expect(decisions).toBeGreaterThan(50);
  });

  it('whose outcome nobody told ends right, and once', async () => {
    const proxy = await startFaultProxy({ target: world.nats.url });
    const connection = await connectToNats({ url: `nats://127.0.0.1:${proxy.port}`, name: 'flaky' });
    const publisher = new EventPublisher(connection, 'device-matcher', { timeoutMs: 250 });
    const table = tableOf({}, publisher, connection);
    const want = (n: number) => (stored: number | undefined) =>
      stored === n ? undefined : { data: agent({ attributes: { n } }) };
    await table.write(key, origin('i0'), want(0));
    for (const n of [1, 2]) {
      // The request leaves, its answer never comes.
      proxy.delay(150);
      const writing = waitFor(() => table.write(key, origin(`i${n}`), want(n)).then(() => true), {
        what: 'it is written',
      });
      await waitFor(async () => (await messages()) === n + 1, { what: 'the server stored it' });
      proxy.cut();
      await proxy.resume();
      await writing;
      expect([table.get(key), await lastStored(), await messages()]).toEqual([n, n, n + 1]);
    }
    await connection.close();
    await proxy.close();
  });

  it('counts an unreadable last event as no value, and still replaces exactly that event', async () => {
    await observe(world, 'agent-1', { n: 3 });
    const unreadable: number[] = [];
    const changes: unknown[] = [];
    const table = tableOf({
      onUnreadable: (_, sequence) => unreadable.push(sequence),
      onChange: (_, value, before) => changes.push([value, before]),
    });
    await table.load();
    world.connection.publish(agentSubject(), '{"broken');
    await waitFor(() => unreadable.length === 1, { what: 'the broken event is seen' });
    expect([table.get(key), [...table.values()]]).toEqual([undefined, []]);
    expect(await table.write(key, origin('i'), increment)).toBe(3);
    expect(changes).toEqual([
      [3, undefined],
      [undefined, 3],
      [1, undefined],
    ]);
    await table.stopFollowing();
  });

  it('counts what was taken out of another stream and sent here as no value: its writer is not known', async () => {
    await observe(world, 'agent-1', { n: 3 });
    const problems: string[] = [];
    const table = tableOf({ onUnreadable: (_, _sequence, error) => problems.push(error.code) });
    await table.load();
    const forged = JSON.stringify(
      createEvent(AgentObserved, {
        id: 'forged',
        producer: 'sentinelone-poller',
        time: new Date(),
        data: agent({ attributes: { n: 9 } }),
        cause: NO_CAUSE,
      }),
    );
    const marked = headers();
    marked.set('Nats-Stream', 'STANCE_OPERATIONS');
    world.connection.publish(agentSubject(), forged, { headers: marked });
    await waitFor(() => problems.length === 1, { what: 'the forged event to be seen' });
    expect([problems, table.get(key)]).toEqual([['forbidden'], undefined]);
    await table.stopFollowing();
    await expect(readLastEvent(world.connection, AgentObserved, key)).rejects.toMatchObject({ code: 'forbidden' });
    // As the leader has it, when a write finds that somebody else wrote.
    const stale = tableOf();
    expect(await stale.write(key, origin('j'), increment)).toBe(3);
    expect(await lastStored()).toBe(1);
  });

  it('starts again when the stream was made anew', async () => {
    const table = tableOf();
    for (const input of ['a', 'b', 'c']) await table.write(key, origin(input), increment);
    await world.reset();
    await observe(world, 'agent-1', { n: 100 });
    await table.write(key, origin('d'), increment);
    expect([table.get(key), await lastStored()]).toEqual([101, 101]);
  });

  it('retires a subject with a single message', async () => {
    const table = tableOf();
    for (const input of ['a', 'b', 'c']) await table.write(key, origin(input), increment);
    await table.write(key, origin('d'), (stored) => ({ ...increment(stored), retires: true }));
    expect([await messages(), await lastStored()]).toEqual([1, 4]);
  });

  it('sets a timer that the server fires once on the device', async () => {
    const engine = new EventPublisher(world.connection, 'policy-engine');
    const table = new FactTable(world.connection, engine, TimerSet, { keep: ({ data }) => data.dueAt });
    const due: string[] = [];
    const follower = await StreamFollower.start(
      world.connection,
      { stream: STREAMS.TIMERS.name, filter: 'stance.timer.due.v1.>', from: { sequence: 1 } },
      (message) => void due.push(message.subject),
    );
    const setTimer = (input: string, at: Date) =>
      table.write({ deviceId: 'd' }, origin(input), () => ({
        data: { deviceId: 'd', dueAt: at.toISOString() },
        schedule: { at, target: `${TimerDue.subjectPrefix}.d`, ttl: '1h' },
      }));
    await setTimer('far', new Date(Date.now() + 3_600_000));
    await setTimer('near', new Date(Date.now() + 200));
    await waitFor(() => due.length > 0, { what: 'the timer fires' });
    expect(due).toEqual(['stance.timer.due.v1.d']);
    await follower.stop();
  });
});
