import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DiscardPolicy, jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { errors, type NatsConnection } from '@nats-io/transport-node';
import { BUCKETS, STREAMS, wireTopology } from '@stance/contracts';
import { startTestNats, waitFor, type TestNats } from '@stance/testing';
import { applyTopology, checkTopology, inspectTopology, TopologyMismatch } from './topology.js';

let nats: TestNats;
let connection: NatsConnection;
let manager: JetStreamManager;
beforeAll(async () => {
  nats = await startTestNats();
  connection = await nats.connect({ maxReconnectAttempts: -1, reconnectTimeWait: 50 });
  manager = await jetstreamManager(connection);
});
afterAll(() => nats.close());

const all = wireTopology().map(({ name }) => name);

describe('the topology', () => {
  it('is all missing on an empty server, and says what to do', async () => {
    expect(await inspectTopology(connection)).toEqual(all.map((stream) => ({ stream, problem: 'is missing' })));
    await expect(checkTopology(connection)).rejects.toThrow(TopologyMismatch);
    await expect(checkTopology(connection)).rejects.toThrow('stance topology apply');
  });

  it('is created, and a second time nothing is left to do', async () => {
    expect(await applyTopology(connection)).toEqual({ created: all, updated: [] });
    expect(await applyTopology(connection)).toEqual({ created: [], updated: [] });
    await expect(checkTopology(connection)).resolves.toBeUndefined();
  });

  it('tells a changed setting and a missing stream, and mends both', async () => {
    await manager.streams.update(STREAMS.DEVICES.name, { max_msgs_per_subject: 1 });
    await manager.streams.delete(`KV_${BUCKETS.LEASES.name}`);
    expect(await inspectTopology(connection)).toEqual([
      { stream: STREAMS.DEVICES.name, problem: 'max_msgs_per_subject is 1, not 16' },
      { stream: `KV_${BUCKETS.LEASES.name}`, problem: 'is missing' },
    ]);
    expect(await applyTopology(connection)).toEqual({
      created: [`KV_${BUCKETS.LEASES.name}`],
      updated: [STREAMS.DEVICES.name],
    });
  });

  it('tells limits that would refuse or drop facts, and takes them away', async () => {
    const limits = { max_bytes: 1_000_000, max_msgs: 1_000, max_msg_size: 1_000, discard: DiscardPolicy.Old };
    await manager.streams.update(STREAMS.DECISIONS.name, limits);
    expect((await inspectTopology(connection)).map(({ problem }) => problem)).toEqual([
      'discard is "old", not "new"',
      'max_bytes is 1000000, not -1',
      'max_msgs is 1000, not -1',
      'max_msg_size is 1000, not -1',
    ]);
    expect(await applyTopology(connection)).toEqual({ created: [], updated: [STREAMS.DECISIONS.name] });
  });

  it('leaves streams of others alone', async () => {
    await manager.streams.add({ name: 'OTHER', subjects: ['other.>'] });
    await applyTopology(connection);
    expect((await manager.streams.info('OTHER')).config.subjects).toEqual(['other.>']);
  });

  it('cannot be told while no server is connected, and no server is called too old for that', async () => {
    await nats.kill();
    await waitFor(() => connection.info === undefined, { what: 'the connection to break' });
    await expect(checkTopology(connection)).rejects.toThrow(errors.ConnectionError);
    await nats.restart();
    await waitFor(() => connection.info, { what: 'the connection to be back' });
    await expect(checkTopology(connection)).resolves.toBeUndefined();
  });
});
