import { type AgentMatched, type DataOf, type EventOf, type OperatorActed } from '@stance/contracts';

type Register = DataOf<typeof AgentMatched>;

/** A person's word that an agent belongs to a device, while it is in force. */
export interface Link {
  readonly source: string;
  readonly agentId: string;
  readonly device: string;
  readonly by: string;
  readonly reason: string;
  readonly linkedAt: string;
  readonly until?: string | undefined;
}

/** The `targetId` of links. */
export function agentName({ source, agentId }: { readonly source: string; readonly agentId: string }): string {
  return `${source}/${agentId}`;
}

/**
 * The links in force: of link and unlink for one agent the one stored last counts, until its time is over. `operations`
 * in the order in which they were stored, `now` in milliseconds since the epoch.
 */
export function linksInForce(operations: readonly EventOf<typeof OperatorActed>[], now: number): Link[] {
  const links = new Map<string, Link>();
  for (const event of operations) {
    const { kind, targetId } = event.data;
    if (kind === 'manual-unlink') links.delete(targetId);
    if (kind !== 'manual-link') continue;
    // Also one that is over, or cannot be read as one, takes the place of the link before it.
    links.delete(targetId);
    const link = linkOf(event);
    if (link !== undefined && (link.until === undefined || Date.parse(link.until) > now)) links.set(targetId, link);
  }
  return [...links.values()].toSorted((a, b) => agentName(a).localeCompare(agentName(b)));
}

function linkOf({ time, data }: EventOf<typeof OperatorActed>): Link | undefined {
  const { source, agentId, device } = data.details ?? {};
  if (source === undefined || agentId === undefined || device === undefined) return undefined;
  return { source, agentId, device, by: data.by, reason: data.reason, linkedAt: time, until: data.until };
}

/** Whether the matcher follows a link, as the agent's register says. */
export function isFollowed({ device }: Pick<Link, 'device'>, register: Register | undefined): boolean {
  return register?.state === 'matched' && register.by === 'manual' && register.device === device;
}
