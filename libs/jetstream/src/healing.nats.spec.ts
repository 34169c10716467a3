import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { AgentObserved, DeviceRecorded, STREAMS, durableOf, type DataOf } from '@stance/contracts';
import { startFaultProxy, waitFor } from '@stance/testing';
import { FactTable } from './fact-table.js';
import { EventPublisher } from './publisher.js';
import { observe, startService, startWorld, untilConsumed, type World } from './spec/world.js';
import { applyTopology } from './topology.js';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());
beforeEach(() => world.reset());

const durable = durableOf('device-matcher', AgentObserved);

describe('a service goes on', () => {
  it('when its consumer is deleted', async () => {
    const handled: string[] = [];
    const service = await startService(world, ({ data }) => void handled.push(data.agentId));
    await observe(world, 'before');
    await untilConsumed(world);
    await world.manager.consumers.delete(STREAMS.AGENTS.name, durable);
    await observe(world, 'after');
    await waitFor(() => handled.includes('after'), { what: 'the next message is handled' });
    expect(service.troubles[0]).toContain('opening it again');
  });

  it('when its stream is deleted and made anew', async () => {
    const handled: string[] = [];
    const service = await startService(world, ({ data }) => void handled.push(data.agentId));
    await observe(world, 'before');
    await untilConsumed(world);
    await world.manager.streams.delete(STREAMS.AGENTS.name);
    await waitFor(() => service.troubles.some((trouble) => trouble.includes('cannot open')), { what: 'it notices' });
    await applyTopology(world.connection);
    await observe(world, 'after');
    await waitFor(() => handled.includes('after'), { what: 'the next message is handled' });
    expect(handled).toEqual(['before', 'after']);
  });

  it('when its connection is cut, and after an outage', async () => {
    const proxy = await startFaultProxy({ target: world.nats.url });
    const handled: string[] = [];
    const service = await startService(world, ({ data }) => void handled.push(data.agentId), {
      url: `nats://127.0.0.1:${proxy.port}`,
    });
    proxy.cut();
    await observe(world, 'after the cut');
    await waitFor(() => handled.length > 0, { what: 'it has reconnected' });
    await proxy.refuse();
    await observe(world, 'during the outage');
    await proxy.resume();
    await waitFor(() => handled.includes('during the outage'), { what: 'it has reconnected again' });
    await untilConsumed(world);
    expect(new Set(handled)).toEqual(new Set(['after the cut', 'during the outage']));
    await service.close();
    await proxy.close();
  });

  it('when its connection is closed under running handlers: nothing is thrown at the process', async () => {
    const work = Promise.withResolvers<void>();
    let running = false;
    const handle = async () => {
      running = true;
      await work.promise;
    };
    const service = await startService(world, handle, { ackWaitMs: 1_000 });
    await observe(world, 'a');
    await waitFor(() => running, { what: 'a handler runs' });
    await service.connection.close();
    work.resolve();
    await service.close();
    const attempts: number[] = [];
    await startService(world, (_, { attempt }) => void attempts.push(attempt), { ackWaitMs: 1_000 });
    await waitFor(() => attempts.length > 0, { what: 'its message comes again' });
    expect(attempts[0]).toBeGreaterThan(1);
  });

  it('when nats-server dies in the middle of 1,000 messages: all are handled, and each effect is there once', async () => {
    const handled = new Set<string>();
    const connection = await world.nats.connect({ maxReconnectAttempts: -1, reconnectTimeWait: 100 });
    const publisher = new EventPublisher(connection, 'config-sync', { timeoutMs: 1_000 });
    const effects = new FactTable(connection, publisher, DeviceRecorded, { keep: ({ data }) => data.tags.length });
    const deviceOf = (deviceId: string): DataOf<typeof DeviceRecorded> => ({
      deviceId,
      state: 'enrolled',
      hardware: {},
      groups: [],
      tags: [],
    });
    await startService(
      world,
      async ({ data }, { origin }) => {
        await effects.write({ deviceId: data.agentId }, origin, (stored) =>
          stored === undefined ? { data: deviceOf(data.agentId) } : undefined,
        );
        handled.add(data.agentId);
      },
      { ackWaitMs: 1_000, consume: { retry: { maxAttempts: 100, firstDelayMs: 50, maxDelayMs: 200 } } },
    );
    const ids = Array.from({ length: 1_000 }, (_, index) => `a${index}`);
    await Promise.all(ids.map((id) => observe(world, id)));
    await waitFor(() => handled.size > 100, { what: 'it is in the middle', intervalMs: 1 });
    expect(handled.size).toBeLessThan(1_000);
    await world.nats.kill();
    await world.nats.restart();
    await waitFor(() => handled.size === 1_000, { what: 'all are handled', timeoutMs: 30_000 });
    await untilConsumed(world);
    const { state } = await world.manager.streams.info(STREAMS.DEVICES.name, { subjects_filter: '>' });
    expect(state.messages).toBe(1_000);
    expect(Object.keys(state.subjects ?? {})).toHaveLength(1_000);
  });
});
