import type { NatsConnection } from '@nats-io/transport-node';
import {
  AgentMatched,
  AgentObserved,
  DeviceRecorded,
  OperatorActed,
  UnreadableEvent,
  type DataOf,
  type Hardware,
  type KeysOf,
} from '@stance/contracts';
import { FactTable, readLastEvent, type EventPublisher, type StoredEvent } from '@stance/jetstream';
import { isClean } from '@stance/policy';
import { uuidsOfCertificate, type Identity, type IdentityReader } from './identity.js';

export type AgentKeys = KeysOf<typeof AgentObserved>;
export type Observation = DataOf<typeof AgentObserved>;
export type Register = DataOf<typeof AgentMatched>;

/** What the matcher remembers of an agent: enough to match it; its attributes stay in the stream. Times in milliseconds. */
export interface KnownAgent extends Identity {
  readonly presence: Observation['presence'];
  readonly decommissioned: boolean;
  /** Whether its last posture was free of threats and isolation. */
  readonly clean: boolean;
  /** Whether anything was said of threats at all; the last word on an agent that is gone may be that alone. */
  readonly reported: boolean;
  readonly registeredAt: number | undefined;
  readonly lastSeenAt: number | undefined;
}

/** What the matcher remembers of a device. */
export interface KnownDevice extends Identity {
  readonly enrolled: boolean;
  /** UUIDs that its certificate holds. */
  readonly certified: readonly string[];
}

/** Where a register says that its agent belongs, and what is needed to see whether it still does. */
export interface KnownRegister {
  readonly state: Register['state'];
  readonly device: string | null;
  readonly candidates: readonly string[] | undefined;
  readonly by: Register['by'];
  readonly trust: Register['trust'];
  readonly problem: Register['problem'];
  readonly presence: Register['presence'];
  readonly observedAt: string;
  /** Of an agent that is gone and still holds the place of one: what it was. */
  readonly former: Former | undefined;
}

/** The agent that a device had, remembered for whoever wants to take its place. */
export interface Former {
  readonly device: string;
  readonly agent: KnownAgent;
}

/** A person's word on which device an agent belongs to. */
export interface ManualLink {
  /** `undefined`: none any more. */
  readonly device: string | undefined;
  /** Milliseconds since the epoch; without it, for good. */
  readonly until: number | undefined;
}

/** A register as it stands in its stream. */
export interface StoredRegister {
  readonly register: Register;
  readonly sequence: number;
}

/** Who is told of every change, to keep its indexes. */
export interface Observer {
  agentChanged(keys: AgentKeys, agent: KnownAgent | undefined, before: KnownAgent | undefined): void;
  deviceChanged(deviceId: string, device: KnownDevice | undefined, before: KnownDevice | undefined): void;
  registerChanged(keys: AgentKeys, register: KnownRegister | undefined, before: KnownRegister | undefined): void;
  linkChanged(keys: AgentKeys, link: ManualLink | undefined, sequence: number): void;
}

export interface Tables {
  readonly agents: FactTable<typeof AgentObserved, KnownAgent>;
  readonly devices: FactTable<typeof DeviceRecorded, KnownDevice>;
  readonly registers: FactTable<typeof AgentMatched, KnownRegister>;
  /** Manual links and unlinks; other acts of operators are not kept. */
  readonly links: FactTable<typeof OperatorActed, LinkAct>;
}

export const TABLES = Symbol('tables');

/** A manual link or unlink as it was recorded. */
export interface LinkAct {
  readonly keys: AgentKeys;
  readonly link: ManualLink;
}

export function createTables(
  connection: NatsConnection,
  publisher: EventPublisher,
  identities: IdentityReader,
  observer: Observer,
): Tables {
  return {
    agents: new FactTable(connection, publisher, AgentObserved, {
      keep: ({ data }, _payload, before): KnownAgent => {
        const agent = knownAgentOf(data, identities);
        return agent.presence === 'gone' && before !== undefined ? departed(agent, before) : agent;
      },
      onChange: (keys, agent, before) => observer.agentChanged(keys, agent, before),
    }),
    devices: new FactTable(connection, publisher, DeviceRecorded, {
      keep: ({ data }): KnownDevice => knownDeviceOf(data, identities),
      onChange: ({ deviceId }, device, before) => observer.deviceChanged(deviceId, device, before),
    }),
    registers: new FactTable(connection, publisher, AgentMatched, {
      keep: ({ data }): KnownRegister => knownRegisterOf(data, identities),
      onChange: (keys, register, before) => observer.registerChanged(keys, register, before),
    }),
    links: new FactTable(connection, publisher, OperatorActed, {
      keep: ({ data }) => linkActOf(data),
      onChange: (_keys, act, before, sequence) => {
        const keys = (act ?? before)?.keys;
        if (keys !== undefined) observer.linkChanged(keys, act?.link, sequence);
      },
    }),
  };
}

/** What the matcher keeps of an observation, or of a register, which holds the same. */
export function knownAgentOf(
  data: Observation | (Register & { readonly hardware?: undefined }),
  identities: IdentityReader,
): KnownAgent {
  const { serial, serialProblem, uuid, externalId, hostname, macs } = identities.identityOf(hardwareOf(data));
  // Field by field: an object that was spread takes half as much again.
  return {
    serial,
    serialProblem,
    uuid,
    externalId,
    hostname,
    macs,
    presence: data.presence,
    decommissioned: data.attributes['sentinelOne:isDecommissioned'] === true,
    clean: data.clean ?? isClean(data.attributes),
    reported: data.clean !== undefined || Object.keys(data.attributes).length > 0,
    registeredAt: timeOf(data.registeredAt),
    lastSeenAt: timeOf(data.lastSeenAt),
  };
}

/** An agent that is gone is still what it was; its last observation may say no more than that it is gone. */
function departed(gone: KnownAgent, before: KnownAgent): KnownAgent {
  const { serial, serialProblem, uuid, externalId, hostname, macs } = isNobody(gone) ? before : gone;
  return {
    serial,
    serialProblem,
    uuid,
    externalId,
    hostname,
    macs,
    presence: 'gone',
    decommissioned: before.decommissioned,
    clean: before.clean && (gone.clean || !gone.reported),
    reported: before.reported,
    registeredAt: gone.registeredAt ?? before.registeredAt,
    lastSeenAt: gone.lastSeenAt ?? before.lastSeenAt,
  };
}

/** Whether nothing is known that a machine could be told by. */
export function isNobody({ serial, uuid, externalId, hostname, macs }: Identity): boolean {
  return [serial, uuid, externalId, hostname].every((identifier) => identifier === undefined) && macs === '';
}

function knownDeviceOf(data: DataOf<typeof DeviceRecorded>, identities: IdentityReader): KnownDevice {
  const { serial, serialProblem, uuid, externalId, hostname, macs } = identities.identityOf(data.hardware);
  return {
    serial,
    serialProblem,
    uuid,
    externalId,
    hostname,
    macs,
    enrolled: data.state === 'enrolled',
    certified: certifiedIn(data.identities?.certificateSan),
  };
}

function hardwareOf(data: Observation | (Register & { readonly hardware?: undefined })): Hardware {
  return data.hardware ?? data;
}

function knownRegisterOf(register: Register, identities: IdentityReader): KnownRegister {
  const { state, device, candidates, by, trust, problem, presence, observedAt, formerDevice } = register;
  const former =
    formerDevice === undefined ? undefined : { device: formerDevice, agent: knownAgentOf(register, identities) };
  return { state, device, candidates, by, trust, problem, presence, observedAt, former };
}

const NOT_CERTIFIED: readonly string[] = [];

function certifiedIn(names: readonly string[] | undefined): readonly string[] {
  return names === undefined ? NOT_CERTIFIED : uuidsOfCertificate(names);
}

export function linkActOf({ kind, details, until }: DataOf<typeof OperatorActed>): LinkAct | undefined {
  const { source, agentId, device } = details ?? {};
  if ((kind !== 'manual-link' && kind !== 'manual-unlink') || source === undefined || agentId === undefined)
    return undefined;
  return {
    keys: { source, agentId },
    link: { device: kind === 'manual-link' ? device : undefined, until: timeOf(until) },
  };
}

function timeOf(time: string | undefined): number | undefined {
  const parsed = time === undefined ? NaN : Date.parse(time);
  return Number.isNaN(parsed) ? undefined : parsed;
}

/**
 * Reads an agent's register back, with the attributes, and into the table: somebody else may have written it. `undefined`
 * where it is gone or no register: the agent's next observation writes it anew.
 */
export async function readRegister(
  connection: NatsConnection,
  { registers }: Tables,
  keys: AgentKeys,
): Promise<StoredRegister | undefined> {
  const last = await readableLast(connection, AgentMatched, keys);
  if (last === undefined) return undefined;
  registers.apply(last.event, last);
  return { register: last.event.data, sequence: last.sequence };
}

/** Reads an agent's last observation back; `undefined` where there is none, or it is no observation. */
export function readObservation(
  connection: NatsConnection,
  keys: AgentKeys,
): Promise<StoredEvent<typeof AgentObserved> | undefined> {
  return readableLast(connection, AgentObserved, keys);
}

async function readableLast<Contract extends typeof AgentMatched | typeof AgentObserved>(
  connection: NatsConnection,
  contract: Contract,
  keys: AgentKeys,
): Promise<StoredEvent<Contract> | undefined> {
  try {
    return await readLastEvent(connection, contract, keys as KeysOf<Contract>);
  } catch (error) {
    if (error instanceof UnreadableEvent) return undefined;
    throw error;
  }
}
