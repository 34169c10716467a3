import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EventPattern } from '@nestjs/microservices';
import { AgentObserved, STREAMS, durableOf } from '@stance/contracts';
import { startFaultProxy, waitFor } from '@stance/testing';
import { OnEvent } from './handlers.js';
import { DuplicateHandler, JetStreamStrategy, UnknownPattern } from './jetstream.strategy.js';
import { moduleOf, observe, startService, startWorld, untilConsumed, type World } from './spec/world.js';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());
beforeEach(() => world.reset());

/** What is not given back is not handled before a spec has failed. */
const LONGER_THAN_ANY_PATIENCE_MS = 120_000;
/** What handlers may take at shutdown where nothing else was agreed. */
const DEFAULT_DRAIN_MS = 10_000;
/** Long enough that a process which stands still for a moment has not missed it. */
const ACK_WAIT_MS = 2_000;

const durable = durableOf('device-matcher', AgentObserved);

/**
 * What is not settled by then would have been delivered again, had the server not been told. That nothing comes again shows by
 * no event, which leaves the clock: on a machine that is late with the first delivery a spec may see less, and does not fail.
 */
async function pastTheAckWait(): Promise<void> {
  const startedAt = performance.now();
  await waitFor(() => performance.now() - startedAt > 1.5 * ACK_WAIT_MS, { what: 'the ack wait has passed' });
}

const strategyOf = () =>
  new JetStreamStrategy({
    connection: world.connection,
    publisher: world.poller,
    observer: { settled: () => undefined, trouble: () => undefined },
  });

describe('starting', () => {
  it('refuses two handlers of one event: each message is settled once', async () => {
    @Controller()
    class Twice {
      @OnEvent(AgentObserved)
      one(): void {}
      @OnEvent(AgentObserved)
      other(): void {}
    }
    const app = NestFactory.createMicroservice(moduleOf(Twice), {
      strategy: strategyOf(),
      logger: false,
      abortOnError: false,
    });
    await expect(app.then((created) => created.listen())).rejects.toThrow(DuplicateHandler);
  });

  it('refuses a handler that says neither event nor request', async () => {
    @Controller()
    class Unmarked {
      @EventPattern('agent.observed')
      handle(_event: unknown): void {}
    }
    const app = await NestFactory.createMicroservice(moduleOf(Unmarked), { strategy: strategyOf(), logger: false });
    await expect(app.listen()).rejects.toThrow(UnknownPattern);
  });

  it('consumes nothing before it is told to: a standby listens and is idle', async () => {
    const handled: string[] = [];
    const service = await startService(world, ({ data }) => void handled.push(data.agentId), { start: false });
    await observe(world, 'early');
    await expect(world.manager.consumers.info(STREAMS.AGENTS.name, durable)).rejects.toThrow('consumer not found');
    expect(handled).toEqual([]);
    await service.strategy.start();
    await untilConsumed(world);
    expect(handled).toEqual(['early']);
  });

  it('takes over a consumer that was made with other settings', async () => {
    const before = await startService(world, () => undefined, { ackWaitMs: 5_000 });
    await before.close();
    await startService(world, () => undefined, { ackWaitMs: 700 });
    const { config } = await world.manager.consumers.info(STREAMS.AGENTS.name, durable);
    expect([config.ack_wait, config.max_deliver, config.filter_subject]).toEqual([
      700_000_000,
      -1,
      'stance.agent.observed.v1.>',
    ]);
  });
});

describe('handling', () => {
  it('runs different keys at the same time within the bound, and one key in order', async () => {
    const order: string[] = [];
    let [running, most] = [0, 0];
    const four = Promise.withResolvers<void>();
    await startService(
      world,
      async ({ data }) => {
        running += 1;
        most = Math.max(most, running);
        if (running === 4) four.resolve();
        await four.promise;
        await new Promise((resolve) => setImmediate(resolve));
        order.push(`${data.agentId}:${String(data.attributes['n'])}`);
        running -= 1;
      },
      { consume: { orderBy: 'agentId', concurrency: 4 } },
    );
    await Promise.all(
      Array.from({ length: 160 }, (_, index) => observe(world, `a${index % 10}`, { n: Math.floor(index / 10) })),
    );
    await untilConsumed(world);
    expect(most).toBe(4);
    for (let key = 0; key < 10; key += 1) {
      expect(order.filter((name) => name.startsWith(`a${key}:`))).toEqual(
        Array.from({ length: 16 }, (_, n) => `a${key}:${n}`),
      );
    }
  });

  it('is told to the server while it goes on: work longer than the ack wait is delivered once', async () => {
    const attempts: number[] = [];
    const work = Promise.withResolvers<void>();
    await startService(
      world,
      async (_, { attempt }) => {
        attempts.push(attempt);
        await work.promise;
      },
      { ackWaitMs: ACK_WAIT_MS },
    );
    await observe(world, 'slow');
    await pastTheAckWait();
    work.resolve();
    await untilConsumed(world);
    expect(attempts).toEqual([1]);
    const { delivered } = await world.manager.consumers.info(STREAMS.AGENTS.name, durable);
    expect(delivered.consumer_seq).toBe(1);
  });

  it('of messages that wait behind a slow one, longer than the ack wait, is done once each', async () => {
    const work = Promise.withResolvers<void>();
    const handled: string[] = [];
    await startService(
      world,
      async ({ data }) => {
        handled.push(data.agentId);
        await work.promise;
      },
      { ackWaitMs: ACK_WAIT_MS, consume: { concurrency: 1 } },
    );
    for (let index = 0; index < 20; index += 1) await observe(world, `a${index}`);
    await pastTheAckWait();
    work.resolve();
    await untilConsumed(world);
    expect(handled).toEqual(Array.from({ length: 20 }, (_, index) => `a${index}`));
    const { delivered } = await world.manager.consumers.info(STREAMS.AGENTS.name, durable);
    expect(delivered.consumer_seq).toBe(20);
  });

  it('that hangs is given up: its message is tried again, and others go on', async () => {
    const handled: string[] = [];
    const service = await startService(
      world,
      ({ data }, { attempt }) => {
        handled.push(`${data.agentId}#${attempt}`);
        return data.agentId === 'hangs' && attempt === 1 ? new Promise(() => undefined) : undefined;
      },
      { handlerTimeoutMs: 300, consume: { concurrency: 1 } },
    );
    await observe(world, 'hangs');
    await observe(world, 'next');
    await untilConsumed(world);
    expect(handled.toSorted()).toEqual(['hangs#1', 'hangs#2', 'next#1']);
    expect(service.settled[0]).toMatchObject({
      settlement: { action: 'retry' },
      error: { message: expect.stringContaining('300 ms') },
    });
  });
});

describe('closing', () => {
  it('lets running handlers settle, and gives back at once what never started', async () => {
    const work = Promise.withResolvers<void>();
    const first: string[] = [];
    const closing = await startService(
      world,
      async ({ data }) => {
        first.push(data.agentId);
        await work.promise;
      },
      { ackWaitMs: LONGER_THAN_ANY_PATIENCE_MS, consume: { concurrency: 2 } },
    );
    for (let index = 0; index < 10; index += 1) await observe(world, `a${index}`);
    await waitFor(() => first.length === 2, { what: 'two handlers run' });
    const closed = closing.close();
    work.resolve();
    await closed;
    const { num_ack_pending, ack_floor } = await world.manager.consumers.info(STREAMS.AGENTS.name, durable);
    expect(ack_floor.stream_seq).toBe(2);
    expect(num_ack_pending).toBeLessThanOrEqual(8);
    const second: string[] = [];
    await startService(world, ({ data }) => void second.push(data.agentId), { ackWaitMs: LONGER_THAN_ANY_PATIENCE_MS });
    await untilConsumed(world);
    expect([...first, ...second.toSorted()]).toEqual(Array.from({ length: 10 }, (_, index) => `a${index}`));
  });

  it('gives back what was still on its way: whoever is next need not wait until it is missed', async () => {
    const link = await startFaultProxy({ target: world.nats.url });
    const given: string[] = [];
    const settlements = world.connection.subscribe(`$JS.ACK.${STREAMS.AGENTS.name}.${durable}.>`, {
      callback: (_, message) => void given.push(message.string()),
    });
    try {
      const first: string[] = [];
      const closing = await startService(world, ({ data }) => void first.push(data.agentId), {
        url: `nats://127.0.0.1:${link.port}`,
        ackWaitMs: LONGER_THAN_ANY_PATIENCE_MS,
      });
      const consumer = () => world.manager.consumers.info(STREAMS.AGENTS.name, durable);
      await waitFor(async () => (await consumer()).num_waiting === 1, { what: 'it has asked for messages' });
      link.pause();
      const agents = Array.from({ length: 20 }, (_, index) => `a${index}`);
      await Promise.all(agents.map((agentId) => observe(world, agentId)));
      await waitFor(async () => (await consumer()).num_ack_pending === 20, { what: 'all have left the server' });
      const closed = closing.strategy.close();
      await link.resume();
      await closed;
      await world.connection.flush();
      expect(first).toEqual([]);
      expect(given.map((settlement) => settlement.slice(0, 4))).toEqual(agents.map(() => '-NAK'));
      const second: [string, number][] = [];
      await startService(world, ({ data }, { attempt }) => void second.push([data.agentId, attempt]), {
        ackWaitMs: LONGER_THAN_ANY_PATIENCE_MS,
      });
      await untilConsumed(world);
      expect(new Map(second)).toEqual(new Map(agents.map((agentId) => [agentId, 2])));
    } finally {
      settlements.unsubscribe();
      await link.close();
    }
  });

  it('when idle leaves nothing pending', async () => {
    const service = await startService(world, () => undefined);
    await observe(world, 'a');
    await untilConsumed(world);
    await service.close();
    const { num_ack_pending, num_pending } = await world.manager.consumers.info(STREAMS.AGENTS.name, durable);
    expect([num_ack_pending, num_pending]).toEqual([0, 0]);
  });

  it('does not wait for a hanging handler longer than agreed; its message comes again', async () => {
    const service = await startService(world, () => new Promise(() => undefined), { drainMs: 200, ackWaitMs: 300 });
    await observe(world, 'hangs');
    await waitFor(
      async () => (await world.manager.consumers.info(STREAMS.AGENTS.name, durable)).num_ack_pending === 1,
      {
        what: 'it is being handled',
      },
    );
    const startedAt = performance.now();
    await service.close();
    expect(performance.now() - startedAt).toBeLessThan(DEFAULT_DRAIN_MS);
    const again: number[] = [];
    await startService(world, (_, { attempt }) => void again.push(attempt));
    await waitFor(() => again.length > 0, { what: 'it comes again' });
    expect(again[0]).toBeGreaterThan(1);
  });

  it('under load, over and over, loses nothing, and leaves nothing to wait out the ack wait', async () => {
    const handled: string[] = [];
    let published = 0;
    const publishing = (async () => {
      for (let n = 0; n < 10; n += 1) {
        await Promise.all(Array.from({ length: 50 }, (_, key) => observe(world, `a${key}`, { n })));
        published += 50;
      }
    })();
    for (let life = 1; life <= 4; life += 1) {
      const service = await startService(
        world,
        async ({ data }) => {
          await new Promise((resolve) => setImmediate(resolve));
          handled.push(`${data.agentId}:${String(data.attributes['n'])}`);
        },
        { ackWaitMs: LONGER_THAN_ANY_PATIENCE_MS, consume: { orderBy: 'agentId' } },
      );
      await waitFor(() => handled.length >= life * 60, { what: `life ${life} has handled its share` });
      await service.close();
    }
    await publishing;
    await startService(world, ({ data }) => void handled.push(`${data.agentId}:${String(data.attributes['n'])}`), {
      ackWaitMs: LONGER_THAN_ANY_PATIENCE_MS,
    });
    await untilConsumed(world);
    expect(new Set(handled).size).toBe(published);
  });
});
