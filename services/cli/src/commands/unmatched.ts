import { ListUnmatched } from '@stance/contracts';
import { ask } from '@stance/jetstream';
import type { Command } from 'commander';
import type { CommandContext } from '../command-context.js';
import type { Stack } from '../stack.js';
import { relativeTime } from '../view/text.js';

type Answer = Awaited<ReturnType<typeof askPage>>;
type Agent = Answer['agents'][number];
type Device = Answer['devices'][number];

export function addUnmatched(program: Command, context: CommandContext): void {
  program
    .command('unmatched')
    .description('agents that belong to no device for certain, and devices without an agent')
    .option('--devices', 'with --json: the devices without an agent instead of the agents')
    .action(async ({ devices: wantsDevices }: { devices?: boolean }) => {
      await context.connected(async (stack) => {
        const { agents, devices } = await askAll(stack);
        context.print(wantsDevices ? devices : agents, (screen) => {
          screen.table(agentColumns(Date.now()), agents, 'Every agent belongs to a device.');
          screen.line();
          screen.table(DEVICE_COLUMNS, devices, 'Every enrolled device has an agent.');
        });
      });
    });
}

const agentColumns = (now: number) => [
  { title: 'AGENT', value: ({ source, agentId }: Agent) => `${source}/${agentId}`, whole: true },
  { title: 'STATE', value: ({ state }: Agent) => state },
  { title: 'PROBLEM', value: ({ problem }: Agent) => problem ?? '-' },
  { title: 'HOST NAME', value: ({ hostname }: Agent) => hostname ?? '-' },
  { title: 'SERIAL NUMBER', value: ({ serialNumber }: Agent) => serialNumber ?? '-' },
  { title: 'MAY BE', value: ({ candidates }: Agent) => candidates?.join(', ') ?? '-' },
  { title: 'LAST SEEN', value: ({ lastSeenAt }: Agent) => relativeTime(lastSeenAt, now) },
];

const DEVICE_COLUMNS = [
  { title: 'DEVICE WITHOUT AN AGENT', value: ({ deviceId }: Device) => deviceId, whole: true },
  { title: 'HOST NAME', value: ({ hostname }: Device) => hostname ?? '-' },
  { title: 'SERIAL NUMBER', value: ({ serialNumber }: Device) => serialNumber ?? '-' },
];

async function askPage(stack: Stack, after: string | undefined) {
  return ask(stack.connection, ListUnmatched, { limit: 200, ...(after !== undefined && { after }) });
}

async function askAll(stack: Stack): Promise<{ agents: Agent[]; devices: Device[] }> {
  const agents: Agent[] = [];
  const devices = new Map<string, Device>();
  let after: string | undefined;
  do {
    const page = await askPage(stack, after);
    agents.push(...page.agents);
    for (const device of page.devices) devices.set(device.deviceId, device);
    after = page.next ?? undefined;
  } while (after !== undefined);
  return { agents, devices: [...devices.values()] };
}
