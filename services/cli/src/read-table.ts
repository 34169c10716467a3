import type { JsMsg } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import {
  decodeEvent,
  filterOf,
  UnreadableEvent,
  type EventContract,
  type EventOf,
  type KeysOf,
} from '@stance/contracts';
import { StreamFollower, type FollowOptions } from '@stance/jetstream';

export interface EventList<Contract extends EventContract> {
  readonly events: EventOf<Contract>[];
  /** How many messages were not events of the contract. */
  readonly unreadable: number;
}

/**
 * Reads a stream as a table: the last event of every key, or of those keys that `only` leaves open; only those in whose
 * JSON `holds` stands as a string, where it is given: what would be thrown away need not be parsed.
 */
export async function readTable<Contract extends EventContract>(
  connection: NatsConnection,
  contract: Contract,
  only?: Partial<KeysOf<Contract>>,
  holds?: string,
): Promise<EventList<Contract>> {
  return read(connection, contract, filterOf(contract, only), 'last-per-subject', holds);
}

/** Reads all events of a contract that its stream keeps, oldest first, from a sequence on. */
export async function readLog<Contract extends EventContract>(
  connection: NatsConnection,
  contract: Contract,
  sequence = 1,
): Promise<EventList<Contract>> {
  return read(connection, contract, filterOf(contract), { sequence });
}

async function read<Contract extends EventContract>(
  connection: NatsConnection,
  contract: Contract,
  filter: string,
  from: FollowOptions['from'],
  holds?: string,
): Promise<EventList<Contract>> {
  const events: EventOf<Contract>[] = [];
  const wanted = holds === undefined ? undefined : Buffer.from(JSON.stringify(holds));
  let unreadable = 0;
  await follow(connection, contract, filter, from, (message) => {
    if (wanted !== undefined && !bytesOf(message.data).includes(wanted)) return;
    const event = decodeOrSkip(contract, message.data, message.subject);
    if (event === undefined) unreadable += 1;
    else events.push(event);
  });
  return { events, unreadable };
}

/** Hands on all that a stream holds of a filter. */
async function follow(
  connection: NatsConnection,
  { name, stream }: EventContract,
  filter: string,
  from: FollowOptions['from'],
  onMessage: (message: JsMsg) => void,
): Promise<void> {
  if (stream === null) throw new TypeError(`${name} is kept by no stream`);
  const follower = await StreamFollower.start(connection, { stream: stream.name, filter, from }, onMessage);
  try {
    await follower.caughtUp();
  } finally {
    await follower.stop();
  }
}

/** The same memory, with the search of a buffer. */
function bytesOf({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

/** The event in a message; `undefined` when it is none. */
export function decodeOrSkip<Contract extends EventContract>(
  contract: Contract,
  payload: Uint8Array,
  subject: string,
): EventOf<Contract> | undefined {
  try {
    return decodeEvent(contract, payload, subject);
  } catch (error) {
    if (error instanceof UnreadableEvent) return undefined;
    throw error;
  }
}
