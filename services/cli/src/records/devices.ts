import type {
  AttributeValue,
  DataOf,
  DecisionChanged,
  DeviceRecorded,
  Effect,
  EventOf,
  PostureChanged,
} from '@stance/contracts';
import type { SessionRecord } from './sessions.js';

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

/** An attribute with the agent that reported it; several agents may disagree, then it names the first. */
export interface AttributeRecord {
  readonly name: string;
  readonly value: AttributeValue;
  readonly source?: string | undefined;
  readonly agentId?: string | undefined;
  readonly by?: string | undefined;
  readonly trust?: string | undefined;
  readonly reportedAt?: string | undefined;
  readonly lastSeenAt?: string | undefined;
  readonly observedAt?: string | undefined;
}

/** Everything about one device. */
export type DeviceRecord = Omit<Inventory, 'state'> & {
  readonly state: Posture['device']['state'];
  readonly postureRevision: number;
  readonly problems: Posture['problems'];
  readonly agents: Posture['agents'];
  readonly attributes: readonly AttributeRecord[];
  readonly decisions: readonly Decision[];
  readonly sessions: readonly SessionRecord[];
};

export interface DeviceParts {
  readonly device: Inventory | undefined;
  readonly posture: Posture | undefined;
  readonly decisions: readonly Decision[];
  readonly sessions: readonly SessionRecord[];
}

/** What is known of a device; `undefined` for one that neither the inventory nor any agent knows. */
export function deviceRecord({ device, posture, decisions, sessions }: DeviceParts): DeviceRecord | undefined {
  const known = device ?? (posture && { deviceId: posture.deviceId, hardware: {}, ...posture.device });
  if (known === undefined) return undefined;
  return {
    ...known,
    postureRevision: posture?.revision ?? 0,
    problems: posture?.problems ?? [],
    agents: posture?.agents ?? [],
    attributes: posture === undefined ? [] : attributeRecords(posture),
    decisions: decisions.toSorted((a, b) => a.gateway.localeCompare(b.gateway)),
    sessions: sessions.filter(({ state }) => state === 'open'),
  };
}

function attributeRecords({ attributes, agents }: Posture): AttributeRecord[] {
  return Object.entries(attributes)
    .map(([name, { value, agent }]) => ({ name, value, ...agents[agent] }))
    .toSorted((a, b) => a.name.localeCompare(b.name));
}
