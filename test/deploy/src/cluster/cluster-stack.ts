import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { applyTopology, connectToNats } from '@stance/jetstream';
import { startSentinelOneTenant, type SentinelOneTenant } from '@stance/simulators';
import {
  startNatsCluster,
  temporaryFolder,
  waitFor,
  type NatsCluster,
  type StartNatsClusterOptions,
  type TemporaryFolder,
} from '@stance/testing';
import { EndlessApplication } from '../endless-application.js';
import type { Service } from '../services.js';
import { Replica } from './replica.js';

const POLICY = `version: 1
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

/** Every service that runs, in the order in which an operator lets them be replaced. */
export const SERVICES: readonly Service[] = [
  'audit',
  'config-sync',
  'sentinelone-poller',
  'device-matcher',
  'posture-store',
  'policy-engine',
  'gateway',
];

const START_MS = 90_000;

/** A NATS cluster with generated users, and two replicas of each service, each a process with credentials of its own. */
export class ClusterStack {
  readonly replicas: Replica[] = [];
  isClosed = false;

  private constructor(
    private readonly files: TemporaryFolder,
    readonly nats: NatsCluster,
    /** Of the user who may do everything in the account of Stance. */
    readonly connection: NatsConnection,
    readonly manager: JetStreamManager,
    readonly tenant: SentinelOneTenant,
    private readonly application: EndlessApplication,
  ) {}

  /** The cluster with its streams, the console and the application; no service runs yet. Devices are `d0`, `d1` and so on. */
  static async start(devices: number, options: Pick<StartNatsClusterOptions, 'format'> = {}): Promise<ClusterStack> {
    const files = await temporaryFolder();
    const nats = await startNatsCluster({ estate: { gateways: ['edge'] }, ...options });
    const topology = await nats.connectAs('topology');
    // In operator mode a server takes an account in when its first user comes: until then it knows of no JetStream for it.
    await waitFor(() => applyTopology(topology, { replicas: nats.servers.length, gateways: ['edge'] }), {
      what: 'the streams to be made',
      timeoutMs: 60_000,
      intervalMs: 500,
    });
    await topology.close();
    const connection = await connectTo(nats, 'break-glass');
    const fleet = Array.from({ length: devices }, (_, index) => ({ serialNumber: `SER-${index}` }));
    const tenant = await startSentinelOneTenant({ fleet, rateLimits: false });
    const application = await EndlessApplication.start('127.0.0.1');
    const manager = await jetstreamManager(connection, { checkAPI: false });
    const stack = new ClusterStack(files, nats, connection, manager, tenant, application);
    await stack.writeFiles(fleet);
    return stack;
  }

  /** Starts so many replicas of each service, and resolves when all of them are up. */
  async run(replicas: number): Promise<void> {
    for (let index = 0; index < replicas; index += 1) for (const service of SERVICES) this.spawn(service);
    await Promise.all(this.replicas.map((replica) => replica.up(START_MS)));
  }

  /** Replaces a replica by a new one; resolves when that is up and the service is at work. */
  async replace(replica: Replica, how: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    await replica.end(how);
    const successor = this.spawn(replica.service);
    await successor.up(START_MS);
    await waitFor(() => this.at(replica.service).some(({ isActive }) => isActive), {
      what: `${replica.service} to be active again`,
      timeoutMs: START_MS,
    });
  }

  /** The replicas of a service that were not ended. */
  at(service: Service): Replica[] {
    return this.replicas.filter((replica) => replica.service === service && !replica.wasEnded);
  }

  /** A connection as a person or a program has it, for the caller to close. */
  connectAs(user: string): Promise<NatsConnection> {
    return connectTo(this.nats, user);
  }

  infect(deviceId: string): void {
    this.tenant.fleet.infect(this.agentOf(deviceId));
  }

  clean(deviceId: string): void {
    this.tenant.fleet.clean(this.agentOf(deviceId));
  }

  /** A change that alters nobody's access. */
  upgradeAgent(deviceId: string, version: string): void {
    this.tenant.fleet.update(this.agentOf(deviceId), { agentVersion: version });
  }

  async close(): Promise<void> {
    this.isClosed = true;
    await Promise.all(this.replicas.map((replica) => replica.end('SIGTERM')));
    await this.tenant.close();
    await this.application.close();
    await this.connection.close();
    await this.nats.close();
    await this.files.remove();
  }

  private agentOf(deviceId: string): string {
    return this.tenant.fleet.find(`SER-${deviceId.slice(1)}`).id;
  }

  private spawn(service: Service): Replica {
    const replica = Replica.start(service, {
      ...this.nats.settingsOf(service === 'gateway' ? 'gateway-edge' : service),
      ...this.settingsOf(service),
    });
    this.replicas.push(replica);
    return replica;
  }

  private settingsOf(service: Service): NodeJS.ProcessEnv {
    switch (service) {
      case 'audit':
        return Object.fromEntries(
          Object.entries(this.nats.settingsOf('audit-trail'))
            .filter(([name]) => name !== 'NATS_URL' && name !== 'NATS_CA_FILE')
            .map(([name, value]) => [`STANCE_AUDIT_${name}`, value]),
        );
      case 'config-sync':
        return { STANCE_DEVICES_FILE: this.file('devices.yaml'), STANCE_POLICY_FILE: this.file('policy.yaml') };
      case 'gateway':
        return { STANCE_GATEWAY_FILE: this.file('gateway.yaml') };
      case 'sentinelone-poller':
        return {
          SENTINELONE_URL: this.tenant.url,
          SENTINELONE_API_TOKEN: this.tenant.token,
          SENTINELONE_POLL_INTERVAL: '200ms',
          SENTINELONE_SWEEP_INTERVAL: '1h',
        };
      default:
        return {};
    }
  }

  private file(name: string): string {
    return join(this.files.path, name);
  }

  private async writeFiles(fleet: readonly { serialNumber: string }[]): Promise<void> {
    const devices = fleet.map(({ serialNumber }, index) => ({ deviceId: `d${index}`, serialNumber }));
    const gateway = {
      name: 'edge',
      listen: { port: 0 },
      trustedProxies: ['127.0.0.1'],
      device: { header: {} },
      // Whoever was carried by a replica that is replaced comes back before its session would be over.
      sessions: { linger: '10m' },
      relays: [{ listen: { port: 0 }, routes: [{ resource: 'payroll', upstream: this.application.url }] }],
    };
    await mkdir(this.files.path, { recursive: true });
    // JSON is YAML.
    await writeFile(this.file('devices.yaml'), JSON.stringify({ devices }));
    await writeFile(this.file('policy.yaml'), POLICY);
    await writeFile(this.file('gateway.yaml'), JSON.stringify(gateway));
  }
}

function connectTo(nats: NatsCluster, user: string): Promise<NatsConnection> {
  const settings = nats.settingsOf(user);
  return connectToNats({
    name: user,
    url: settings.NATS_URL,
    tls: { caFile: settings.NATS_CA_FILE },
    ...('NATS_CREDS_FILE' in settings
      ? { credsFile: settings.NATS_CREDS_FILE }
      : { nkeySeedFile: settings.NATS_NKEY_SEED_FILE }),
  });
}
