import type { AgentMatched, DataOf, DeviceRecorded, PostureChanged } from '@stance/contracts';
import { isSameValue, worseOf } from '@stance/policy';

export type Posture = DataOf<typeof PostureChanged>;
export type Register = DataOf<typeof AgentMatched>;
export type Device = Pick<DataOf<typeof DeviceRecorded>, 'state' | 'owner' | 'groups' | 'tags' | 'network' | 'os'>;

/** A posture without what tells it from the revision before. */
export type PostureBody = Pick<Posture, 'device' | 'agents' | 'attributes' | 'problems'>;

/**
 * What a register is to the devices that it names: their agent, one that may be theirs (for a `duplicate`, because of a
 * serial number that is not unique), or nothing.
 */
export type Bearing = 'agent' | 'uncertain' | 'duplicate' | 'nothing';

/** Pure. One of a few words instead of the register's fields: the table of registers holds millions. */
export function bearingOf({ presence, device, candidates, problem }: Register): Bearing {
  if (presence !== 'present') return 'nothing';
  if (device !== null) return 'agent';
  if (candidates === undefined) return 'nothing';
  return problem === 'duplicate-agent-serial' || problem === 'duplicate-device-serial' ? 'duplicate' : 'uncertain';
}

/**
 * A device's posture from its inventory record and the registers that name it, or no more than the bearing of those whose
 * agents are not certain to be its own. These, and agents that are gone, add nothing.
 */
export function postureOf(
  deviceId: string,
  device: Device | undefined,
  registers: readonly Register[],
  bearings: readonly Bearing[] = [],
): PostureBody {
  // A retired device keeps nothing of what it was.
  const counts = device?.state === 'enrolled';
  const named = counts ? registers.filter((register) => names(register, deviceId)) : [];
  const matched = named.filter((register) => bearingOf(register) === 'agent').toSorted(byKey);
  const { attributes, conflict } = mergeAttributes(matched);
  return {
    device: deviceFields(device),
    agents: matched.map(({ source, agentId, by, trust, reportedAt, lastSeenAt, observedAt }) => ({
      source,
      agentId,
      ...(by !== undefined && { by }),
      ...(trust !== undefined && { trust }),
      ...(reportedAt !== undefined && { reportedAt }),
      ...(lastSeenAt !== undefined && { lastSeenAt }),
      observedAt,
    })),
    attributes,
    problems: problemsOf(device, counts ? [...named.map(bearingOf), ...bearings] : [], conflict),
  };
}

function names({ device, candidates }: Register, deviceId: string): boolean {
  return device === null ? (candidates?.includes(deviceId) ?? false) : device === deviceId;
}

function deviceFields(device: Device | undefined): Posture['device'] {
  if (device === undefined) return { state: 'unknown', groups: [], tags: [] };
  const { state, owner, groups, tags, network, os } = device;
  return {
    state,
    ...(owner !== undefined && { owner }),
    groups: groups.toSorted(),
    tags: tags.toSorted(),
    ...(network !== undefined && { network }),
    ...(os !== undefined && { os }),
  };
}

/**
 * What the agents of a machine say together: of each attribute the worse value, whoever reports it; of equal ones that which
 * was confirmed last. Where nothing says which of two values is worse there is none, so that no condition on it holds.
 */
function mergeAttributes(matched: readonly Register[]): { attributes: Posture['attributes']; conflict: boolean } {
  const attributes = new Map<string, Posture['attributes'][string]>();
  const disputed = new Set<string>();
  matched.forEach((register, agent) => {
    for (const [name, value] of Object.entries(register.attributes)) {
      const other = attributes.get(name);
      const worse = other === undefined ? 'second' : worseOf(name, other.value, value);
      if (worse === 'unordered') disputed.add(name);
      const counts = worse === 'second' || (worse === 'neither' && isFresher(register, matched[other?.agent ?? agent]));
      if (counts) attributes.set(name, { value, agent });
    }
  });
  for (const name of disputed) attributes.delete(name);
  return { attributes: Object.fromEntries(attributes), conflict: disputed.size > 0 };
}

function isFresher(register: Register, other: Register | undefined): boolean {
  return other === undefined || confirmedAt(register) > confirmedAt(other);
}

/** When an agent's values were last known to be true: the earlier of when they were read and when it was last in contact. */
function confirmedAt({ observedAt, lastSeenAt }: Register): number {
  return Math.min(Date.parse(observedAt), Date.parse(lastSeenAt ?? observedAt));
}

function problemsOf(device: Device | undefined, bearings: readonly Bearing[], conflict: boolean): Posture['problems'] {
  const problems: Posture['problems'] = [];
  const duplicate = bearings.includes('duplicate');
  const uncertain = duplicate || bearings.includes('uncertain');
  if (device === undefined) problems.push('not-enrolled');
  if (uncertain) problems.push('quarantined');
  if (duplicate) problems.push('duplicate-serial');
  if (!uncertain && !bearings.includes('agent') && device?.state === 'enrolled') problems.push('no-agent');
  if (conflict) problems.push('conflict');
  return problems;
}

/** Names of the attributes and device fields that differ, in order; `problems` where those do. */
export function changedNames(before: PostureBody | undefined, now: PostureBody): string[] {
  const names = new Set<string>();
  const olds = before?.attributes ?? {};
  for (const [name, { value }] of Object.entries(now.attributes)) {
    // An attribute may be called like something that every object has.
    const old = Object.hasOwn(olds, name) ? olds[name] : undefined;
    if (old === undefined || !isSameValue(old.value, value)) names.add(name);
  }
  for (const name of Object.keys(olds)) if (!Object.hasOwn(now.attributes, name)) names.add(name);
  for (const field of ['state', 'owner', 'groups', 'tags', 'network', 'os'] as const) {
    if (JSON.stringify(before?.device[field]) !== JSON.stringify(now.device[field])) names.add(`device:${field}`);
  }
  if (JSON.stringify(before?.problems) !== JSON.stringify(now.problems)) names.add('problems');
  return [...names].toSorted();
}

/** Whether two postures rest on the same agents, matched the same way and seen at the same times. */
export function sameAgents(left: PostureBody, right: PostureBody): boolean {
  return JSON.stringify(left.agents) === JSON.stringify(right.agents);
}

function byKey(left: Register, right: Register): number {
  return left.source === right.source ? compare(left.agentId, right.agentId) : compare(left.source, right.source);
}

function compare(left: string, right: string): number {
  return left < right ? -1 : Number(left > right);
}

/**
 * The revision after `stored`. A device without one starts at the time in microseconds, so that one enrolled anew is above
 * what it was before it was forgotten.
 */
export function nextRevision(stored: number | undefined, now: number): number {
  return stored === undefined ? Math.floor(now * 1_000) : stored + 1;
}
