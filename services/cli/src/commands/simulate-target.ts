import { NatsUnreachable } from '@stance/jetstream';
import { DeviceRecorded, type DataOf } from '@stance/contracts';
import type { CommandContext } from '../command-context.js';
import { WrongUsage } from '../errors.js';
import { LocalStackNotRunning } from '../local-stack.js';
import { didYouMean } from '../records/nearest.js';
import { SimulatorClient, type SimulatedAgent, type SimulatedTenant } from '../simulator-client.js';

type Device = DataOf<typeof DeviceRecorded>;

/** An agent of the tenant with the device that its serial number belongs to. */
export type AgentRow = SimulatedAgent & { readonly deviceId: string | null };

/** The simulated tenants a command works on, and the inventory beside them. */
export class SimulateTarget {
  private devices: Promise<readonly Device[]> | undefined;

  private constructor(
    private readonly context: CommandContext,
    /** The tenant that `--tenant` names, else that of the running local stack. */
    readonly client: SimulatorClient,
  ) {}

  /** Throws `WrongUsage` for an address that is no simulator and a name that no tenant has. */
  static async find(given: string | undefined, context: CommandContext): Promise<SimulateTarget> {
    if (given !== undefined && URL.canParse(given))
      return new SimulateTarget(context, await SimulatorClient.connect(given));
    const { simulatorUrl } = context.localStack();
    if (!simulatorUrl) {
      throw new WrongUsage(
        'the local stack has no simulated tenant, as it reads a real console: name one by --tenant <url>',
      );
    }
    const local = new SimulateTarget(context, await SimulatorClient.connect(simulatorUrl));
    return given === undefined ? local : new SimulateTarget(context, await local.tenant(given));
  }

  async tenants(): Promise<readonly SimulatedTenant[]> {
    return this.client.tenants();
  }

  /** The tenant of this name or address that runs beside this one. */
  async tenant(reference: string): Promise<SimulatorClient> {
    const tenants = await this.client.tenants();
    const found = tenantNamed(reference, tenants);
    if (found === undefined) throw new WrongUsage(unknownTenantText(reference, tenants));
    return SimulatorClient.connect(found.url);
  }

  /** The agent with the device it is known as. */
  async row(agent: SimulatedAgent): Promise<AgentRow> {
    return { ...agent, deviceId: deviceOf(agent, await this.inventory()) };
  }

  /** The agent of a device id, or of an agent's computer name, serial number or id; throws `WrongUsage`. */
  async resolve(reference: string, client: SimulatorClient = this.client): Promise<SimulatedAgent> {
    const devices = await this.inventory();
    const device = devices.find(({ deviceId }) => deviceId === reference);
    const { serialNumber, hostname } = device?.hardware ?? {};
    for (const candidate of [serialNumber, hostname, reference]) {
      const agent = candidate === undefined ? undefined : await client.find(candidate);
      if (agent !== undefined) return agent;
    }
    if (device !== undefined)
      throw new WrongUsage(`device ${reference} has no agent in the simulated tenant: see \`stance simulate list\``);
    const { agents } = await client.agents('', 10_000);
    const names = [...devices.map(({ deviceId }) => deviceId), ...agents.map(({ computerName }) => computerName)];
    throw new WrongUsage(
      `no device and no simulated agent is called ${reference}${didYouMean(reference, names) || ': see `stance simulate list`'}`,
    );
  }

  private inventory(): Promise<readonly Device[]> {
    return (this.devices ??= readInventory(this.context));
  }
}

/** The tenant of this name or address. */
export function tenantNamed(reference: string, tenants: readonly SimulatedTenant[]): SimulatedTenant | undefined {
  const origin = URL.parse(reference)?.origin;
  return tenants.find(({ name, url }) => name === reference || url === origin);
}

export function unknownTenantText(reference: string, tenants: readonly SimulatedTenant[]): string {
  const names = tenants.map(({ name }) => name);
  return `no simulated tenant is called ${reference}: there is ${names.join(', ')}`;
}

/** To know devices by their ids; none where NATS is out of reach, as the tenant works without. */
async function readInventory(context: CommandContext): Promise<readonly Device[]> {
  try {
    return await context.connected(async (stack) => (await stack.table(DeviceRecorded)).map(({ data }) => data), {
      quiet: true,
    });
  } catch (error) {
    if (!(error instanceof NatsUnreachable || error instanceof LocalStackNotRunning)) throw error;
    context.note('NATS is out of reach: devices are known by their agents only');
    return [];
  }
}

function deviceOf({ serialNumber }: SimulatedAgent, devices: readonly Device[]): string | null {
  if (serialNumber === null) return null;
  const wanted = serialNumber.trim().toLowerCase();
  const owners = devices.filter(({ hardware }) => hardware.serialNumber?.trim().toLowerCase() === wanted);
  return owners.length === 1 ? (owners[0]?.deviceId ?? null) : null;
}
