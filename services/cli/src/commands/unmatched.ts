import { ListUnmatched } from '@stance/contracts';
import { ask } from '@stance/jetstream';
import { Option, type Command } from 'commander';
import type { CommandContext } from '../command-context.js';
import { WrongUsage } from '../errors.js';
import {
  agentGroups,
  deviceGroups,
  GROUP_NAMES,
  problemOfAgent,
  problemOfDevice,
  type UnmatchedAgent,
  type UnmatchedDevice,
} from '../records/unmatched.js';
import type { Stack } from '../stack.js';
import { csvText } from '../view/csv.js';
import { AGENT_CSV, DEVICE_CSV, showUnmatched, showUnmatchedGroup } from '../view/unmatched.js';

/** Comparing everything that is open with every device takes its time. */
const TIMEOUT_MS = 30_000;

interface UnmatchedOptions {
  readonly devices?: boolean;
  readonly group?: string;
  readonly csv?: boolean;
}

interface Unmatched {
  readonly agents: readonly UnmatchedAgent[];
  readonly devices: readonly UnmatchedDevice[];
}

export function addUnmatched(program: Command, context: CommandContext): void {
  program
    .command('unmatched')
    .description(
      'agents that belong to no device for certain and devices without an agent, by reason, and what would match them',
    )
    .option('--devices', 'with --json or --csv: the devices without an agent instead of the agents')
    .addOption(new Option('--group <problem>', 'only what has this reason, all of it').choices(GROUP_NAMES))
    .option('--csv', 'print CSV, one line per agent')
    .action(async ({ devices: wantsDevices, group, csv }: UnmatchedOptions) => {
      if (csv && context.json) throw new WrongUsage('--csv and --json exclude each other: choose one');
      await context.connected(
        async (stack) => {
          const { agents, devices } = ofGroup(await askAll(stack), group);
          if (csv) {
            context.io.stdout.write(wantsDevices ? csvText(DEVICE_CSV, devices) : csvText(AGENT_CSV, agents));
            return;
          }
          context.print(wantsDevices ? devices : agents, (screen) => {
            const groups = { agents: agentGroups(agents), devices: deviceGroups(devices) };
            if (group === undefined) showUnmatched(screen, groups, Date.now());
            else showUnmatchedGroup(screen, groups, Date.now());
          });
        },
        { quiet: context.json || csv === true },
      );
    });
}

function ofGroup({ agents, devices }: Unmatched, group: string | undefined): Unmatched {
  if (group === undefined) return { agents, devices };
  return {
    agents: agents.filter((agent) => problemOfAgent(agent) === group),
    devices: devices.filter((device) => problemOfDevice(device) === group),
  };
}

async function askAll(stack: Stack): Promise<Unmatched> {
  const agents: UnmatchedAgent[] = [];
  const devices = new Map<string, UnmatchedDevice>();
  let after: string | undefined;
  do {
    const input = { limit: 200, ...(after !== undefined && { after }) };
    const page = await ask(stack.connection, ListUnmatched, input, { timeoutMs: TIMEOUT_MS });
    agents.push(...page.agents);
    for (const device of page.devices) devices.set(device.deviceId, device);
    after = page.next ?? undefined;
  } while (after !== undefined);
  return { agents, devices: [...devices.values()] };
}
