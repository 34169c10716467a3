import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { BUCKETS, DeviceRecorded, STREAMS } from '@stance/contracts';
import { applyTopology, EventPublisher } from '@stance/jetstream';
import { startService, type RunningService } from '@stance/service-kit';
import { startTestNats, waitFor, type TestNats } from '@stance/testing';
import { audit } from './service.js';

/** What only the active replica knows. */
const OF_THE_ACTIVE = ['stance_audit_waiting', 'stance_audit_intact', 'stance_audit_verification_age'];

let nats: TestNats;
let connection: NatsConnection;
let service: RunningService;

beforeAll(async () => {
  nats = await startTestNats();
  connection = await nats.connect();
  await applyTopology(connection);
  service = await startService(audit, {
    environment: { NATS_URL: nats.url, LOG_LEVEL: 'silent', STANCE_HTTP_PORT: '0' },
  });
  await service.active;
});

afterAll(async () => {
  await service?.stop();
  await nats?.close();
});

/** The series that are told now, without their labels, and their values. */
async function told(): Promise<Map<string, number>> {
  const text = await (await fetch(`${service.url}/metrics`)).text();
  const lines = text.split('\n').filter((line) => line.startsWith('stance_'));
  return new Map(lines.map((line) => [line.split('{')[0] ?? '', Number(line.split(' ').at(-1))]));
}

it('tells how many records wait while nothing can be recorded, and that none does once it can', async () => {
  const manager = await jetstreamManager(connection);
  const { config } = await manager.streams.info(STREAMS.AUDIT.name);
  await manager.streams.update(STREAMS.AUDIT.name, { ...config, max_bytes: 1 });
  await new EventPublisher(connection, 'config-sync').publish(
    DeviceRecorded,
    { deviceId: 'd1', state: 'enrolled', hardware: {}, groups: [], tags: [] },
    { id: 'test:d1', cause: {} },
  );
  const tellsThatWait = (count: number) =>
    waitFor(async () => (await told()).get('stance_audit_waiting') === count, {
      what: `${count} records to wait`,
    });
  await expect(tellsThatWait(1)).resolves.toBe(true);
  await manager.streams.update(STREAMS.AUDIT.name, config);
  await expect(tellsThatWait(0)).resolves.toBe(true);
});

it('tells nothing more of it once another replica is the active one', async () => {
  await waitFor(async () => (await told()).has('stance_audit_intact'), { what: 'a verification' });
  expect([...(await told()).keys()]).toEqual(expect.arrayContaining(OF_THE_ACTIVE));
  // Overwritten, not freed first: it could take a free lease again.
  await jetstream(connection).publish(`$KV.${BUCKETS.LEASES.name}.audit`, 'another replica');
  await waitFor(() => service.state() === 'standby', { what: 'it to stand by' });
  const names = [...(await told()).keys()];
  expect(names).toContain('stance_lease_held');
  expect(names.filter((name) => OF_THE_ACTIVE.includes(name))).toEqual([]);
});
