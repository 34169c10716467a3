import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { jetstream, jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { AuditRecorded, DeviceRecorded, filterOf, STREAMS } from '@stance/contracts';
import { applyTopology, EventPublisher } from '@stance/jetstream';
import { createLogger, startService, type RunningService } from '@stance/service-kit';
import { PATIENCE_MS, startTestNats, waitFor, type TestNats } from '@stance/testing';
import { SelfVerification } from './self-verification.js';
import { audit } from './service.js';
import { TrailReader } from './trail-reader.js';
import { verifyTrail } from './verify-trail.js';

const FACTS = 250;

let nats: TestNats;
let connection: NatsConnection;
let manager: JetStreamManager;
let service: RunningService;

beforeAll(async () => {
  nats = await startTestNats();
  connection = await nats.connect();
  manager = await jetstreamManager(connection);
  await applyTopology(connection);
  service = await startService(audit, {
    environment: { NATS_URL: nats.url, LOG_LEVEL: 'silent', STANCE_HTTP_PORT: '0' },
  });
  await service.active;
  const publisher = new EventPublisher(connection, 'config-sync', { timeoutMs: PATIENCE_MS });
  const device = (index: number) => ({
    deviceId: `d${index}`,
    state: 'enrolled' as const,
    hardware: {},
    groups: [],
    tags: [],
  });
  await Promise.all(
    Array.from({ length: FACTS }, (_, index) =>
      publisher.publish(DeviceRecorded, device(index), { id: `test:${index}`, cause: {} }),
    ),
  );
  await recorded(FACTS);
}, 60_000);

afterAll(async () => {
  await service?.stop();
  await nats?.close();
});

async function recorded(count: number): Promise<void> {
  const messages = async () => (await manager.streams.info(STREAMS.AUDIT.name)).state.messages;
  await waitFor(async () => (await messages()) >= count, { what: `${count} records` });
}

interface Readiness {
  readonly ready: boolean;
  readonly details: { readonly verification: { intact: boolean; records: number } | null };
}

async function readiness(): Promise<Readiness> {
  return (await (await fetch(`${service.url}/readyz`)).json()) as Readiness;
}

/** The value of a metric without labels of its own, as Prometheus reads it. */
async function metric(name: string): Promise<number | undefined> {
  const text = await (await fetch(`${service.url}/metrics`)).text();
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${name}{`));
  return line === undefined ? undefined : Number(line.split(' ').at(-1));
}

/** The first records of the trail, as they are stored. */
async function recordsOf(count: number): Promise<{ subject: string; payload: Uint8Array }[]> {
  const sequences = Array.from({ length: count }, (_, index) => index + 1);
  const messages = await Promise.all(sequences.map((seq) => manager.streams.getMessage(STREAMS.AUDIT.name, { seq })));
  return messages.flatMap((message) => (message === null ? [] : [{ subject: message.subject, payload: message.data }]));
}

async function forge(): Promise<void> {
  const genuine = await manager.streams.getMessage(STREAMS.AUDIT.name, { last_by_subj: filterOf(AuditRecorded) });
  const forged = genuine?.string().replace('enrolled', 'retired') ?? '';
  await jetstream(connection).publish(genuine?.subject ?? '', forged);
}

describe('the self-verification of a real trail', () => {
  it('begins when the service becomes active, and shows in its metrics and in /readyz', async () => {
    await waitFor(async () => (await metric('stance_audit_intact')) === 1, { what: 'the trail to be verified' });
    expect(await metric('stance_audit_verification_age')).toBeLessThan(60);
    expect(await readiness()).toMatchObject({ ready: true, details: { verification: { intact: true } } });
  });

  it('finds in stretches what it finds in one go, and rests after each', async () => {
    let rests = 0;
    const inStretches = await verifyTrail(connection, { stretch: 100, rest: async () => void (rests += 1) });
    expect(rests).toBe(3);
    expect(inStretches).toMatchObject({ intact: true, records: FACTS });
    expect(inStretches).toEqual(await verifyTrail(connection));
  });

  it('ends when it is told to', async () => {
    const abort = new AbortController();
    const rest = async () => abort.abort();
    await expect(verifyTrail(connection, { signal: abort.signal, rest, stretch: 100 })).rejects.toThrow(/abort/i);
  });

  it('names what an earlier verification saw and this one does not, in a chain that is whole', async () => {
    const { records, lastHash } = await verifyTrail(connection);
    expect(await verifyTrail(connection, { before: { records, lastHash } })).toMatchObject({ intact: true });
    expect(await verifyTrail(connection, { before: { records: records + 10, lastHash } })).toMatchObject({
      intact: false,
      records,
      firstBad: { streamSequence: records + 1, problem: expect.stringMatching(/has shrunk: 250 records .* of 260/) },
    });
    const other = 'a'.repeat(64);
    expect(await verifyTrail(connection, { before: { records: 100, lastHash: other } })).toMatchObject({
      intact: false,
      firstBad: { streamSequence: 100, position: 100, problem: expect.stringContaining(other) },
    });
  });

  it('finds that the trail was deleted and made anew while it ran, and goes on finding it', async () => {
    const gone = await startTestNats();
    try {
      const own = await gone.connect();
      await applyTopology(own);
      const streams = await jetstreamManager(own);
      const records = await recordsOf(3);
      const write = async (count: number) => {
        for (const { subject, payload } of records.slice(0, count)) await jetstream(own).publish(subject, payload);
      };
      await write(3);
      const verification = new SelfVerification({
        verify: (options) => new TrailReader(own).verify(options),
        isBusy: () => false,
        logger: createLogger('audit', 'silent'),
        everyMs: 20,
      });
      verification.start();
      await waitFor(() => verification.status()?.intact === true, { what: 'the trail to be verified' });
      const { config } = await streams.streams.info(STREAMS.AUDIT.name);
      await streams.streams.delete(STREAMS.AUDIT.name);
      // The server may still be removing the deleted one's files.
      await waitFor(() => streams.streams.add(config), { what: 'the trail to be made anew' });
      await write(2);
      await waitFor(() => verification.status()?.records === 2, { what: 'the new trail to be looked at' });
      expect(verification.status()).toMatchObject({
        intact: false,
        firstBad: { problem: expect.stringMatching(/has shrunk: 2 records are left of 3/) },
      });
      await verification.stop();
    } finally {
      await gone.close();
    }
  });

  it('names a forged record, and whoever asks for health is told so; recording goes on and stays ready', async () => {
    await forge();
    const verification = new SelfVerification({
      verify: (options) => new TrailReader(connection).verify(options),
      isBusy: () => false,
      logger: createLogger('audit', 'silent'),
      everyMs: 50,
    });
    verification.start();
    await waitFor(() => verification.status()?.intact === false, { what: 'the forged record to be found' });
    await verification.stop();
    expect(verification.status()?.firstBad).toMatchObject({ streamSequence: FACTS + 1 });

    await service.stop();
    service = await startService(audit, {
      environment: { NATS_URL: nats.url, LOG_LEVEL: 'silent', STANCE_HTTP_PORT: '0' },
    });
    await service.active;
    await waitFor(async () => (await metric('stance_audit_intact')) === 0, { what: 'the metric' });
    expect(await readiness()).toMatchObject({ ready: true, details: { verification: { intact: false } } });
    await new EventPublisher(connection, 'config-sync').publish(
      DeviceRecorded,
      { deviceId: 'after', state: 'enrolled', hardware: {}, groups: [], tags: [] },
      { id: 'test:after', cause: {} },
    );
    await recorded(FACTS + 2);
  });
});
