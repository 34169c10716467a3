import type {
  AgentMatched,
  AgentObserved,
  AttributeValue,
  DataOf,
  DecisionChanged,
  DeviceRecorded,
  Effect,
  EventOf,
  PostureChanged,
} from '@stance/contracts';
import { deviceAgents, disputedNames, otherValues, type DeviceAgent, type OtherValue } from './device-agents.js';
import { agentName, type Link } from './links.js';
import type { SessionRecord } from './sessions.js';

type Register = DataOf<typeof AgentMatched>;
type Inventory = DataOf<typeof DeviceRecorded>;
type Posture = DataOf<typeof PostureChanged>;
type Decision = DataOf<typeof DecisionChanged>;

/** A device of the inventory in one line of `stance devices`. */
export type DeviceSummary = Inventory & {
  readonly agents: Posture['agents'];
  readonly problems: Posture['problems'];
  /** Effects by gateway and resource. */
  readonly decisions: Record<string, Record<string, Effect>>;
};

export interface DeviceTables {
  readonly devices: readonly EventOf<typeof DeviceRecorded>[];
  readonly postures: readonly EventOf<typeof PostureChanged>[];
  readonly decisions: readonly EventOf<typeof DecisionChanged>[];
}

/** All devices of the inventory by id, each with what is known about it. */
export function deviceSummaries({ devices, postures, decisions }: DeviceTables): DeviceSummary[] {
  const postureOf = new Map(postures.map(({ data }) => [data.deviceId, data]));
  const decisionsOf = Map.groupBy(decisions, ({ data }) => data.deviceId);
  return devices
    .map(({ data }) => ({
      ...data,
      agents: postureOf.get(data.deviceId)?.agents ?? [],
      problems: postureOf.get(data.deviceId)?.problems ?? [],
      decisions: Object.fromEntries(
        (decisionsOf.get(data.deviceId) ?? []).map(({ data: decision }) => [decision.gateway, effectsOf(decision)]),
      ),
    }))
    .toSorted((a, b) => a.deviceId.localeCompare(b.deviceId));
}

function effectsOf({ resources }: Decision): Record<string, Effect> {
  return Object.fromEntries(Object.entries(resources).map(([resource, { effect }]) => [resource, effect]));
}

/** An attribute with the agent whose value counts, and what other agents of the device report instead. */
export interface AttributeRecord {
  readonly name: string;
  /** null where the agents disagree and none is worse: the value is unknown. */
  readonly value: AttributeValue | null;
  readonly source?: string | undefined;
  readonly agentId?: string | undefined;
  readonly by?: string | undefined;
  readonly trust?: string | undefined;
  readonly reportedAt?: string | undefined;
  readonly lastSeenAt?: string | undefined;
  readonly observedAt?: string | undefined;
  readonly others: readonly OtherValue[];
}

/** What Stance last read of an agent, as an event. */
export type AgentEvent = EventOf<typeof AgentObserved>;

/** Everything about one device. */
export type DeviceRecord = Omit<Inventory, 'state'> & {
  readonly state: Posture['device']['state'];
  readonly postureRevision: number;
  readonly problems: Posture['problems'];
  readonly agents: readonly DeviceAgent[];
  readonly attributes: readonly AttributeRecord[];
  /** Links by hand of the device or of one of its agents. */
  readonly links: readonly Link[];
  readonly decisions: readonly Decision[];
  readonly sessions: readonly SessionRecord[];
};

export interface DeviceParts {
  readonly device: Inventory | undefined;
  readonly posture: Posture | undefined;
  /** Registers of agents, of this device and of others. */
  readonly registers: readonly Register[];
  /** Every link in force. */
  readonly links: readonly Link[];
  readonly decisions: readonly Decision[];
  readonly sessions: readonly SessionRecord[];
}

/** What is known of a device; `undefined` for one that neither the inventory nor any agent knows. */
export function deviceRecord(parts: DeviceParts): DeviceRecord | undefined {
  const { device, posture, registers, decisions, sessions } = parts;
  const known = device ?? (posture && { deviceId: posture.deviceId, hardware: {}, ...posture.device });
  if (known === undefined) return undefined;
  const agents = deviceAgents(known.deviceId, posture, registers);
  const names = new Set(agents.map(agentName));
  return {
    ...known,
    postureRevision: posture?.revision ?? 0,
    problems: posture?.problems ?? [],
    agents,
    attributes: posture === undefined ? [] : attributeRecords(posture, agents),
    links: parts.links.filter((link) => link.device === known.deviceId || names.has(agentName(link))),
    decisions: decisions.toSorted((a, b) => a.gateway.localeCompare(b.gateway)),
    sessions: sessions.filter(({ state }) => state === 'open'),
  };
}

function attributeRecords({ attributes, agents }: Posture, related: readonly DeviceAgent[]): AttributeRecord[] {
  const counting = Object.entries(attributes).map(([name, { value, agent }]) => ({
    name,
    value,
    ...agents[agent],
    others: otherValues(related, name, value),
  }));
  const disputed = disputedNames(related)
    .filter((name) => attributes[name] === undefined)
    .map((name) => ({ name, value: null, others: otherValues(related, name, null) }));
  return [...counting, ...disputed].toSorted((a, b) => a.name.localeCompare(b.name));
}
