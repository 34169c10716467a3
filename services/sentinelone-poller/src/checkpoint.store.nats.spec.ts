import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { BUCKETS } from '@stance/contracts';
import { applyTopology, connectToNats } from '@stance/jetstream';
import { startFaultProxy, startTestNats, type TestNats } from '@stance/testing';
import { checkpointAt } from './checkpoint.js';
import { CheckpointStore, CheckpointTaken } from './checkpoint.store.js';

let nats: TestNats;
let connection: NatsConnection;
beforeAll(async () => {
  nats = await startTestNats();
  connection = await nats.connect();
  await applyTopology(connection);
});
afterAll(() => nats.close());

const storeOf = (source: string, over = connection) => new CheckpointStore(over, source);
const at = (minute: number) => checkpointAt(`2026-11-21T12:${String(minute).padStart(2, '0')}:00.000000Z`);

describe('a checkpoint', () => {
  it('is kept for whoever comes next', async () => {
    const first = storeOf('kept');
    expect(await first.load()).toBeUndefined();
    await first.save(at(1));
    await first.save({ ...at(2), sweepCompletedAt: '2026-11-21T12:00:00.000Z' });
    const next = storeOf('kept');
    expect(await next.load()).toEqual({ ...at(2), sweepCompletedAt: '2026-11-21T12:00:00.000Z' });
    await next.save(at(3));
  });

  it('keeps the place of every lane, and the sweep that waits for a person', async () => {
    const refusedSweep = {
      startedAt: '2026-11-21T12:00:00.000Z',
      absent: 5,
      present: 40,
      limit: 4,
      examples: ['7'],
      digest: 'd',
    };
    const whole = {
      ...at(1),
      threatsReadTo: at(2).updatedAt,
      removalsReadTo: at(3).updatedAt,
      contactsReadTo: at(4).updatedAt,
      sweepReadAt: '2026-11-21T12:00:01.000Z',
      refusedSweep,
    };
    await storeOf('lanes-and-refusal').save(whole);
    expect(await storeOf('lanes-and-refusal').load()).toEqual(whole);
  });

  it('of an older version lets every lane go on from where the agents were read to', async () => {
    const subject = `$KV.${BUCKETS.CHECKPOINTS.name}.sentinelone-poller.older`;
    const { updatedAt } = at(1);
    await jetstream(connection).publish(subject, JSON.stringify({ updatedAt, sweepCompletedAt: updatedAt }));
    expect(await storeOf('older').load()).toEqual({ ...at(1), sweepCompletedAt: updatedAt });
  });

  it('of an older version forgets a refused sweep that does not name its agents: it is refused anew', async () => {
    const subject = `$KV.${BUCKETS.CHECKPOINTS.name}.sentinelone-poller.unnamed`;
    const { updatedAt } = at(1);
    const refusedSweep = { startedAt: updatedAt, absent: 5, present: 40, limit: 4, examples: [] };
    await jetstream(connection).publish(subject, JSON.stringify({ updatedAt, refusedSweep }));
    expect(await storeOf('unnamed').load()).toEqual(at(1));
  });

  it('is one per source, whatever characters its name has', async () => {
    await storeOf('a b.*').save(at(1));
    expect(await storeOf('a b.*').load()).toEqual(at(1));
    expect(await storeOf('a').load()).toBeUndefined();
  });

  it('refuses a poller that has been outlived', async () => {
    const outlived = storeOf('outlived');
    await outlived.load();
    await outlived.save(at(1));
    const successor = storeOf('outlived');
    await successor.load();
    await successor.save(at(5));
    await expect(outlived.save(at(2))).rejects.toThrow(CheckpointTaken);
    expect(await storeOf('outlived').load()).toEqual(at(5));
  });

  it('is written by both lanes of a poller at once', async () => {
    const store = storeOf('lanes');
    await store.load();
    await Promise.all(Array.from({ length: 20 }, (_, minute) => store.save(at(minute))));
    expect(await storeOf('lanes').load()).toEqual(at(19));
  });

  it('is still its own after a write whose confirmation was lost', async () => {
    const proxy = await startFaultProxy({ target: nats.url });
    const shaky = await connectToNats({ url: `nats://127.0.0.1:${proxy.port}`, name: 'shaky' });
    const store = storeOf('shaky', shaky);
    await store.load();
    await store.save(at(1));
    // The write arrives, but after it was given up.
    proxy.pause();
    await expect(store.save(at(2))).rejects.toThrow('timeout');
    await proxy.resume();
    await store.save(at(3));
    expect(await storeOf('shaky').load()).toEqual(at(3));
    await shaky.close();
    await proxy.close();
  });

  it('that is unreadable counts as none, and is written over', async () => {
    const subject = `$KV.${BUCKETS.CHECKPOINTS.name}.sentinelone-poller.broken`;
    for (const text of ['{', '{"updatedAt":7}', '']) {
      await jetstream(connection).publish(subject, text);
      const store = storeOf('broken');
      expect(await store.load()).toBeUndefined();
      await store.save(at(1));
    }
  });

  it('is written anew when its bucket was emptied', async () => {
    const store = storeOf('emptied');
    await store.save(at(1));
    const manager = await jetstreamManager(connection);
    await manager.streams.purge(`KV_${BUCKETS.CHECKPOINTS.name}`);
    await store.save(at(2));
    expect(await storeOf('emptied').load()).toEqual(at(2));
  });
});
