import { DecisionChanged, DeviceRecorded, PostureChanged } from '@stance/contracts';
import { Option, type Command } from 'commander';
import type { CommandContext } from '../command-context.js';
import { deviceSummaries, type DeviceSummary } from '../records/devices.js';

export function addDevices(program: Command, context: CommandContext): void {
  program
    .command('devices')
    .description('the devices of the inventory, with their agents and decisions')
    .addOption(new Option('--state <state>', 'only those in this state').choices(['enrolled', 'retired']))
    .option('--owner <e-mail>', 'only those of this owner')
    .action(async ({ state, owner }: { state?: string; owner?: string }) => {
      await context.connected(async (stack) => {
        const [devices, postures, decisions] = await Promise.all([
          stack.table(DeviceRecorded),
          stack.table(PostureChanged),
          stack.table(DecisionChanged),
        ]);
        const rows = deviceSummaries({ devices, postures, decisions }).filter(
          (device) => (state ?? device.state) === device.state && (owner ?? device.owner) === device.owner,
        );
        context.print(rows, (screen) =>
          screen.table(
            [
              { title: 'DEVICE', value: ({ deviceId }) => deviceId, whole: true },
              { title: 'STATE', value: ({ state }) => state, style: (row) => (isRetired(row) ? 'dim' : undefined) },
              { title: 'OWNER', value: (row) => row.owner ?? '-' },
              { title: 'GROUPS', value: ({ groups }) => groups.join(',') || '-' },
              { title: 'OS', value: ({ os }) => os ?? '-' },
              { title: 'AGENTS', value: ({ agents }) => agentsText(agents) },
              { title: 'PROBLEMS', value: ({ problems }) => problems.join(',') || '-', style: problemStyle },
              { title: 'DECISIONS', value: decisionsText, style: decisionStyle },
            ],
            rows,
            'No device: is there an inventory (STANCE_DEVICES_FILE)?',
          ),
        );
      });
    });
}

const isRetired = ({ state }: DeviceSummary) => state === 'retired';
const problemStyle = ({ problems }: DeviceSummary) => (problems.length > 0 ? 'yellow' : undefined);

function agentsText(agents: DeviceSummary['agents']): string {
  return agents.map(({ source, agentId }) => `${source}/${agentId}`).join(', ') || '-';
}

function effectsOf({ decisions }: DeviceSummary): string[] {
  return Object.values(decisions).flatMap((resources) => Object.values(resources));
}

/** What is not allowed is named, what is allowed is counted. */
function decisionsText(device: DeviceSummary): string {
  const allowed = effectsOf(device).filter((effect) => effect === 'allow').length;
  const others = Object.values(device.decisions).flatMap((resources) =>
    Object.entries(resources).flatMap(([resource, effect]) => (effect === 'allow' ? [] : [`${effect} ${resource}`])),
  );
  return [...(allowed > 0 ? [`${allowed} allowed`] : []), ...new Set(others)].join(', ') || '-';
}

function decisionStyle(device: DeviceSummary) {
  const effects = effectsOf(device);
  if (effects.includes('deny')) return 'red';
  if (effects.includes('warn')) return 'yellow';
  return effects.length > 0 ? 'green' : undefined;
}
