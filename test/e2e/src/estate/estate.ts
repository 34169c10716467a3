import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { DeviceRecorded, type DataOf } from '@stance/contracts';
import { startSentinelOneTenant, type FleetOption, type SentinelOneTenant } from '@stance/simulators';
import { temporaryFolder, waitFor, type ServiceProcess, type TemporaryFolder } from '@stance/testing';

import { Stack, START_MS } from '../stack.js';

export type Device = DataOf<typeof DeviceRecorded>;

/** A console, by the name of the source that reads it. */
export interface Console {
  readonly name: string;
  readonly tenant: SentinelOneTenant;
  /** The file that its poller reads the token from. */
  readonly tokenFile: string;
}

export interface EstateOptions {
  /** By source; two consoles. */
  readonly fleets: { readonly north: FleetOption; readonly south: FleetOption };
  /** Settings for every service. */
  readonly environment: NodeJS.ProcessEnv;
}

const SERVICES = ['audit', 'posture-store', 'device-matcher'] as const;

/** What an operator of two consoles runs: a server, services and a poller for each console as processes, and an inventory. */
export class Estate {
  /** The inventory's last word on each device. */
  readonly inventory = new Map<string, Device>();
  private readonly running = new Map<string, ServiceProcess>();
  private recorded = 0;

  private constructor(
    readonly stack: Stack,
    readonly consoles: readonly Console[],
    private readonly folder: TemporaryFolder,
  ) {}

  /** The server and the consoles; no service runs yet. */
  static async start({ fleets, environment }: EstateOptions): Promise<Estate> {
    const folder = await temporaryFolder();
    const stack = await Stack.start({ fleet: fleets.north, environment });
    const other = await startSentinelOneTenant({
      fleet: fleets.south,
      name: 'south',
      token: 'southern-token',
      seed: 7,
      rateLimits: false,
    });
    const console = (name: string, tenant: SentinelOneTenant) => ({
      name,
      tenant,
      tokenFile: join(folder.path, `${name}.token`),
    });
    const estate = new Estate(stack, [console('north', stack.tenant), console('south', other)], folder);
    await Promise.all(estate.consoles.map((each) => estate.writeToken(each)));
    return estate;
  }

  /** Names of all processes. */
  get services(): readonly string[] {
    return [...SERVICES, ...this.pollers];
  }

  get pollers(): readonly string[] {
    return this.consoles.map(({ name }) => `poller of ${name}`);
  }

  /** Starts every service and waits until all are active. */
  async run(): Promise<void> {
    for (const name of this.services) this.spawn(name);
    await this.active();
  }

  /** Resolves once every process is active. */
  async active(): Promise<void> {
    await Promise.all([...this.running.values()].map((service) => service.reached('active', START_MS)));
  }

  processOf(name: string): ServiceProcess {
    const found = this.running.get(name);
    if (found === undefined) throw new Error(`no ${name} runs`);
    return found;
  }

  /** Ends a service and starts it again; resolves once it is active. */
  async restart(name: string, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    await this.processOf(name).stop(signal);
    await this.spawn(name).reached('active', 30_000);
  }

  console(name: string): Console {
    const found = this.consoles.find((console) => console.name === name);
    if (found === undefined) throw new Error(`no console ${name}`);
    return found;
  }

  /** The console's present token, where its poller looks for it. */
  async writeToken({ tenant, tokenFile }: Console): Promise<void> {
    await writeFile(tokenFile, tenant.token);
  }

  /** The inventory says this of a device from now on. */
  async record(device: Device): Promise<void> {
    this.inventory.set(device.deviceId, device);
    this.recorded += 1;
    const options = { id: `estate:${this.recorded}`, cause: {}, retires: device.state === 'retired' };
    const publisher = this.stack.publisher('config-sync');
    // The server may be down at the moment; twice the same word is one.
    const publish = async () => {
      await publisher.publish(DeviceRecorded, device, options);
      return true;
    };
    await waitFor(publish, { what: `the inventory's word on ${device.deviceId} to be stored`, timeoutMs: 30_000 });
  }

  async close(): Promise<void> {
    await this.stack.close();
    await Promise.all(this.consoles.map(({ tenant }) => tenant.close()));
    await this.folder.remove();
  }

  private spawn(name: string): ServiceProcess {
    const console = this.consoles.find((each) => name === `poller of ${each.name}`);
    const service = console
      ? this.stack.spawn('sentinelone-poller', {
          SENTINELONE_SOURCE: console.name,
          SENTINELONE_URL: console.tenant.url,
          SENTINELONE_API_TOKEN: '',
          SENTINELONE_API_TOKEN_FILE: console.tokenFile,
        })
      : this.stack.spawn(name);
    this.running.set(name, service);
    return service;
  }
}
