import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import {
  AgentMatched,
  AgentObserved,
  AuditRecorded,
  DecisionChanged,
  DeviceRecorded,
  OperatorActed,
  PolicyPublished,
  STREAMS,
  VerifyAudit,
  type EventContract,
  type ServiceName,
  type StreamDefinition,
} from '@stance/contracts';
import { connectGateway, type Gateway } from '@stance/gateway-sdk';
import { applyTopology, ask, EventPublisher } from '@stance/jetstream';
import { backUp, restore, ServiceProcess, startSecuredNats, waitFor, type SecuredNats } from '@stance/testing';
import { factsOf, lastOf } from './facts.js';
import { POLICY } from './stack.js';

/** What docs/operating/backup.md says of a backup and its restoration, with accounts and their break-glass users. */
const SERVICES = ['audit', 'policy-engine', 'posture-store', 'device-matcher'] as const;
const LATER_MS = 30_000;

let nats: SecuredNats;
let core: NatsConnection;
let trail: NatsConnection;
let gateway: Gateway;
const processes: ServiceProcess[] = [];
const publishers = new Map<string, EventPublisher>();
let observations = 0;

beforeAll(async () => {
  nats = await startSecuredNats({ gateways: ['edge'] });
  await applyTopology(await nats.connectAs('topology'), { gateways: ['edge'] });
  [core, trail] = [await nats.connectAs('break-glass'), await nats.connectAs('audit-break-glass')];
  for (const name of SERVICES) processes.push(ServiceProcess.start(name, settingsOf(name)));
  await Promise.all(processes.map((service) => service.reached('active', LATER_MS)));
  const sha256 = createHash('sha256').update(POLICY).digest('hex');
  await publish('policy-admin', 'cli', PolicyPublished, {
    revision: 1,
    document: POLICY,
    sha256,
    publishedBy: 'e2e',
  });
  for (const deviceId of ['d0', 'd1']) {
    const hardware = { serialNumber: `SER-${deviceId.slice(1)}` };
    await publish('config-sync', 'config-sync', DeviceRecorded, {
      deviceId,
      state: 'enrolled',
      hardware,
      groups: [],
      tags: [],
    });
    await observe(deviceId, false);
  }
  gateway = await connectGateway({
    connection: await nats.connectAs('gateway-edge'),
    gateway: 'edge',
    lookEveryMs: 100,
  });
  await untilAllowed('d0', true);
  await untilAllowed('d1', true);
}, 60_000);

afterAll(async () => {
  await gateway?.close();
  await Promise.all(processes.map((service) => service.stop()));
  for (const publisher of publishers.values()) publisher.close();
  await nats?.close();
});

function settingsOf(service: (typeof SERVICES)[number]): NodeJS.ProcessEnv {
  const own = { NATS_URL: nats.url, NATS_NKEY_SEED_FILE: nats.fileOf(service) };
  return service === 'audit' ? { ...own, STANCE_AUDIT_NATS_NKEY_SEED_FILE: nats.fileOf('audit-trail') } : own;
}

async function publish<Contract extends EventContract>(
  user: string,
  service: ServiceName,
  contract: Contract,
  data: Parameters<typeof EventPublisher.prototype.publish<Contract>>[1],
): Promise<void> {
  const publisher = publishers.get(user) ?? new EventPublisher(await nats.connectAs(user), service);
  publishers.set(user, publisher);
  observations += 1;
  await publisher.publish(contract, data, { id: `e2e:${observations}`, cause: {} });
}

/** Tells of a device's agent what a poller would. */
function observe(deviceId: string, infected: boolean): Promise<void> {
  return publish('sentinelone-poller', 'sentinelone-poller', AgentObserved, {
    source: 'sentinelone',
    agentId: `agent-${deviceId}`,
    presence: 'present',
    hardware: { serialNumber: `SER-${deviceId.slice(1)}` },
    attributes: { 'sentinelOne:isActive': true, 'sentinelOne:infected': infected },
    observedAt: new Date().toISOString(),
  });
}

const isAllowed = (deviceId: string) => gateway.decide({ deviceId, resource: 'payroll', proof: 'certificate' }).allowed;
const untilAllowed = (deviceId: string, allowed: boolean) =>
  waitFor(() => isAllowed(deviceId) === allowed, {
    what: `${deviceId} to be ${allowed ? 'allowed' : 'denied'}`,
    timeoutMs: LATER_MS,
  });

async function lastSequence(connection: NatsConnection, { name }: StreamDefinition): Promise<number> {
  return (await (await jetstreamManager(connection)).streams.info(name)).state.last_seq;
}

/** Deletes streams, and has them back as they were. */
async function restoring(
  connection: NatsConnection,
  streams: readonly StreamDefinition[],
  meanwhile: () => Promise<void>,
) {
  const backups = await Promise.all(streams.map(({ name }) => backUp(connection, name)));
  await meanwhile();
  const manager = await jetstreamManager(connection);
  for (const { name } of streams) await manager.streams.delete(name);
  for (const backup of backups) await restore(connection, backup);
}

async function recordsOf({ name }: StreamDefinition) {
  const records = await factsOf({ connection: trail }, AuditRecorded, { only: { stream: name } });
  return records.map(({ data }) => data);
}

const verification = async () => ask(await nats.connectAs('viewer'), VerifyAudit, {}, { timeoutMs: 10_000 });

/** Everything that is stored is recorded, and nothing is wrong with it. */
async function untilRecorded(streams: readonly StreamDefinition[]): Promise<void> {
  for (const stream of streams) {
    await waitFor(
      async () => {
        const last = (await recordsOf(stream)).at(-1);
        return last?.kind === 'event' && last.sequence === (await lastSequence(core, stream));
      },
      { what: `${stream.name} to be recorded`, timeoutMs: LATER_MS },
    );
  }
  expect(await verification()).toMatchObject({ intact: true });
}

test('what was backed up is there again, services start over with it, and the trail says so', async () => {
  const streams = [STREAMS.POLICIES, STREAMS.MATCHES, STREAMS.DECISIONS];
  await untilRecorded(streams);
  await restoring(core, streams, async () => {
    await observe('d0', true);
    await untilAllowed('d0', false);
    await untilRecorded([STREAMS.DECISIONS]);
  });

  // The agent is infected still: that is decided again, of postures that were not restored.
  await waitFor(
    async () =>
      (await lastOf({ connection: core }, DecisionChanged)).some(
        ({ deviceId, resources }) => deviceId === 'd0' && resources['payroll']?.effect === 'deny',
      ),
    { what: 'd0 to be decided about again', timeoutMs: LATER_MS },
  );
  expect(await factsOf({ connection: core }, PolicyPublished)).toMatchObject([{ data: { document: POLICY } }]);
  const matched = await lastOf({ connection: core }, AgentMatched);
  expect(matched.map(({ agentId }) => agentId).toSorted()).toEqual(['agent-d0', 'agent-d1']);

  // The copies are of the streams before, so they are made anew.
  await applyTopology(await nats.connectAs('topology'), { gateways: ['edge'], remakeCopies: true });
  await untilAllowed('d1', true);
  await untilAllowed('d0', false);

  // What was decided before may have ended at the same sequence: only this says that audit has seen the other stream.
  const beginnings = async () =>
    (await recordsOf(STREAMS.DECISIONS)).filter(({ kind, lastMissing }) => kind === 'gap' && lastMissing === undefined);
  await waitFor(async () => (await beginnings()).length > 0, {
    what: 'audit to see that the stream was set back',
    timeoutMs: LATER_MS,
  });
  await untilRecorded([STREAMS.DECISIONS]);
  expect(await beginnings()).toHaveLength(1);
  await observe('d0', false);
  await untilAllowed('d0', true);
}, 120_000);

test('a restored trail goes on after its last record: what streams still hold is recorded again, the rest is a gap', async () => {
  const { keepPerSubject } = STREAMS.AGENTS;
  const forgotten = 4;
  await untilRecorded([STREAMS.AGENTS]);
  const after = (await recordsOf(STREAMS.AGENTS)).length;
  await restoring(trail, [STREAMS.AUDIT], async () => {
    await publish('operator', 'cli', OperatorActed, {
      kind: 'manual-unlink',
      targetId: 'agent-d9',
      by: 'e2e',
      reason: 'between backup and loss',
    });
    for (let n = 0; n < keepPerSubject + forgotten; n += 1) await observe('d9', n % 2 === 0);
    await untilRecorded([STREAMS.OPERATIONS, STREAMS.AGENTS]);
  });
  await untilRecorded([STREAMS.OPERATIONS, STREAMS.AGENTS]);
  const acts = await recordsOf(STREAMS.OPERATIONS);
  expect(acts).toMatchObject([{ kind: 'event', payload: expect.stringContaining('between backup and loss') }]);
  const [gap, ...observed] = (await recordsOf(STREAMS.AGENTS)).slice(after);
  expect(gap).toMatchObject({ kind: 'gap', lastMissing: (gap?.sequence ?? 0) + forgotten - 1 });
  expect(observed.map(({ kind }) => kind)).toEqual(Array(keepPerSubject).fill('event'));
}, 120_000);
