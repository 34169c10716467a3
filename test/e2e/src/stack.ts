import { createHash } from 'node:crypto';

import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { DeviceRecorded, PolicyPublished } from '@stance/contracts';
import { applyTopology, connectToNats, EventPublisher } from '@stance/jetstream';
import { startSentinelOneTenant, type FleetOption, type SentinelOneTenant } from '@stance/simulators';
import { ServiceProcess, startTestNats, waitFor, type TestNats } from '@stance/testing';

/** The straight line and audit: every process between a console's answer and a revocation. */
export const PIPELINE = ['audit', 'policy-engine', 'posture-store', 'device-matcher', 'sentinelone-poller'] as const;

/** Milliseconds within which up to seven processes start at once; each needs a processor for a second. */
export const START_MS = 60_000;

/** Payroll needs a machine without infection; the wiki is for any machine whose agent works. */
export const POLICY = `version: 1
postures:
  working:
    - sentinelOne:isActive == true
  clean:
    - sentinelOne:infected == false
gateways:
  edge:
    resources: [payroll, wiki]
rules:
  - name: clean machines reach payroll
    resources: [payroll]
    require: [working, clean]
  - name: working machines read the wiki
    resources: [wiki]
    require: [working]
`;

export interface StackOptions {
  /** Default: one generated machine, `SER-0`, which is device `d0`. */
  readonly fleet?: FleetOption;
  /** Settings for every service. */
  readonly environment?: NodeJS.ProcessEnv;
}

/** As many healthy machines; the n-th has the serial number `SER-<n>`. */
export function machines(count: number): { serialNumber: string }[] {
  return Array.from({ length: count }, (_, index) => ({ serialNumber: `SER-${index}` }));
}

/** A server with the streams, a simulated tenant, and services as processes of their own. */
export class Stack {
  private readonly processes: ServiceProcess[] = [];

  private constructor(
    readonly nats: TestNats,
    readonly connection: NatsConnection,
    readonly manager: JetStreamManager,
    readonly tenant: SentinelOneTenant,
    private readonly environment: NodeJS.ProcessEnv,
  ) {}

  /** The server and the tenant; no service runs yet. */
  static async start({ fleet = machines(1), environment = {} }: StackOptions = {}): Promise<Stack> {
    const nats = await startTestNats();
    const connection = await connectWithStreams(nats);
    const manager = await jetstreamManager(connection);
    const tenant = await startSentinelOneTenant({ fleet, rateLimits: false });
    return new Stack(nats, connection, manager, tenant, {
      NATS_URL: nats.url,
      SENTINELONE_URL: tenant.url,
      SENTINELONE_API_TOKEN: tenant.token,
      SENTINELONE_POLL_INTERVAL: '50ms',
      SENTINELONE_SWEEP_INTERVAL: '1h',
      ...environment,
    });
  }

  /** Starts a process of a service; more than one of a name are its replicas. */
  spawn(name: string, environment: NodeJS.ProcessEnv = {}): ServiceProcess {
    const service = ServiceProcess.start(name, { ...this.environment, ...environment });
    this.processes.push(service);
    return service;
  }

  /** Starts a process of each and waits until all are active. */
  async run(names: readonly string[], environment: NodeJS.ProcessEnv = {}): Promise<ServiceProcess[]> {
    const started = names.map((name) => this.spawn(name, environment));
    await Promise.all(started.map((service) => service.reached('active', START_MS)));
    return started;
  }

  /** The process of a service that does its work now. */
  active(name: string): ServiceProcess {
    const found = this.processes.findLast((service) => service.name === name && service.isActive);
    if (found === undefined) throw new Error(`no ${name} is active`);
    return found;
  }

  /** Publishes as a service would. */
  publisher(service: 'config-sync' | 'cli' | 'sentinelone-poller'): EventPublisher {
    // No longer than a service waits: what a server that was killed had not confirmed has to be tried again in time.
    return new EventPublisher(this.connection, service);
  }

  /** Enrolls device `d<n>` for the machine with the serial number `SER-<n>`, for each below `count`. */
  async enroll(count = 1): Promise<void> {
    const publisher = this.publisher('config-sync');
    const enrolled = machines(count).map((hardware, index) => {
      const deviceId = `d${index}`;
      return publisher.publish(
        DeviceRecorded,
        { deviceId, state: 'enrolled', hardware, groups: [], tags: [] },
        { id: `e2e:${deviceId}`, cause: {} },
      );
    });
    await Promise.all(enrolled);
  }

  async publishPolicy(document = POLICY): Promise<void> {
    const sha256 = createHash('sha256').update(document).digest('hex');
    await this.publisher('cli').publish(
      PolicyPublished,
      { revision: 1, document, sha256, publishedBy: 'e2e' },
      { id: 'e2e:policy', cause: {} },
    );
  }

  /** The tenant's agent of device `d<n>`. */
  agentOf(deviceId: string): string {
    return this.tenant.fleet.find(`SER-${deviceId.slice(1)}`).id;
  }

  infect(deviceId: string): void {
    this.tenant.fleet.infect(this.agentOf(deviceId));
  }

  clean(deviceId: string): void {
    this.tenant.fleet.clean(this.agentOf(deviceId));
  }

  /** The last sequence of a stream: what came up to now. */
  async lastSequence(stream: { readonly name: string }): Promise<number> {
    return (await this.manager.streams.info(stream.name)).state.last_seq;
  }

  /** Resolves once the console has been asked for changes after this call, or `unless` says that it cannot be. */
  async polled(unless: () => boolean = () => false): Promise<void> {
    const mark = Date.now();
    const isForChanges = (query: string) => query.includes('updatedAt__gte');
    const changes = () => this.tenant.requests().filter(({ path, query }) => path === '/agents' && isForChanges(query));
    // The one under way may have been answered before: the second is certain to show what holds now.
    const asked = () => changes().filter(({ at }) => at > mark).length >= 2;
    await waitFor(() => asked() || unless(), { what: 'the console to be polled', intervalMs: 5 });
  }

  async close(): Promise<void> {
    await Promise.all(this.processes.map((service) => service.stop()));
    await this.tenant.close();
    await this.connection.close();
    await this.nats.close();
  }
}

/** A connection to a server that has the streams, and nothing in them. */
export async function connectWithStreams({ url }: TestNats): Promise<NatsConnection> {
  const connection = await connectToNats({ url, name: 'e2e' });
  const manager = await jetstreamManager(connection);
  // A server of NATS_URL still has what the spec file before left.
  for await (const name of manager.streams.names()) await manager.streams.delete(name);
  await applyTopology(connection);
  return connection;
}
