import type { Agent } from './agent.js';
import type { Condition } from './conditions.js';
import {
  choiceRules,
  containsRule,
  equalsRule,
  flagRule,
  flagsRule,
  idsRule,
  numberRules,
  parseInteger,
  timeRules,
} from './filter-rules.js';
import type { FilterRule, FilterRules } from './filter-rules.js';
import type { SortValue } from './ordered-index.js';

const BY_OWN_NAME = [
  'createdAt',
  'updatedAt',
  'computerName',
  'groupId',
  'osType',
  'osName',
  'uuid',
  'scanStatus',
  'isDecommissioned',
  'isUninstalled',
  'registeredAt',
  'lastActiveDate',
  'isActive',
  'isPendingUninstall',
  'activeThreats',
  'isUpToDate',
  'agentVersion',
  'osArch',
  'machineType',
  'networkStatus',
  'domain',
  'mitigationMode',
  'mitigationModeSuspicious',
  'encryptedApplications',
  'totalMemory',
  'cpuCount',
  'coreCount',
  'externalIp',
  'lastLoggedInUserName',
  'groupName',
  'siteId',
  'siteName',
  'infected',
  'threatRebootRequired',
  'consoleMigrationStatus',
  'appsVulnerabilityStatus',
  'accountName',
  'externalId',
  'installerType',
  'rangerVersion',
  'operationalState',
  'remoteProfilingState',
  'networkQuarantineEnabled',
  'firewallEnabled',
  'locationEnabled',
  'cpuId',
] as const satisfies readonly (keyof Agent)[];

/** The columns agents can be sorted by (`sortBy` of the specification, without the cloud and threat columns). */
export const AGENT_COLUMNS: ReadonlyMap<string, (agent: Agent) => SortValue> = new Map<
  string,
  (agent: Agent) => SortValue
>([
  ...BY_OWN_NAME.map((name): [string, (agent: Agent) => SortValue] => [name, (agent) => agent[name]]),
  // Padded: ids order as the numbers they spell.
  ['id', (agent) => agent.id.padStart(20, '0')],
  ['serialNumber', (agent) => agent.serialNumber ?? null],
  ['networkInterfaceInet', (agent) => agent.networkInterfaces[0]?.inet[0] ?? null],
  ['networkInterfacePhysical', (agent) => agent.networkInterfaces[0]?.physical ?? null],
]);

const OS_TYPES = ['windows', 'windows_legacy', 'linux', 'macos'];
const MACHINE_TYPES = ['unknown', 'desktop', 'laptop', 'server', 'kubernetes node', 'storage'];
const NETWORK_STATUSES = ['connected', 'disconnected', 'connecting', 'disconnecting'];
const SCAN_STATUSES = ['none', 'started', 'aborted', 'finished'];

const atLeastThreats: FilterRule<Agent> = (text, parameter) => {
  const least = parseInteger(text, parameter, 0, 2 ** 31 - 1);
  return { matches: (agent) => agent.activeThreats >= least };
};
const exactlyThreats: FilterRule<Agent> = (text, parameter) => {
  const exactly = parseInteger(text, parameter, 0, 2 ** 31 - 1);
  return { matches: (agent) => agent.activeThreats === exactly };
};

/** Free text: part of a name, user, address, uuid or serial number; a MAC address matches only from its start. */
const freeText: FilterRule<Agent> = (text) => {
  const wanted = text.toLowerCase();
  return {
    matches: (agent) =>
      [
        agent.computerName,
        agent.lastLoggedInUserName,
        agent.uuid,
        agent.serialNumber,
        agent.externalIp,
        agent.lastIpToMgmt,
      ].some((value) => typeof value === 'string' && value.toLowerCase().includes(wanted)) ||
      agent.networkInterfaces.some(({ physical }) => physical.toLowerCase().startsWith(wanted)),
  };
};

/** The filters of `GET /agents` that the simulator knows; any other parameter is refused, never ignored. */
export const AGENT_FILTERS: FilterRules<Agent> = {
  ids: idsRule(),
  ...choiceRules('uuids', (agent) => agent.uuid),
  ...choiceRules('siteIds', (agent) => agent.siteId),
  ...choiceRules('accountIds', (agent) => agent.accountId),
  ...choiceRules('groupIds', (agent) => agent.groupId),
  ...choiceRules('agentVersions', (agent) => agent.agentVersion),
  ...choiceRules('domains', (agent) => agent.domain),
  ...choiceRules('osTypes', (agent) => agent.osType, OS_TYPES),
  ...choiceRules('machineTypes', (agent) => agent.machineType, MACHINE_TYPES),
  ...choiceRules('networkStatuses', (agent) => agent.networkStatus, NETWORK_STATUSES),
  ...choiceRules('operationalStates', (agent) => agent.operationalState),
  ...choiceRules('scanStatuses', (agent) => agent.scanStatus, SCAN_STATUSES),
  ...choiceRules('appsVulnerabilityStatuses', (agent) => agent.appsVulnerabilityStatus),
  ...choiceRules('consoleMigrationStatuses', (agent) => agent.consoleMigrationStatus),
  ...choiceRules('installerTypes', (agent) => agent.installerType),
  ...choiceRules('userActionsNeeded', (agent) => agent.userActionsNeeded),
  ...timeRules('createdAt', (agent) => agent.createdAt),
  ...timeRules('updatedAt', (agent) => agent.updatedAt),
  ...timeRules('lastActiveDate', (agent) => agent.lastActiveDate),
  ...timeRules('registeredAt', (agent) => agent.registeredAt),
  ...numberRules('coreCount', (agent) => agent.coreCount),
  ...numberRules('cpuCount', (agent) => agent.cpuCount),
  ...numberRules('totalMemory', (agent) => agent.totalMemory),
  activeThreats: exactlyThreats,
  activeThreats__gt: atLeastThreats,
  infected: flagRule((agent) => agent.infected),
  isActive: flagRule((agent) => agent.isActive),
  isPendingUninstall: flagRule((agent) => agent.isPendingUninstall),
  isUpToDate: flagRule((agent) => agent.isUpToDate),
  encryptedApplications: flagRule((agent) => agent.encryptedApplications),
  isDecommissioned: flagsRule((agent) => agent.isDecommissioned),
  isUninstalled: flagsRule((agent) => agent.isUninstalled),
  firewallEnabled: flagsRule((agent) => agent.firewallEnabled),
  locationEnabled: flagsRule((agent) => agent.locationEnabled),
  networkQuarantineEnabled: flagsRule((agent) => agent.networkQuarantineEnabled),
  threatRebootRequired: flagsRule((agent) => agent.threatRebootRequired),
  computerName: equalsRule((agent) => agent.computerName),
  uuid: equalsRule((agent) => agent.uuid),
  osArch: equalsRule((agent) => agent.osArch),
  computerName__contains: containsRule((agent) => [agent.computerName]),
  serialNumber__contains: containsRule((agent) => [agent.serialNumber]),
  externalId__contains: containsRule((agent) => [agent.externalId]),
  externalIp__contains: containsRule((agent) => [agent.externalIp]),
  uuid__contains: containsRule((agent) => [agent.uuid]),
  lastLoggedInUserName__contains: containsRule((agent) => [agent.lastLoggedInUserName]),
  networkInterfacePhysical__contains: containsRule((agent) => agent.networkInterfaces.map(({ physical }) => physical)),
  networkInterfaceInet__contains: containsRule((agent) => agent.networkInterfaces.flatMap(({ inet }) => inet)),
  query: freeText,
};

/** What the console adds when nobody asks: agents that left are not shown. */
export function agentDefaults(asked: ReadonlySet<string>): Condition<Agent>[] {
  const defaults: Condition<Agent>[] = [];
  if (!asked.has('isDecommissioned')) defaults.push({ matches: (agent) => !agent.isDecommissioned });
  if (!asked.has('isUninstalled')) defaults.push({ matches: (agent) => !agent.isUninstalled });
  return defaults;
}
