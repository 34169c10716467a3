import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { jetstream, jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { DeviceRecorded, ListAudit, STREAMS, VerifyAudit } from '@stance/contracts';
import { applyTopology, ask, EventPublisher } from '@stance/jetstream';
import { startService, type RunningService } from '@stance/service-kit';
import { startTestNats, waitFor, type TestNats, PATIENCE_MS } from '@stance/testing';
import { audit } from './service.js';
import { TrailReader } from './trail-reader.js';

const TRAIL = STREAMS.AUDIT.name;
let nats: TestNats;
let connection: NatsConnection;
let manager: JetStreamManager;
let publisher: EventPublisher;

beforeAll(async () => {
  nats = await startTestNats();
  connection = await nats.connect();
  manager = await jetstreamManager(connection);
  await applyTopology(connection);
  publisher = new EventPublisher(connection, 'config-sync', { timeoutMs: PATIENCE_MS });
});

afterAll(() => nats.close());

async function startAudit(): Promise<RunningService> {
  const service = await startService(audit, {
    environment: { NATS_URL: nats.url, LOG_LEVEL: 'silent', STANCE_HTTP_PORT: '0' },
  });
  await service.active;
  return service;
}

async function record(deviceId: string, tag: string): Promise<void> {
  await publisher.publish(
    DeviceRecorded,
    { deviceId, state: 'enrolled', hardware: {}, groups: [], tags: [tag] },
    { id: `${deviceId}:${tag}`, cause: { txn: `txn-${tag}` } },
  );
}

async function recorded(count: number): Promise<void> {
  await waitFor(async () => (await manager.streams.info(TRAIL)).state.messages >= count, { what: `${count} records` });
}

describe('the audit service', () => {
  it('lists the newest records of all devices or of one, and verifies the chain', async () => {
    const service = await startAudit();
    try {
      await record('laptop 1', 'a');
      for (let index = 0; index < 150; index += 1) await record(`other-${index % 3}`, `t${index}`);
      await recorded(151);

      const { records } = await ask(connection, ListAudit, { limit: 2 });
      expect(records.map(({ position, device, txn }) => [position, device, txn])).toEqual([
        [150, 'other-1', 'txn-t148'],
        [151, 'other-2', 'txn-t149'],
      ]);
      const ofOne = await ask(connection, ListAudit, { device: 'laptop 1', limit: 5 });
      expect(ofOne.records).toMatchObject([
        { position: 1, kind: 'event', stream: 'STANCE_DEVICES', sequence: 1, type: 'dev.stance.device.recorded.v1' },
      ]);
      expect((await ask(connection, ListAudit, { device: 'nobody' })).records).toEqual([]);
      expect((await ask(connection, ListAudit, { device: 'x'.repeat(300) })).records).toEqual([]);

      const verified = await ask(connection, VerifyAudit, {});
      expect(verified).toEqual({ records: 151, gaps: 0, intact: true, lastHash: records.at(-1)?.hash });
      const health: unknown = await (await fetch(`${service.url}/readyz`)).json();
      expect(health).toMatchObject({ ready: true, state: 'active', details: { position: 151, waiting: 0 } });
    } finally {
      await service.stop();
    }
  });

  it('hands over to its standby, which goes on where it stopped', async () => {
    const first = await startAudit();
    const standby = await startService(audit, {
      environment: { NATS_URL: nats.url, LOG_LEVEL: 'silent' },
      http: false,
    });
    await waitFor(() => standby.state() === 'standby', { what: 'the standby' });
    const before = (await manager.streams.info(TRAIL)).state.messages;
    await record('handed-over', 'a');
    await recorded(before + 1);
    await first.stop();
    await standby.active;
    await record('handed-over', 'b');
    await recorded(before + 2);

    expect((await ask(connection, ListAudit, { device: 'handed-over' })).records.map(({ txn }) => txn)).toEqual([
      'txn-a',
      'txn-b',
    ]);
    expect(await ask(connection, VerifyAudit, {})).toMatchObject({ intact: true, records: before + 2 });
    await standby.stop();
  });

  it('cannot be made to lose a record: the server refuses to delete and to purge', async () => {
    await record('kept', 'a');
    await expect(manager.streams.deleteMessage(TRAIL, 1)).rejects.toThrow(/not permitted/);
    await expect(manager.streams.purge(TRAIL)).rejects.toThrow(/not permitted/);
  });

  it('names a forged record', async () => {
    const service = await startAudit();
    try {
      const { last_seq: facts } = (await manager.streams.info(STREAMS.DEVICES.name)).state;
      await recorded(facts);
      const genuine = await manager.streams.getMessage(TRAIL, { seq: 1 });
      await jetstream(connection).publish(genuine?.subject ?? '', genuine?.string().replace('enrolled', 'retired'));
      expect(await ask(connection, VerifyAudit, {})).toMatchObject({
        intact: false,
        records: facts,
        firstBad: { streamSequence: facts + 1, position: 1, problem: expect.stringContaining('hash does not fit') },
      });
    } finally {
      await service.stop();
    }
  });

  it('records anew what is left when the trail itself was deleted, and names a record that is gone from it', async () => {
    const service = await startAudit();
    const { config } = await manager.streams.info(TRAIL);
    await manager.streams.delete(TRAIL);
    // The server may still be removing the deleted one's files.
    await waitFor(() => manager.streams.add({ ...config, deny_delete: false, deny_purge: false }), {
      what: 'the trail to be made anew',
    });
    const { state } = await manager.streams.info(STREAMS.DEVICES.name);
    await waitFor(
      async () => (await ask(connection, ListAudit, { limit: 1 })).records[0]?.sequence === state.last_seq,
      {
        what: 'the new trail to hold the last fact',
      },
    );
    expect(await ask(connection, VerifyAudit, {})).toMatchObject({ intact: true });
    await service.stop();

    const reader = new TrailReader(connection);
    const { last_seq: last } = (await manager.streams.info(TRAIL)).state;
    await manager.streams.deleteMessage(TRAIL, last);
    expect((await reader.verify()).firstBad).toEqual({
      streamSequence: last,
      problem: expect.stringContaining('gone'),
    });
    await manager.streams.deleteMessage(TRAIL, 3);
    expect((await reader.verify()).firstBad).toMatchObject({
      streamSequence: 4,
      problem: 'position 3 missing before it',
    });
  });
});
