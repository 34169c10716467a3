import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { DeviceRecorded, PolicyPublished, STREAMS } from '@stance/contracts';
import { applyTopology, connectToNats, EventPublisher } from '@stance/jetstream';
import { findNatsServer, startNatsServer, type NatsServer } from '@stance/nats-server';
import { startSentinelOneTenant, type SentinelOneTenant } from '@stance/simulators';
import { ServiceProcess, temporaryFolder, waitFor } from '@stance/testing';

export const SERVICES = ['audit', 'policy-engine', 'posture-store', 'device-matcher', 'sentinelone-poller'] as const;

const POLICY = `version: 1
postures:
  healthy:
    - sentinelOne:isActive == true
    - sentinelOne:infected == false
    - sentinelOne:activeThreats == 0
    - sentinelOne:operationalState == 'na'
    - sentinelOne:networkStatus == 'connected'
    - sentinelOne:isDecommissioned == false
    - sentinelOne:agentVersion >= '20.1'
    - sentinelOne:mitigationMode == 'protect'
gateways:
  edge:
    resources: [payroll, wiki]
rules:
  - name: healthy machines
    resources: [payroll, wiki]
    require: [healthy]
`;

/** A server with the streams, a simulated tenant, and the five services as processes of their own. */
export interface Bench {
  readonly nats: NatsServer;
  readonly natsVersion: string;
  readonly connection: NatsConnection;
  readonly tenant: SentinelOneTenant;
  readonly services: Map<string, ServiceProcess>;
  close(): Promise<void>;
}

/**
 * `rateLimits: false` where pages are not what is measured: the tenant's limiter refuses a request that the busy machine
 * delivers a moment early, and the poller then keeps away from it for a second. The poller keeps to its own limits always.
 */
export async function startBench(agents: number, { rateLimits = true } = {}): Promise<Bench> {
  const folder = await temporaryFolder();
  const binary = await findNatsServer();
  const nats = await startNatsServer({ binary, storeDir: folder.path, port: 0 });
  const connection = await connectToNats({ url: nats.url, name: 'bench' });
  await applyTopology(connection);
  const tenant = await startSentinelOneTenant({ fleet: agents, seed: 1, ...(!rateLimits && { rateLimits: false }) });
  tenant.fleet.prepare();
  const services = new Map<string, ServiceProcess>();
  return {
    nats,
    natsVersion: binary.version,
    connection,
    tenant,
    services,
    close: async () => {
      await Promise.all([...services.values()].map((service) => service.stop()));
      await tenant.close();
      await connection.close();
      await nats.stop();
      await folder.remove();
    },
  };
}

export async function startServices(
  bench: Bench,
  names: readonly string[],
  environment: NodeJS.ProcessEnv,
): Promise<void> {
  for (const name of names) {
    const profile = process.env['BENCH_PROFILE_DIR'];
    const nodeArguments = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`];
    bench.services.set(
      name,
      ServiceProcess.start(name, { NATS_URL: bench.nats.url, ...environment }, { nodeArguments }),
    );
  }
  await Promise.all(names.map(async (name) => bench.services.get(name)?.reached('active', 60_000)));
}

/** Enrolls a device for every agent of the tenant; device `d<n>` is the fleet's n-th machine. */
export async function enroll(bench: Bench): Promise<Map<string, string>> {
  const publisher = new EventPublisher(bench.connection, 'config-sync');
  const deviceOfAgent = new Map<string, string>();
  const writes: Promise<unknown>[] = [];
  for (const [index, agent] of bench.tenant.fleet.list().entries()) {
    const { serialNumber, id } = agent as { serialNumber?: string; id: string };
    const deviceId = `d${index}`;
    deviceOfAgent.set(id, deviceId);
    const hardware = serialNumber ? { serialNumber } : {};
    writes.push(
      publisher.publish(
        DeviceRecorded,
        { deviceId, state: 'enrolled', hardware, groups: [], tags: [] },
        { id: `bench:${deviceId}`, cause: {} },
      ),
    );
  }
  await Promise.all(writes);
  return deviceOfAgent;
}

export async function publishPolicy(bench: Bench): Promise<void> {
  await new EventPublisher(bench.connection, 'cli').publish(
    PolicyPublished,
    { revision: 1, document: POLICY, sha256: createHash('sha256').update(POLICY).digest('hex'), publishedBy: 'bench' },
    { id: 'bench:policy', cause: {} },
  );
}

/** Messages that some durable consumer of the services has yet to handle, or audit to record. */
async function pending(connection: NatsConnection): Promise<number> {
  const manager = await jetstreamManager(connection);
  let waiting = 0;
  let facts = 0;
  for (const stream of Object.values(STREAMS)) {
    for await (const { config, num_pending, num_ack_pending } of manager.consumers.list(stream.name)) {
      if (config.durable_name !== undefined) waiting += num_pending + num_ack_pending;
    }
    if (stream.audited) facts += (await manager.streams.info(stream.name)).state.last_seq;
  }
  const recorded = (await manager.streams.info(STREAMS.AUDIT.name)).state.messages;
  return waiting + Math.max(0, facts - recorded);
}

export async function settled(connection: NatsConnection, what: string, timeoutMs = 180_000): Promise<void> {
  await waitFor(async () => (await pending(connection)) === 0, { what, timeoutMs, intervalMs: 20 });
}

/** Resident memory of a process, in MiB, by the kernel's account. */
export async function residentMiB(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? Number.NaN) / 1_024;
}

/** Processor time that a process has used so far, in seconds, by the kernel's account (proc(5): ticks of 10 ms). */
export async function cpuSeconds(pid: number): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}
