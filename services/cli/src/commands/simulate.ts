import { NatsUnreachable } from '@stance/jetstream';
import { DecisionChanged, DeviceRecorded, type DataOf } from '@stance/contracts';
import type { Command } from 'commander';
import type { CommandContext } from '../command-context.js';
import { WrongUsage } from '../errors.js';
import { LocalStackNotRunning } from '../local-stack.js';
import { wholeNumber } from '../options.js';
import { didYouMean } from '../records/nearest.js';
import { SimulatorClient, type Action, type SimulatedAgent } from '../simulator-client.js';
import type { Column } from '../view/table.js';
import { counted, plain } from '../view/text.js';

type Device = DataOf<typeof DeviceRecorded>;
/** An agent of the tenant with the device that its serial number belongs to. */
type AgentRow = SimulatedAgent & { readonly deviceId: string | null };

const ACTIONS = {
  infect: 'let a threat be found on it',
  clean: 'let its threats be resolved',
  isolate: 'cut it off the network in the console',
  reconnect: 'end its isolation',
  retire: 'decommission its agent in the console',
} as const satisfies Record<Action, string>;

export function addSimulate(program: Command, context: CommandContext): void {
  const simulate = program
    .command('simulate')
    .description('make things happen in the simulated tenant; any other address is refused')
    .option('--tenant <url>', 'the simulated tenant (default: that of the running local stack)');
  const tenant = () => SimulatorClient.connect(tenantAddress(simulate.opts<{ tenant?: string }>().tenant, context));

  simulate
    .command('list [part]')
    .description('its agents; with a part of an id, name, serial number or user, those that contain it')
    .option('--limit <n>', 'how many', wholeNumber(1), 100)
    .action(async (part: string | undefined, { limit }: { limit: number }) => {
      const { agents, total } = await (await tenant()).agents(part ?? '', limit);
      const devices = await inventory(context);
      const rows = agents.map((agent): AgentRow => ({ ...agent, deviceId: deviceOf(agent, devices) }));
      context.print(rows, (screen) => {
        screen.simulatedNotice();
        screen.table(COLUMNS, rows, 'No agent.');
        if (total > rows.length) screen.line(`${total - rows.length} more: narrow it down, or raise --limit`);
      });
    });

  for (const action of Object.keys(ACTIONS) as Action[]) {
    simulate
      .command(`${action} <device>`)
      .description(`${ACTIONS[action]}; takes a device id, or an agent's computer name, serial number or id`)
      .action(async (reference: string) => {
        const client = await tenant();
        const devices = await inventory(context);
        const target = await resolve(client, reference, devices);
        const agent = await client.act(target.id, action);
        const row: AgentRow = { ...agent, deviceId: deviceOf(agent, devices) };
        const next = await nextCommands(row.deviceId, context);
        context.print(row, (screen) => {
          screen.simulatedNotice();
          screen.line(outcomeText(row));
          screen.line('See what follows:');
          screen.lines(next.map((command) => `  npx stance ${command}`));
        });
      });
  }
}

function tenantAddress(given: string | undefined, context: CommandContext): string {
  if (given !== undefined) return given;
  const { simulatorUrl } = context.localStack();
  if (simulatorUrl) return simulatorUrl;
  throw new WrongUsage('the local stack has no simulated tenant, as it reads a real console: name one by --tenant');
}

/** The inventory, to know devices by their ids; none where NATS is out of reach, as the tenant works without. */
async function inventory(context: CommandContext): Promise<readonly Device[] | undefined> {
  try {
    return await context.connected(async (stack) => (await stack.table(DeviceRecorded)).map(({ data }) => data), {
      quiet: true,
    });
  } catch (error) {
    if (!(error instanceof NatsUnreachable || error instanceof LocalStackNotRunning)) throw error;
    context.note('NATS is out of reach: devices are known by their agents only');
    return undefined;
  }
}

function deviceOf({ serialNumber }: SimulatedAgent, devices: readonly Device[] = []): string | null {
  if (serialNumber === null) return null;
  const wanted = serialNumber.trim().toLowerCase();
  const owners = devices.filter(({ hardware }) => hardware.serialNumber?.trim().toLowerCase() === wanted);
  return owners.length === 1 ? (owners[0]?.deviceId ?? null) : null;
}

async function resolve(
  client: SimulatorClient,
  reference: string,
  devices: readonly Device[] = [],
): Promise<SimulatedAgent> {
  const device = devices.find(({ deviceId }) => deviceId === reference);
  const { serialNumber, hostname } = device?.hardware ?? {};
  for (const candidate of [serialNumber, hostname, reference]) {
    const agent = candidate === undefined ? undefined : await client.find(candidate);
    if (agent !== undefined) return agent;
  }
  if (device !== undefined) {
    throw new WrongUsage(`device ${reference} has no agent in the simulated tenant: see \`stance simulate list\``);
  }
  const { agents } = await client.agents('', 10_000);
  const names = [...devices.map(({ deviceId }) => deviceId), ...agents.map(({ computerName }) => computerName)];
  throw new WrongUsage(
    `no device and no simulated agent is called ${reference}${didYouMean(reference, names) || ': see `stance simulate list`'}`,
  );
}

function outcomeText(agent: AgentRow): string {
  const { computerName, infected, activeThreats, networkStatus, isDecommissioned, deviceId } = agent;
  const state = [
    infected ? `infected, ${counted(activeThreats, 'active threat')}` : 'clean',
    `network ${networkStatus}`,
    ...(isDecommissioned ? ['decommissioned'] : []),
  ].join(', ');
  return plain(`agent ${computerName}${deviceId === null ? '' : ` of device ${deviceId}`} is now: ${state}`);
}

/** What to look at after something happened to a device. */
async function nextCommands(deviceId: string | null, context: CommandContext): Promise<string[]> {
  if (deviceId === null) return ['watch --last 10', 'unmatched'];
  const resource = await someResource(deviceId, context);
  return ['watch --last 10', `sessions --device ${deviceId}`, `explain ${deviceId} ${resource ?? '<resource>'}`];
}

async function someResource(deviceId: string, context: CommandContext): Promise<string | undefined> {
  const decisions = await context.connected((stack) => stack.table(DecisionChanged, { deviceId }), { quiet: true });
  return decisions.flatMap(({ data }) => Object.keys(data.resources)).at(0);
}

const COLUMNS: Column<AgentRow>[] = [
  { title: 'DEVICE', value: ({ deviceId }) => deviceId ?? '-', whole: true },
  { title: 'COMPUTER', value: ({ computerName }) => computerName, whole: true },
  { title: 'SERIAL NUMBER', value: ({ serialNumber }) => serialNumber ?? '-' },
  { title: 'USER', value: ({ lastLoggedInUserName }) => lastLoggedInUserName || '-' },
  { title: 'OS', value: ({ osType }) => osType },
  { title: 'STATE', value: stateText, style: (row) => (row.infected ? 'red' : undefined) },
  { title: 'AGENT', value: ({ id }) => id, whole: true },
];

function stateText({ infected, networkStatus, isActive, isDecommissioned }: AgentRow): string {
  const words = [
    ...(infected ? ['infected'] : []),
    ...(networkStatus === 'connected' ? [] : [networkStatus]),
    ...(isActive ? [] : ['inactive']),
    ...(isDecommissioned ? ['decommissioned'] : []),
  ];
  return words.join(', ') || 'clean';
}
