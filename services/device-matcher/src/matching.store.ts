import type { NatsConnection } from '@nats-io/transport-node';
import {
  AgentMatched,
  AgentObserved,
  DeviceRecorded,
  UnreadableEvent,
  type DataOf,
  type KeysOf,
} from '@stance/contracts';
import { FactTable, readLastEvent, type EventPublisher } from '@stance/jetstream';
import { serialKeyOf, type SerialKey } from './serial-number.js';

export type AgentKeys = KeysOf<typeof AgentObserved>;
export type Observation = DataOf<typeof AgentObserved>;
export type Register = DataOf<typeof AgentMatched>;

/** What the matcher remembers of an agent: enough to match it; its attributes stay in the stream. */
export interface KnownAgent {
  readonly keys: AgentKeys;
  readonly serial: SerialKey;
  readonly presence: Observation['presence'];
}

/** What the matcher remembers of a device. */
export interface KnownDevice {
  readonly deviceId: string;
  readonly enrolled: boolean;
  readonly serial: SerialKey;
  readonly serialNumber: string | undefined;
  readonly hostname: string | undefined;
}

/** A register without the attributes, which nothing is decided on here. */
export type KnownRegister = Omit<Register, 'attributes'>;

/** A register as it stands in its stream. */
export interface StoredRegister {
  readonly register: Register;
  readonly sequence: number;
}

/** Who is told of every change, to keep its indexes. */
export interface Index {
  agentChanged(agent: KnownAgent | undefined, keys: AgentKeys): void;
  deviceChanged(device: KnownDevice | undefined, deviceId: string): void;
  registerChanged(register: KnownRegister | undefined, keys: AgentKeys, before: KnownRegister | undefined): void;
}

export interface Tables {
  readonly agents: FactTable<typeof AgentObserved, KnownAgent>;
  readonly devices: FactTable<typeof DeviceRecorded, KnownDevice>;
  readonly registers: FactTable<typeof AgentMatched, KnownRegister>;
}

export const TABLES = Symbol('tables');

export function createTables(connection: NatsConnection, publisher: EventPublisher, index: Index): Tables {
  return {
    agents: new FactTable(connection, publisher, AgentObserved, {
      keep: ({ data }): KnownAgent => ({
        keys: { source: data.source, agentId: data.agentId },
        serial: serialKeyOf(data.hardware.serialNumber),
        presence: data.presence,
      }),
      onChange: (keys, agent) => index.agentChanged(agent, keys),
    }),
    devices: new FactTable(connection, publisher, DeviceRecorded, {
      keep: ({ data }): KnownDevice => ({
        deviceId: data.deviceId,
        enrolled: data.state === 'enrolled',
        serial: serialKeyOf(data.hardware.serialNumber),
        serialNumber: data.hardware.serialNumber,
        hostname: data.hardware.hostname,
      }),
      onChange: ({ deviceId }, device) => index.deviceChanged(device, deviceId),
    }),
    registers: new FactTable(connection, publisher, AgentMatched, {
      keep: ({ data }): KnownRegister => {
        const { attributes: _attributes, ...register } = data;
        return register;
      },
      onChange: (keys, register, before) => index.registerChanged(register, keys, before),
    }),
  };
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
  try {
    const last = await readLastEvent(connection, AgentMatched, keys);
    if (last === undefined) return undefined;
    registers.apply(last.event, last);
    return { register: last.event.data, sequence: last.sequence };
  } catch (error) {
    if (error instanceof UnreadableEvent) return undefined;
    throw error;
  }
}
