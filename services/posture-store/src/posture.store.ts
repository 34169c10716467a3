import type { NatsConnection } from '@nats-io/transport-node';
import {
  AgentMatched,
  DeviceRecorded,
  PostureChanged,
  UnreadableEvent,
  type EventOf,
  type KeysOf,
} from '@stance/contracts';
import { FactTable, readLastEvent, type EventPublisher } from '@stance/jetstream';
import { postureStateOf, type DevicesByState, type PostureState } from './metrics.js';
import { bearingOf, type Bearing, type Device, type Posture, type Register } from './posture.js';

export type AgentKeys = KeysOf<typeof AgentMatched>;

/** The devices that a register speaks of, and what it is to them; its attributes stay in the stream. */
export interface KnownRegister {
  readonly keys: AgentKeys;
  readonly devices: readonly string[];
  readonly bearing: Bearing;
}

/** A register and where it stands in its stream. */
export interface StoredRegister {
  readonly register: Register;
  readonly sequence: number;
}

/**
 * A posture as the bytes of its event: a million devices as object graphs would keep the garbage collector busy for seconds,
 * and one is read back only when it changes.
 */
export interface KnownPosture {
  readonly revision: number;
  readonly payload: Buffer;
  readonly state: PostureState | undefined;
}

export interface Tables {
  readonly registers: FactTable<typeof AgentMatched, KnownRegister>;
  readonly devices: FactTable<typeof DeviceRecorded, Device>;
  readonly postures: FactTable<typeof PostureChanged, KnownPosture>;
}

export const TABLES = Symbol('tables');

/** `registerChanged` is told of every change of a register, to keep an index of a device's agents; `devices` counts postures. */
export function createTables(
  connection: NatsConnection,
  publisher: EventPublisher,
  registerChanged: (keys: AgentKeys, now: KnownRegister | undefined, before: KnownRegister | undefined) => void,
  devices: Pick<DevicesByState, 'changed'>,
): Tables {
  return {
    registers: new FactTable(connection, publisher, AgentMatched, {
      keep: ({ data }): KnownRegister => ({
        keys: { source: data.source, agentId: data.agentId },
        devices: data.device === null ? (data.candidates ?? []) : [data.device],
        bearing: bearingOf(data),
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
      // Copied: what is delivered is a slice of all that came with it.
      keep: ({ data }, payload): KnownPosture => ({
        revision: data.revision,
        payload: Buffer.from(payload),
        state: postureStateOf(data),
      }),
      onChange: (_keys, now, before) => devices.changed(now?.state, before?.state),
    }),
  };
}

/**
 * Reads an agent's register back from the stream. `undefined` where it is gone or no register: an agent that nothing is
 * known of adds nothing, and holds up no other agent of its device.
 */
export async function readRegister(connection: NatsConnection, keys: AgentKeys): Promise<StoredRegister | undefined> {
  try {
    const last = await readLastEvent(connection, AgentMatched, keys);
    return last && { register: last.event.data, sequence: last.sequence };
  } catch (error) {
    if (error instanceof UnreadableEvent) return undefined;
    throw error;
  }
}

export function postureIn({ payload }: KnownPosture): Posture {
  // The bytes of an event that its schema has checked.
  return (JSON.parse(payload.toString('utf8')) as EventOf<typeof PostureChanged>).data;
}
