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

/** Reads a stream as a table: the last event of every key, or of those keys that `only` leaves open. */
export async function readTable<Contract extends EventContract>(
  connection: NatsConnection,
  contract: Contract,
  only?: Partial<KeysOf<Contract>>,
): Promise<EventList<Contract>> {
  return read(connection, contract, filterOf(contract, only), 'last-per-subject');
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
): Promise<EventList<Contract>> {
  if (contract.stream === null) throw new TypeError(`${contract.name} is kept by no stream`);
  const events: EventOf<Contract>[] = [];
  let unreadable = 0;
  const follower = await StreamFollower.start(connection, { stream: contract.stream.name, filter, from }, (message) => {
    const event = decodeOrSkip(contract, message.data, message.subject);
    if (event === undefined) unreadable += 1;
    else events.push(event);
  });
  try {
    await follower.caughtUp();
  } finally {
    await follower.stop();
  }
  return { events, unreadable };
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
