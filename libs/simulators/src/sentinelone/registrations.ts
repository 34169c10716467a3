import type { Agent } from './agent.js';
import type { GivenAgent } from './generate-fleet.js';

/** The same machine with its disk wiped: hardware, name and place stay, the agent is a new one that knows nothing of the old. */
export function reimaged(agent: Agent): GivenAgent {
  return machineOf(agent);
}

/** The agent as another console registers it after a migration: same machine, same uuid, a site of that console. */
export function migrated(agent: Agent): GivenAgent {
  return { ...without(machineOf(agent), BELONGS_TO_CONSOLE), uuid: agent.uuid };
}

/** What a virtual machine shows that somebody gave the serial number of `agent`. */
export function cloneOf(agent: Agent): GivenAgent {
  return {
    ...(agent.serialNumber !== undefined && { serialNumber: agent.serialNumber }),
    computerName: `${agent.computerName}-clone`,
    osType: 'windows',
    osName: 'Windows 11 Pro',
    machineType: 'desktop',
    modelName: 'VMware, Inc. - VMware7,1',
  };
}

const BELONGS_TO_REGISTRATION = [
  'id',
  'uuid',
  'createdAt',
  'registeredAt',
  'updatedAt',
  'lastActiveDate',
] as const satisfies readonly (keyof Agent)[];
const BELONGS_TO_CONSOLE = [
  'accountId',
  'accountName',
  'siteId',
  'siteName',
  'groupId',
  'groupName',
] as const satisfies readonly (keyof Agent)[];

/** Everything of an agent that belongs to the machine and where it stands. */
function machineOf(agent: Agent): Omit<Agent, (typeof BELONGS_TO_REGISTRATION)[number]> {
  return {
    ...without(agent, BELONGS_TO_REGISTRATION),
    activeThreats: 0,
    infected: false,
    isActive: true,
    isDecommissioned: false,
    isUninstalled: false,
    isPendingUninstall: false,
    networkStatus: 'connected',
    consoleMigrationStatus: 'N/A',
    threatRebootRequired: false,
  };
}

function without<T extends object, K extends keyof T>(whole: T, names: readonly K[]): Omit<T, K> {
  const rest = { ...whole };
  for (const name of names) delete rest[name];
  return rest;
}
