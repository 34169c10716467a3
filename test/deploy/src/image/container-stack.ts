import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { SentinelOneTenant } from '@stance/simulators';
import { temporaryFolder, waitFor, type TemporaryFolder } from '@stance/testing';

import { download, EndlessApplication, type Download } from '../endless-application.js';
import { SERVICE_NAMES, type Service } from '../services.js';
import { LOCAL } from './base-images.js';
import { startReachableTenant, type ReachableTenant } from './console.js';
import { Container, createNetwork, removeIfThere, runToEnd } from './container.js';
import { dockerSays, type Outcome } from './docker.js';
import { CHECKOUT } from './product-image.js';

/** A session as `stance sessions --json` tells it. */
interface SessionRecord {
  readonly sessionId: string;
  readonly deviceId: string;
  readonly resource: string;
  readonly state: 'open' | 'ended' | 'revoked';
  readonly cause?: string;
  readonly enforcement?: string;
  readonly enforcedAt?: string;
  readonly reasons?: readonly { readonly attribute?: string }[];
}

const NETWORK = 'stance-test-image';
/** The volume with the accounts and users that `stance nats-auth` makes, and where compose.yaml mounts it. */
const AUTH = { volume: 'stance-test-nats-auth', folder: '/var/lib/stance/nats-auth' };
const DEVICES = 'devices:\n  - { deviceId: laptop-1, serialNumber: SER-1 }\n';
const POLICY = `version: 1
postures:
  clean:
    - sentinelOne:infected == false
gateways:
  edge:
    resources: [payroll]
rules:
  - name: clean machines reach payroll
    resources: [payroll]
    require: [clean]
`;
const gatewayFile = (subnet: string, upstream: string): string => `name: edge
listen: { host: 0.0.0.0, port: 9180 }
trustedProxies: [${subnet}]
device:
  header: { name: X-Stance-Device }
relays:
  - listen: { host: 0.0.0.0, port: 9181 }
    routes:
      - { path: /, resource: payroll, upstream: '${upstream}' }
`;

/** Everything that one revocation takes: NATS and each service in a container, a console and an application outside. */
export class ContainerStack {
  private readonly containers = new Map<string, Container>();

  private constructor(
    private readonly image: string,
    private readonly files: TemporaryFolder,
    private readonly console: ReachableTenant,
    private readonly application: EndlessApplication,
  ) {}

  static async start(image: string): Promise<ContainerStack> {
    await removeIfThere('network', NETWORK);
    await removeIfThere('volume', AUTH.volume);
    const { host, subnet } = await createNetwork(NETWORK);
    const files = await temporaryFolder();
    const console = await startReachableTenant(host, ['SER-1']);
    const application = await EndlessApplication.start(host);
    const stack = new ContainerStack(image, files, console, application);
    try {
      await stack.startContainers(gatewayFile(subnet, application.url));
    } catch (error) {
      await stack.close();
      throw error;
    }
    return stack;
  }

  get tenant(): SentinelOneTenant {
    return this.console.tenant;
  }

  container(name: Service | 'nats'): Container {
    const found = this.containers.get(name);
    if (found === undefined) throw new Error(`${name} was not started`);
    return found;
  }

  async healthy(): Promise<void> {
    await Promise.all(SERVICE_NAMES.map((name) => this.container(name).healthy()));
  }

  /** Runs a command of `stance` from the image, by default as an operator who may read the audit trail. */
  command(words: readonly string[], user = 'operator'): Promise<Outcome> {
    const environment = { ...as(user), STANCE_AUDIT_NATS_NKEY_SEED_FILE: seedOf('auditor') };
    return runToEnd(this.image, words, { network: NETWORK, environment, mounts: { [AUTH.folder]: AUTH.volume } });
  }

  async sessions(): Promise<readonly SessionRecord[]> {
    const { stdout } = await this.command(['sessions', '--json']);
    return JSON.parse(stdout) as SessionRecord[];
  }

  /** A session once its gateway has told how it ended. */
  async endOf(sessionId: string): Promise<SessionRecord> {
    const look = async () =>
      (await this.sessions()).find((session) => session.sessionId === sessionId && session.enforcedAt !== undefined);
    return waitFor(look, { what: `the end of ${sessionId}`, timeoutMs: 20_000, intervalMs: 200 });
  }

  /** Starts a download through the gateway as soon as the device may. */
  async openDownload(deviceId: string): Promise<Download> {
    const address = await this.container('gateway').address(9181);
    const begin = () => download(`http://${address}/file`, { 'x-stance-device': deviceId });
    return waitFor(begin, { what: `${deviceId} to be let in`, timeoutMs: 30_000, intervalMs: 200 });
  }

  /** The status of the gateway's answer about a device. */
  async asks(deviceId: string, resource: string): Promise<number> {
    const address = await this.container('gateway').address(9180);
    const response = await fetch(`http://${address}/authorize/${resource}`, {
      headers: { 'x-stance-device': deviceId },
    });
    await response.arrayBuffer();
    return response.status;
  }

  /** Stops all services at the same time, as a machine that goes down does. */
  async stopServices(): Promise<{ name: string; exitCode: number; tookMs: number }[]> {
    return Promise.all(SERVICE_NAMES.map(async (name) => ({ name, ...(await this.container(name).stop(30)) })));
  }

  async close(): Promise<void> {
    await Promise.all([...this.containers.values()].map((container) => container.remove()));
    await removeIfThere('network', NETWORK);
    await removeIfThere('volume', AUTH.volume);
    await this.application.close();
    await this.console.close();
    await this.files.remove();
  }

  private async startContainers(gateway: string): Promise<void> {
    const folder = join(this.files.path, 'config');
    await mkdir(folder);
    await chmod(folder, 0o755);
    const texts = {
      'devices.yaml': DEVICES,
      'policy.yaml': POLICY,
      'gateway.yaml': gateway,
      'consoles.pem': this.console.authority,
      token: this.tenant.token,
    };
    for (const [name, text] of Object.entries(texts)) await writeFile(join(folder, name), text);
    await this.startNats();
    const applied = await this.command(['--json', 'topology', 'apply', '--gateways', 'edge'], 'topology');
    if (applied.exitCode !== 0) throw new Error(`stance topology apply: ${applied.stderr}`);
    await Promise.all(SERVICE_NAMES.map((name) => this.startService(name, folder)));
  }

  /** With the configuration and the accounts of compose.yaml. */
  private async startNats(): Promise<void> {
    await dockerSays(['volume', 'create', AUTH.volume]);
    const generate = ['nats-auth', 'generate', '--out', AUTH.folder, '--gateways', 'edge'];
    const generated = await runToEnd(this.image, generate, { flags: ['--volume', `${AUTH.volume}:${AUTH.folder}`] });
    if (generated.exitCode !== 0) throw new Error(`stance nats-auth generate: ${generated.stderr}`);
    const nats = await Container.start(LOCAL.nats, ['--config', '/etc/nats/nats.conf'], {
      network: NETWORK,
      alias: 'nats',
      mounts: {
        '/etc/nats/nats.conf': join(CHECKOUT, 'deploy/docker/compose/nats.conf'),
        '/etc/nats/auth': AUTH.volume,
      },
      flags: ['--user', '65532:65532', '--tmpfs', '/var/lib/stance/nats:uid=65532,gid=65532,mode=0700'],
    });
    this.containers.set('nats', nats);
    await nats.logged(/Server is ready/);
  }

  private async startService(name: Service, folder: string): Promise<void> {
    const settings: Partial<Record<Service, Record<string, string>>> = {
      audit: { STANCE_AUDIT_NATS_NKEY_SEED_FILE: seedOf('audit-trail') },
      'config-sync': { STANCE_DEVICES_FILE: '/config/devices.yaml', STANCE_POLICY_FILE: '/config/policy.yaml' },
      gateway: { STANCE_GATEWAY_FILE: '/config/gateway.yaml' },
      'sentinelone-poller': {
        SENTINELONE_URL: this.console.url,
        SENTINELONE_API_TOKEN_FILE: '/config/token',
        SENTINELONE_POLL_INTERVAL: '1s',
        NODE_EXTRA_CA_CERTS: '/config/consoles.pem',
      },
    };
    const container = await Container.start(this.image, [name], {
      network: NETWORK,
      alias: name,
      environment: { ...as(name === 'gateway' ? 'gateway-edge' : name), ...settings[name] },
      mounts: { '/config': folder, [AUTH.folder]: AUTH.volume },
      ports: name === 'gateway' ? [9180, 9181] : [],
      flags: ['--health-interval', '1s'],
    });
    this.containers.set(name, container);
  }
}

const seedOf = (user: string): string => `${AUTH.folder}/users/${user}.nk`;
const as = (user: string) => ({ NATS_URL: 'nats://nats:4222', NATS_NKEY_SEED_FILE: seedOf(user) });
