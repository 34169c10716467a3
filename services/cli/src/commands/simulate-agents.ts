import { DecisionChanged } from '@stance/contracts';
import type { Command } from 'commander';
import type { CommandContext } from '../command-context.js';
import type { SimulatedAgent } from '../simulator-client.js';
import { counted, plain } from '../view/text.js';
import type { SimulateTarget } from './simulate-target.js';

type Flag = readonly [flags: string, description: string];
interface AgentVerb {
  readonly description: string;
  /** Options named as the fields of the step. */
  readonly options?: readonly Flag[];
  /** An option that has to be given. */
  readonly required?: Flag;
}

const SILENT: Flag = ['--silent', 'without a new updatedAt, so that only a sweep or the threats tell'];

const AGENT_VERBS: Readonly<Record<string, AgentVerb>> = {
  infect: {
    description: 'let a threat be found on it',
    options: [['--threat-name <name>', 'what the threat is called'], SILENT],
  },
  clean: { description: 'let its threats be resolved', options: [SILENT] },
  isolate: { description: 'cut it off the network in the console', options: [SILENT] },
  reconnect: { description: 'end its isolation', options: [SILENT] },
  silence: {
    description: 'let it stop checking in',
    options: [['--inactive-after <duration>', 'how long until the console shows it as inactive (5m); 0 is at once']],
  },
  return: { description: 'let it check in again' },
  reimage: { description: 'set its machine up anew: another agent on the same hardware, the old one silent' },
  'clone-serial': { description: 'give its serial number to a clean virtual machine as well' },
  decommission: { description: 'decommission its agent in the console', options: [SILENT] },
  retire: { description: 'decommission its agent in the console', options: [SILENT] },
  recommission: { description: 'take its decommissioned agent back', options: [SILENT] },
  uninstall: { description: 'remove the agent from its machine', options: [SILENT] },
  remove: { description: 'let its agent vanish from every list, which a console never does in the normal course' },
  touch: { description: 'move its updatedAt and change nothing' },
  migrate: {
    description: 'move its agent to the console of another simulated tenant',
    required: ['--to <tenant>', 'name or URL of that tenant'],
    options: [['--decommission-after <duration>', 'when the old console decommissions it (default: never)']],
  },
  'set-right': { description: 'end the malformed forms of its record' },
};

/** The verbs of one agent: `stance simulate infect laptop-1`. */
export function addAgentVerbs(simulate: Command, target: () => Promise<SimulateTarget>, context: CommandContext): void {
  for (const [verb, { description, options = [], required }] of Object.entries(AGENT_VERBS)) {
    const command = simulate
      .command(`${verb} <device>`)
      .description(`${description}; takes a device id, or an agent's computer name, serial number or id`);
    if (required !== undefined) command.requiredOption(...required);
    for (const flag of options) command.option(...flag);
    command.action(async (reference: string, fields: Record<string, unknown>) => {
      const found = await target();
      const before = await found.resolve(reference);
      const { agent = before, tenant } = await found.client.perform({ do: verb, agent: before.id, ...fields });
      const row = { ...(await found.row(agent)), ...(tenant !== undefined && { tenant }) };
      const next = await nextCommands(row.deviceId, context);
      context.print(row, (screen) => {
        screen.simulatedNotice();
        screen.line(agentOutcome(verb, row, tenant));
        screen.line('See what follows:');
        screen.lines(next.map((command) => `  npx stance ${command}`));
      });
    });
  }
}

/** One line about what became of an agent. */
export function agentOutcome(
  verb: string,
  agent: SimulatedAgent & { readonly deviceId: string | null },
  tenant?: string,
): string {
  const { id, computerName, deviceId } = agent;
  const called = `agent ${computerName}${deviceId === null ? '' : ` of device ${deviceId}`}`;
  if (verb === 'remove') return plain(`${called} is gone from the console`);
  const where = tenant === undefined ? '' : ` in ${tenant}`;
  const isNew = verb === 'reimage' || verb === 'clone-serial' || verb === 'migrate';
  return plain(`${isNew ? `new ${called} (${id})` : called}${where} is now: ${stateOf(agent)}`);
}

function stateOf(agent: SimulatedAgent): string {
  return [
    agent.infected ? `infected, ${counted(agent.activeThreats, 'active threat')}` : 'clean',
    `network ${agent.networkStatus}`,
    ...(agent.isActive ? [] : ['inactive']),
    ...(agent.isDecommissioned ? ['decommissioned'] : []),
    ...(agent.isUninstalled ? ['uninstalled'] : []),
  ].join(', ');
}

/** What to look at after something happened to a device. */
async function nextCommands(deviceId: string | null, context: CommandContext): Promise<string[]> {
  if (deviceId === null) return ['watch --last 10', 'unmatched'];
  const decisions = await context.connected((stack) => stack.table(DecisionChanged, { deviceId }), { quiet: true });
  const resource = decisions.flatMap(({ data }) => Object.keys(data.resources)).at(0);
  return ['watch --last 10', `sessions --device ${deviceId}`, `explain ${deviceId} ${resource ?? '<resource>'}`];
}
