import { agentName } from '../records/links.js';
import {
  problemOfAgent,
  problemOfDevice,
  type Group,
  type UnmatchedAgent,
  type UnmatchedDevice,
} from '../records/unmatched.js';
import { AGENT_REMEDIES, DEVICE_REMEDIES } from '../records/remedies.js';
import type { CsvColumn } from './csv.js';
import type { Screen } from './screen.js';
import type { Column } from './table.js';
import { grouped, relativeTime } from './text.js';

/** Rows shown of a group among others; a group on its own is shown whole. */
const SHOWN = 20;

const IDENTIFIERS = {
  serialNumber: 'serial number',
  uuid: 'UUID',
  externalId: 'external id',
  macAddress: 'MAC address',
  hostname: 'host name',
} as const satisfies Record<UnmatchedAgent['similar'][number]['agreesOn'][number], string>;

export interface UnmatchedGroups {
  readonly agents: readonly Group<UnmatchedAgent>[];
  readonly devices: readonly Group<UnmatchedDevice>[];
}

/** All that is not matched, by reason: first the counts, then each group. `now` in milliseconds since the epoch. */
export function showUnmatched(screen: Screen, { agents, devices }: UnmatchedGroups, now: number): void {
  showCounts(screen, agents, 'Every agent belongs to a device.', (count) =>
    count === 1 ? 'agent belongs to no device for certain:' : 'agents belong to no device for certain:',
  );
  showCounts(screen, devices, 'Every enrolled device has an agent.', (count) =>
    count === 1 ? 'enrolled device has no agent:' : 'enrolled devices have no agent:',
  );
  for (const group of agents) showGroup(screen, group, 'agent', agentColumns(now), SHOWN);
  for (const group of devices) showGroup(screen, group, 'device', DEVICE_COLUMNS, SHOWN);
}

/** What has one reason, all of it. */
export function showUnmatchedGroup(screen: Screen, { agents, devices }: UnmatchedGroups, now: number): void {
  if (agents.length + devices.length === 0) screen.line('Nothing has this reason.');
  for (const group of agents) showGroup(screen, group, 'agent', agentColumns(now));
  for (const group of devices) showGroup(screen, group, 'device', DEVICE_COLUMNS);
}

function showCounts<Row>(
  screen: Screen,
  groups: readonly Group<Row>[],
  none: string,
  sentence: (count: number) => string,
): void {
  const total = groups.reduce((sum, { rows }) => sum + rows.length, 0);
  screen.paragraph(total === 0 ? none : `${grouped(total)} ${sentence(total)}`);
  for (const { problem, rows } of groups) screen.line(`${grouped(rows.length).padStart(9)}  ${problem}`);
}

function showGroup<Row>(
  screen: Screen,
  { problem, matter, remedy, rows }: Group<Row>,
  noun: string,
  columns: readonly Column<Row>[],
  shown = Number.POSITIVE_INFINITY,
): void {
  screen.line();
  screen.line(screen.paint('bold', `${problem} (${grouped(rows.length)} ${noun}${rows.length === 1 ? '' : 's'})`));
  screen.paragraph(matter);
  screen.paragraph(`What would match ${rows.length === 1 ? 'it' : 'them'}: ${remedy}`);
  screen.table(columns, rows.slice(0, shown), '');
  const more = rows.length - shown;
  if (more > 0) screen.line(`and ${grouped(more)} more: stance unmatched --group ${problem}`);
}

const agentColumns = (now: number): Column<UnmatchedAgent>[] => [
  { title: 'AGENT', value: agentName, whole: true },
  { title: 'HOST NAME', value: ({ hostname }) => hostname ?? '-' },
  { title: 'SERIAL NUMBER', value: ({ serialNumber }) => serialNumber ?? '-' },
  { title: 'LAST SEEN', value: ({ lastSeenAt }) => relativeTime(lastSeenAt, now) },
  { title: 'MAY BE', value: ({ candidates }) => candidates?.join(', ') || '-' },
  { title: 'SIMILAR', value: (agent) => similarText(agent) || '-' },
];

const DEVICE_COLUMNS: Column<UnmatchedDevice>[] = [
  { title: 'DEVICE WITHOUT AN AGENT', value: ({ deviceId }) => deviceId, whole: true },
  { title: 'HOST NAME', value: ({ hostname }) => hostname ?? '-' },
  { title: 'SERIAL NUMBER', value: ({ serialNumber }) => serialNumber ?? '-' },
  { title: 'SHARES KEY WITH', value: ({ sharesKeyWith }) => sharesKeyWith.join(', ') || '-' },
];

/** `laptop-2 (host name, MAC address); laptop-3 (host name)`. */
function similarText({ similar }: UnmatchedAgent): string {
  return similar
    .map(({ deviceId, agreesOn }) => `${deviceId} (${agreesOn.map((each) => IDENTIFIERS[each]).join(', ')})`)
    .join('; ');
}

export const AGENT_CSV: readonly CsvColumn<UnmatchedAgent>[] = [
  { name: 'source', value: ({ source }) => source },
  { name: 'agentId', value: ({ agentId }) => agentId },
  { name: 'state', value: ({ state }) => state },
  { name: 'problem', value: problemOfAgent },
  { name: 'remedy', value: (agent) => AGENT_REMEDIES[problemOfAgent(agent)].remedy },
  { name: 'hostname', value: ({ hostname }) => hostname },
  { name: 'serialNumber', value: ({ serialNumber }) => serialNumber },
  { name: 'uuid', value: ({ uuid }) => uuid },
  { name: 'externalId', value: ({ externalId }) => externalId },
  { name: 'macAddresses', value: ({ macAddresses }) => macAddresses?.join('; ') },
  { name: 'user', value: ({ user }) => user },
  { name: 'candidates', value: ({ candidates }) => candidates?.join('; ') },
  { name: 'similar', value: similarText },
  { name: 'registeredAt', value: ({ registeredAt }) => registeredAt },
  { name: 'lastSeenAt', value: ({ lastSeenAt }) => lastSeenAt },
  { name: 'reportedAt', value: ({ reportedAt }) => reportedAt },
  { name: 'observedAt', value: ({ observedAt }) => observedAt },
];

export const DEVICE_CSV: readonly CsvColumn<UnmatchedDevice>[] = [
  { name: 'deviceId', value: ({ deviceId }) => deviceId },
  { name: 'problem', value: problemOfDevice },
  { name: 'remedy', value: (device) => DEVICE_REMEDIES[problemOfDevice(device)].remedy },
  { name: 'hostname', value: ({ hostname }) => hostname },
  { name: 'serialNumber', value: ({ serialNumber }) => serialNumber },
  { name: 'sharesKeyWith', value: ({ sharesKeyWith }) => sharesKeyWith.join('; ') },
];
