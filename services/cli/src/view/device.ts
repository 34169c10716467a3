import { agentName } from '../records/links.js';
import type { AttributeRecord, DeviceRecord } from '../records/devices.js';
import type { DeviceAgent, OtherValue } from '../records/device-agents.js';
import { effectText, reasonText } from './effects.js';
import type { Screen } from './screen.js';
import { sessionColumns } from './sessions.js';
import type { Column } from './table.js';
import { plain, relativeTime, valueText } from './text.js';

/** Everything about one device, as a page; `now` in milliseconds since the epoch. */
export function showDevice(screen: Screen, device: DeviceRecord, now: number): void {
  const { paint } = screen;
  screen.line(paint('bold', plain(device.deviceId)));
  screen.lines(fieldLines(device));
  heading(screen, 'Agents');
  screen.table(agentColumns(now), device.agents, 'None. `stance unmatched` lists the agents that belong to no device.');
  for (const { source, agentId, device: target, by, reason, until } of device.links) {
    const end = until === undefined ? '' : `, until ${until}`;
    screen.paragraph(`${source}/${agentId} is linked to ${target} by hand, as ${by} says: ${reason}${end}`);
  }
  heading(screen, 'Posture');
  screen.table(
    attributeColumns(now),
    device.attributes.flatMap(attributeRows),
    'No agent has reported anything about this device.',
  );
  heading(screen, 'Decisions');
  if (device.decisions.length === 0) screen.line('No gateway serves this device anything.');
  for (const { gateway, resources, decidedAt, policyRevision } of device.decisions) {
    screen.line(`${plain(gateway)}, decided ${relativeTime(decidedAt, now)} by policy revision ${policyRevision}`);
    for (const [resource, { effect, enforced, reasons }] of Object.entries(resources)) {
      screen.line(`  ${plain(resource)}: ${effectText(effect, enforced, paint)}`);
      screen.lines(reasons.map((reason) => `    ${reasonText(reason)}`));
    }
  }
  heading(screen, 'Open sessions');
  screen.table(sessionColumns(now), device.sessions, 'None.');
}

function heading(screen: Screen, title: string): void {
  screen.line();
  screen.line(screen.paint('bold', title));
}

function fieldLines(device: DeviceRecord): string[] {
  const { serialNumber, hostname, macAddresses, uuid, externalId } = device.hardware;
  const fields: [string, string | undefined][] = [
    ['state', device.state],
    ['problems', device.problems.join(', ')],
    ['owner', device.owner],
    ['groups', device.groups.join(', ')],
    ['tags', device.tags.join(', ')],
    ['network', device.network],
    ['os', device.os],
    ['serial number', serialNumber],
    ['host name', hostname],
    ['MAC addresses', macAddresses?.join(', ')],
    ['UUID', uuid],
    ['external id', externalId],
    ['addresses', device.identities?.addresses?.join(', ')],
    ['posture revision', device.postureRevision === 0 ? undefined : String(device.postureRevision)],
  ];
  return fields.flatMap(([name, value]) => (value ? [`  ${`${name}:`.padEnd(18)}${plain(value)}`] : []));
}

const RELATIONS = {
  current: 'its agent',
  candidate: 'may be its agent',
  former: 'was its agent',
  moved: 'moved away',
} as const satisfies Record<DeviceAgent['relation'], string>;

const agentColumns = (now: number): Column<DeviceAgent>[] => [
  { title: 'AGENT', value: agentName, whole: true },
  { title: 'IS', value: relationText, style: ({ relation }) => (relation === 'candidate' ? 'yellow' : undefined) },
  { title: 'MATCHED BY', value: matchText },
  { title: 'HOST NAME', value: ({ hostname }) => hostname ?? '-' },
  { title: 'SERIAL NUMBER', spare: true, value: ({ serialNumber }) => serialNumber ?? '-' },
  { title: 'LAST SEEN', value: ({ lastSeenAt }) => relativeTime(lastSeenAt, now) },
];

function relationText({ relation, device, goneReason, clean }: DeviceAgent): string {
  if (relation === 'moved') return device ? `moved to ${device}` : RELATIONS.moved;
  if (relation !== 'former') return RELATIONS[relation];
  const details = [goneReason, clean === false && 'not clean'].filter(Boolean);
  return `${RELATIONS.former}${details.length > 0 ? ` (${details.join(', ')})` : ''}`;
}

function matchText({ by, trust, problem }: DeviceAgent): string {
  return [by, trust, problem].filter(Boolean).join(', ') || '-';
}

/** A row of the posture: the value that counts, or below it one that another agent reports. */
type AttributeRow = Omit<AttributeRecord, 'others' | 'value'> & { readonly shown: string };

const attributeColumns = (now: number): Column<AttributeRow>[] => [
  { title: 'ATTRIBUTE', value: ({ name }) => name, whole: true },
  { title: 'VALUE', value: ({ shown }) => shown },
  { title: 'FROM', value: ({ source, agentId }) => (source === undefined ? '-' : `${source}/${agentId ?? '?'}`) },
  { title: 'MATCHED BY', value: ({ by, trust }) => [by, trust].filter(Boolean).join(', ') || '-' },
  { title: 'REPORTED', spare: true, value: ({ reportedAt }) => relativeTime(reportedAt, now) },
  { title: 'OBSERVED', value: ({ observedAt }) => relativeTime(observedAt, now) },
  { title: 'LAST SEEN', spare: true, value: ({ lastSeenAt }) => relativeTime(lastSeenAt, now) },
];

function attributeRows({ others, value, ...record }: AttributeRecord): AttributeRow[] {
  const shown = value === null ? 'unknown: the agents disagree' : valueText(value);
  const below = ({ value: other, ...from }: OtherValue): AttributeRow => ({
    name: '',
    shown: `(${valueText(other)})`,
    ...from,
  });
  return [{ ...record, shown }, ...others.map(below)];
}
