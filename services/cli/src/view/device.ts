import type { DeviceRecord } from '../records/devices.js';
import { effectText, reasonText } from './effects.js';
import type { Screen } from './screen.js';
import { sessionColumns } from './sessions.js';
import { plain, relativeTime, valueText } from './text.js';

/** Everything about one device, as a page; `now` in milliseconds since the epoch. */
export function showDevice(screen: Screen, device: DeviceRecord, now: number): void {
  const { paint } = screen;
  screen.line(paint('bold', plain(device.deviceId)));
  screen.lines(fieldLines(device));
  heading(screen, 'Posture');
  screen.table(
    [
      { title: 'ATTRIBUTE', value: ({ name }) => name, whole: true },
      { title: 'VALUE', value: ({ value }) => valueText(value) },
      { title: 'FROM', value: ({ source, agentId }) => (source === undefined ? '-' : `${source}/${agentId ?? '?'}`) },
      { title: 'REPORTED', value: ({ reportedAt }) => relativeTime(reportedAt, now) },
      { title: 'OBSERVED', value: ({ observedAt }) => relativeTime(observedAt, now) },
    ],
    device.attributes,
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
    [
      'agents',
      device.agents
        .map(({ source, agentId, by, trust }) => `${source}/${agentId} (by ${by ?? '?'}, ${trust ?? '?'})`)
        .join(', '),
    ],
    ['posture revision', device.postureRevision === 0 ? undefined : String(device.postureRevision)],
  ];
  return fields.flatMap(([name, value]) => (value ? [`  ${`${name}:`.padEnd(18)}${plain(value)}`] : []));
}
