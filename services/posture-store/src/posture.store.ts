import type { NatsConnection } from '@nats-io/transport-node';
import { AgentMatched, DeviceRecorded, PostureChanged, type KeysOf } from '@stance/contracts';
import { FactTable, type EventPublisher } from '@stance/jetstream';
import type { Device, PostureBody } from './posture.js';

export type AgentKeys = KeysOf<typeof AgentMatched>;

/** The devices that a register speaks of; its attributes stay in the stream. */
export interface KnownRegister {
  readonly keys: AgentKeys;
  readonly devices: readonly string[];
}

/**
 * A posture as one flat string: a million devices as object graphs would keep the garbage collector busy for seconds, and it
 * is read back only when something changes.
 */
export interface KnownPosture {
  readonly revision: number;
  readonly body: string;
}

export interface Tables {
  readonly registers: FactTable<typeof AgentMatched, KnownRegister>;
  readonly devices: FactTable<typeof DeviceRecorded, Device>;
  readonly postures: FactTable<typeof PostureChanged, KnownPosture>;
}

export const TABLES = Symbol('tables');

/** `registerChanged` is told of every change of a register, to keep an index of a device's agents. */
export function createTables(
  connection: NatsConnection,
  publisher: EventPublisher,
  registerChanged: (keys: AgentKeys, now: KnownRegister | undefined, before: KnownRegister | undefined) => void,
): Tables {
  return {
    registers: new FactTable(connection, publisher, AgentMatched, {
      keep: ({ data: { source, agentId, device, candidates } }): KnownRegister => ({
        keys: { source, agentId },
        devices: device === null ? (candidates ?? []) : [device],
      }),
      onChange: registerChanged,
    }),
    devices: new FactTable(connection, publisher, DeviceRecorded, {
      keep: ({ data: { state, owner, groups, tags, network, os } }): Device => ({
        state,
        groups,
        tags,
        ...(owner !== undefined && { owner }),
        ...(network !== undefined && { network }),
        ...(os !== undefined && { os }),
      }),
    }),
    postures: new FactTable(connection, publisher, PostureChanged, {
      keep: ({ data }): KnownPosture => ({ revision: data.revision, body: serialise(data) }),
    }),
  };
}

/** The same text for the same posture. */
export function serialise({ device, agents, attributes, problems }: PostureBody): string {
  return JSON.stringify({ device, agents, attributes, problems });
}

export function deserialise(body: string): PostureBody {
  // Written by serialise from an event that its schema has checked.
  return JSON.parse(body) as PostureBody;
}
