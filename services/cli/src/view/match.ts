import type { AgentMatched, DataOf, PostureChanged } from '@stance/contracts';
import { agentName, type Link } from '../records/links.js';
import { AGENT_REMEDIES } from '../records/remedies.js';
import type { Screen } from './screen.js';
import type { Column } from './table.js';
import { relativeTime } from './text.js';

type Register = DataOf<typeof AgentMatched>;

/** A link in force, and whether the matcher follows it. */
export type LinkRecord = Link & { readonly followed: boolean; readonly register?: Register | undefined };

/** What a link is going to change, before it does. */
export function showLinkAhead(
  screen: Screen,
  agent: Register,
  device: { readonly deviceId: string; readonly owner?: string | undefined },
  others: DataOf<typeof PostureChanged>['agents'],
  { by, until }: { readonly by: string; readonly until?: string | undefined },
): void {
  const known = [agent.hostname, agent.serialNumber && `serial number ${agent.serialNumber}`].filter(Boolean);
  const description = known.length === 0 ? '' : ` (${known.join(', ')})`;
  const owner = device.owner === undefined ? '' : `, of ${device.owner}`;
  screen.paragraph(`Now: ${registerText(agent)}${description}`);
  screen.paragraph(
    `To be: the agent of ${device.deviceId}${owner}, as ${by} says${until === undefined ? '' : `, until ${until}`}`,
  );
  for (const other of others.filter((each) => agentName(each) !== agentName(agent))) {
    screen.paragraph(
      `${device.deviceId} has the agent ${agentName(other)} (by ${other.by ?? '?'}) now: the link goes before it`,
    );
  }
}

/** Where an agent belongs, in a line: `office-console/102 is matched to laptop-2 (manual, verified)`. */
export function registerText(register: Register): string {
  const { state, device, by, trust, problem, candidates } = register;
  if (state === 'matched') {
    return `${agentName(register)} is matched to ${device ?? '?'} (${[by, trust].filter(Boolean).join(', ') || '?'})`;
  }
  const maybe = state === 'quarantined' && candidates?.length ? `; may be ${candidates.join(', ')}` : '';
  return `${agentName(register)} is ${state} (${problem ?? 'no reason given'})${maybe}`;
}

/** Where an agent belongs, and what would match it. */
export function showRegister(screen: Screen, register: Register): void {
  screen.paragraph(registerText(register), { style: register.state === 'matched' ? 'green' : 'yellow' });
  if (register.state === 'matched') return;
  const { matter, remedy } = AGENT_REMEDIES[register.problem ?? 'no-reason'];
  screen.paragraph(`${matter} ${remedy}`, { indent: '  ' });
}

/** How links stand in a table; `now` in milliseconds since the epoch. */
export function linkColumns(now: number): Column<LinkRecord>[] {
  return [
    { title: 'AGENT', value: agentName, whole: true },
    { title: 'DEVICE', value: ({ device }) => device, whole: true },
    { title: 'BY', value: ({ by }) => by },
    { title: 'REASON', value: ({ reason }) => reason },
    { title: 'LINKED', spare: true, value: ({ linkedAt }) => relativeTime(linkedAt, now) },
    { title: 'UNTIL', value: ({ until }) => (until === undefined ? 'unlinked' : relativeTime(until, now)) },
    { title: 'MATCHED', value: matchedText, style: ({ followed }) => (followed ? 'green' : 'yellow') },
  ];
}

function matchedText({ followed, register }: LinkRecord): string {
  if (followed) return 'yes';
  if (register === undefined) return 'no: the agent is not known any more';
  if (register.presence === 'gone') return 'no: the agent is gone';
  const { state, device, by, problem } = register;
  return `not yet: ${state === 'matched' ? `matched to ${device ?? '?'} by ${by ?? '?'}` : (problem ?? state)}`;
}
