import type { AgentMatched, AttributeValue, DataOf, PostureChanged } from '@stance/contracts';
import { agentName } from './links.js';

type Register = DataOf<typeof AgentMatched>;
type Posture = DataOf<typeof PostureChanged>;

/**
 * What an agent is to a device: `current` counts, `candidate` may be its agent (quarantined), `former` was and is gone,
 * `moved` belongs to another device now.
 */
export type Relation = 'current' | 'candidate' | 'former' | 'moved';

/** An agent of a device: its place in the posture, and its register. */
export type DeviceAgent = Posture['agents'][number] & Partial<Register> & { readonly relation: Relation };

/** A value that an agent of the device reports besides the one that counts. */
export interface OtherValue {
  readonly source: string;
  readonly agentId: string;
  readonly value: AttributeValue;
  readonly by?: string | undefined;
  readonly trust?: string | undefined;
  readonly reportedAt?: string | undefined;
  readonly lastSeenAt?: string | undefined;
  readonly observedAt: string;
}

/** All agents of a device, in the order of its posture, then candidates and former ones; from registers of any device. */
export function deviceAgents(
  deviceId: string,
  posture: Posture | undefined,
  registers: readonly Register[],
): DeviceAgent[] {
  const related = new Map<string, DeviceAgent>(
    (posture?.agents ?? []).map((agent) => [agentName(agent), { ...agent, relation: 'current' }]),
  );
  for (const register of registers.toSorted((a, b) => agentName(a).localeCompare(agentName(b)))) {
    const name = agentName(register);
    const relation = relationOf(register, deviceId);
    if (relation !== undefined) related.set(name, { ...related.get(name), ...register, relation });
  }
  return [...related.values()].toSorted((a, b) => ORDER[a.relation] - ORDER[b.relation]);
}

const ORDER = { current: 0, candidate: 1, former: 2, moved: 3 } as const satisfies Record<Relation, number>;

function relationOf(register: Register, deviceId: string): Relation | undefined {
  const { presence, device, candidates, formerDevice, previousDevice } = register;
  if (device === deviceId) return presence === 'present' ? 'current' : 'former';
  if (candidates?.includes(deviceId)) return presence === 'present' ? 'candidate' : 'former';
  if (formerDevice === deviceId) return 'former';
  return previousDevice === deviceId ? 'moved' : undefined;
}

/** What the current agents report for an attribute, where it is not the value that counts. */
export function otherValues(agents: readonly DeviceAgent[], name: string, counts: AttributeValue | null): OtherValue[] {
  return agents.flatMap((agent) => {
    const { relation, source, agentId, attributes, by, trust, reportedAt, lastSeenAt, observedAt } = agent;
    const value = attributes?.[name];
    if (relation !== 'current' || value === undefined || isSame(value, counts)) return [];
    return [{ source, agentId, value, by, trust, reportedAt, lastSeenAt, observedAt }];
  });
}

/** Attributes for which the current agents report different values. */
export function disputedNames(agents: readonly DeviceAgent[]): string[] {
  const names = new Set(agents.flatMap(({ attributes }) => Object.keys(attributes ?? {})));
  return [...names].filter((name) => {
    const [first, ...others] = otherValues(agents, name, null);
    return others.some(({ value }) => !isSame(value, first?.value ?? null));
  });
}

function isSame(a: AttributeValue, b: AttributeValue | null): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
