import type { Command } from 'commander';
import type { CommandContext } from '../command-context.js';
import { wholeNumber } from '../options.js';
import type { Column } from '../view/table.js';
import { addAgentVerbs } from './simulate-agents.js';
import { addScenario } from './simulate-run.js';
import { SimulateTarget, type AgentRow } from './simulate-target.js';
import { addTenantVerbs } from './simulate-tenant.js';

export function addSimulate(program: Command, context: CommandContext): void {
  const simulate = program
    .command('simulate')
    .description('make things happen in the simulated tenant; any other address is refused')
    .option('--tenant <name or url>', 'the simulated tenant (default: that of the running local stack)');
  const target = () => SimulateTarget.find(simulate.opts<{ tenant?: string }>().tenant, context);

  addList(simulate, target, context);
  addAgentVerbs(simulate, target, context);
  addTenantVerbs(simulate, target, context);
  addScenario(simulate, target, context);
}

function addList(simulate: Command, target: () => Promise<SimulateTarget>, context: CommandContext): void {
  simulate
    .command('list [part]')
    .description('its agents; with a part of an id, name, serial number or user, those that contain it')
    .option('--limit <n>', 'how many', wholeNumber(1), 100)
    .action(async (part: string | undefined, { limit }: { limit: number }) => {
      const found = await target();
      const { agents, total } = await found.client.agents(part ?? '', limit);
      const rows = await Promise.all(agents.map((agent) => found.row(agent)));
      context.print(rows, (screen) => {
        screen.simulatedNotice();
        screen.table(COLUMNS, rows, 'No agent.');
        if (total > rows.length) screen.line(`${total - rows.length} more: narrow it down, or raise --limit`);
      });
    });
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

function stateText({ infected, networkStatus, isActive, isDecommissioned, isUninstalled }: AgentRow): string {
  const words = [
    ...(infected ? ['infected'] : []),
    ...(networkStatus === 'connected' ? [] : [networkStatus]),
    ...(isActive ? [] : ['inactive']),
    ...(isDecommissioned ? ['decommissioned'] : []),
    ...(isUninstalled ? ['uninstalled'] : []),
  ];
  return words.join(', ') || 'clean';
}
