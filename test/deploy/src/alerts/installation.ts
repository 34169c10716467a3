import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { DeviceRecorded, PolicyPublished, type ServiceName } from '@stance/contracts';
import { applyTopology, connectToNats, EventPublisher } from '@stance/jetstream';
import { startSentinelOneTenant, type SentinelOneTenant } from '@stance/simulators';
import {
  freePort,
  ServiceProcess,
  startTestNats,
  temporaryFolder,
  waitFor,
  type TemporaryFolder,
  type TestNats,
} from '@stance/testing';
import { stringify } from 'yaml';
import type { PrometheusProcess } from './prometheus-process.js';

/** Devices `d0`, `d1` and so on, each the machine with the serial number `SER-<n>`. */
const DEVICES = 70;

/** Payroll needs a machine without infection; the wiki one that is up to date, and lets few go at a time. */
export const POLICY = `version: 1
postures:
  clean:
    - sentinelOne:infected == false
  current:
    - sentinelOne:isUpToDate == true
gateways:
  edge:
    resources: [payroll, wiki]
    hold: { for: 15m, above: 20% }
rules:
  - name: clean machines reach payroll
    resources: [payroll]
    require: [clean]
  - name: current machines read the wiki
    resources: [wiki]
    require: [current]
`;

/** A policy admin whose key nobody has: what is published here is signed by none. */
const POLICY_KEYS =
  'ana namespaces="stance-policy" ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICMqLD8AC3dGT1p8tLkfK5iRRVdSkQjg358Hveqi8ci8\n';

/** The consoles of the installation: one that works, one that will refuse its token, one that will fail. */
export interface Consoles {
  readonly office: SentinelOneTenant;
  readonly refusing: SentinelOneTenant;
  readonly failing: SentinelOneTenant;
}

const PIPELINE = [
  'audit',
  'policy-engine',
  'posture-store',
  'device-matcher',
  'sentinelone-poller',
  'gateway',
] as const;

/** All services as processes of their own, with a server, three consoles, and a Prometheus that watches them. */
export class Installation {
  private readonly processes = new Map<string, ServiceProcess>();
  private revision = 0;

  private constructor(
    readonly nats: TestNats,
    readonly connection: NatsConnection,
    readonly manager: JetStreamManager,
    readonly consoles: Consoles,
    private readonly folder: TemporaryFolder,
    private readonly prometheus: PrometheusProcess,
    private readonly environment: NodeJS.ProcessEnv,
  ) {}

  /** `through`: the address by which a service reaches the server, where that is another. */
  static async start(
    prometheus: PrometheusProcess,
    through: (service: string, url: string) => Promise<string>,
  ): Promise<Installation> {
    const nats = await startTestNats();
    const connection = await connectToNats({ url: nats.url, name: 'alerts' });
    await applyTopology(connection);
    const fleet = Array.from({ length: DEVICES }, (_, index) => ({ serialNumber: `SER-${index}`, isUpToDate: true }));
    const [office, refusing, failing] = await Promise.all([
      startSentinelOneTenant({ fleet, rateLimits: false }),
      startSentinelOneTenant({ fleet: 1, rateLimits: false, token: 'refused-soon' }),
      startSentinelOneTenant({ fleet: 1, rateLimits: false, token: 'failing-soon' }),
    ]);
    const folder = await temporaryFolder();
    const consoles = { office, refusing, failing };
    const manager = await jetstreamManager(connection);
    const installation = new Installation(nats, connection, manager, consoles, folder, prometheus, {
      NATS_URL: nats.url,
      LOG_LEVEL: 'info',
      STANCE_AUDIT_VERIFY_INTERVAL: '10s',
      STANCE_GATEWAY_MAX_SILENCE: '40s',
      ...(await writeFiles(folder.path, consoles)),
    });
    await installation.enroll();
    await installation.publishPolicy(POLICY);
    for (const name of PIPELINE) await installation.spawn(name, { NATS_URL: await through(name, nats.url) });
    await Promise.all(PIPELINE.map((name) => installation.process(name).reached('active', 60_000)));
    return installation;
  }

  /** Starts a process of a service, in place of the one before, and has Prometheus watch it. */
  async spawn(name: string, environment: NodeJS.ProcessEnv = {}): Promise<void> {
    const port = await freePort();
    const service = ServiceProcess.start(name, { ...this.environment, STANCE_HTTP_PORT: String(port), ...environment });
    this.processes.set(`${name}:${service.pid}`, service);
    this.processes.set(name, service);
    await this.prometheus.watch({ url: `http://127.0.0.1:${port}`, job: `stance-${name}`, namespace: 'office' });
  }

  /** The process of a service that was started last. */
  process(name: string): ServiceProcess {
    const service = this.processes.get(name);
    if (service === undefined) throw new Error(`no ${name} was started`);
    return service;
  }

  publisher(service: ServiceName): EventPublisher {
    return new EventPublisher(this.connection, service);
  }

  /** Publishes the next policy; resolves to its revision. */
  async publishPolicy(document: string): Promise<number> {
    const revision = (this.revision += 1);
    const sha256 = createHash('sha256').update(document).digest('hex');
    await this.publisher('cli').publish(
      PolicyPublished,
      { revision, document, sha256, publishedBy: 'alerts' },
      { id: `alerts:policy:${revision}`, cause: {} },
    );
    return revision;
  }

  /** Settings of an engine that takes signed policies only; until then it takes all. */
  async signedPoliciesOnly(): Promise<NodeJS.ProcessEnv> {
    const file = join(this.folder.path, 'policy-keys');
    await writeFile(file, POLICY_KEYS);
    return { STANCE_POLICY_KEYS_FILE: file, STANCE_INSTALLATION: 'alerts' };
  }

  /** Changes an agent of the console that works. */
  change(device: number, change: (fleet: SentinelOneTenant['fleet'], agent: string) => unknown): void {
    const { fleet } = this.consoles.office;
    change(fleet, fleet.find(`SER-${device}`).id);
  }

  /** Opens a session, as a proxy does that asks for a first request; waits until the device may. */
  async open(device: number, resource: string): Promise<void> {
    const url = String((await this.process('gateway').logged('answering proxies'))['url']);
    const asked = async () => {
      const answer = await fetch(`${url}/authorize/${resource}`, { headers: { 'X-Stance-Device': `d${device}` } });
      await answer.arrayBuffer();
      return answer.status === 200;
    };
    await waitFor(asked, { what: `d${device} to reach ${resource}`, timeoutMs: 60_000, intervalMs: 50 });
  }

  /** Sets a limit of a stream to what it holds now, so that it takes nothing more; resolves to what takes the limit off. */
  async fill(stream: string): Promise<() => Promise<void>> {
    const { config, state } = await this.manager.streams.info(stream);
    await this.manager.streams.update(stream, {
      ...config,
      max_msgs: state.messages,
      discard: 'new',
    });
    return async () => void (await this.manager.streams.update(stream, config));
  }

  async close(): Promise<void> {
    await Promise.all([...new Set(this.processes.values())].map((service) => service.kill()));
    await Promise.all(Object.values(this.consoles).map((tenant: SentinelOneTenant) => tenant.close()));
    await this.connection.close();
    await this.nats.close();
    await this.folder.remove();
  }

  private async enroll(): Promise<void> {
    const publisher = this.publisher('config-sync');
    for (let index = 0; index < DEVICES; index += 1) {
      await publisher.publish(
        DeviceRecorded,
        { deviceId: `d${index}`, state: 'enrolled', hardware: { serialNumber: `SER-${index}` }, groups: [], tags: [] },
        { id: `alerts:d${index}`, cause: {} },
      );
    }
  }
}

async function writeFiles(folder: string, { office, refusing, failing }: Consoles): Promise<NodeJS.ProcessEnv> {
  const paths = {
    STANCE_SOURCES_FILE: join(folder, 'sources.yaml'),
    STANCE_GATEWAY_FILE: join(folder, 'gateway.yaml'),
  };
  const source = async (name: string, { url, token }: SentinelOneTenant, intervals: object) => {
    await writeFile(join(folder, `${name}.token`), token);
    return { name, url, tokenFile: `${name}.token`, ...intervals };
  };
  const sources = [
    await source('office', office, { pollInterval: '200ms', sweepInterval: '1h' }),
    await source('refusing', refusing, { pollInterval: '1s', sweepInterval: '1h' }),
    await source('failing', failing, { pollInterval: '1s', sweepInterval: '15s' }),
  ];
  await writeFile(paths.STANCE_SOURCES_FILE, stringify({ sources }));
  await writeFile(
    paths.STANCE_GATEWAY_FILE,
    'name: edge\nlisten: { port: 0 }\ntrustedProxies: [127.0.0.1]\ndevice: { header: {} }\n',
  );
  return paths;
}
