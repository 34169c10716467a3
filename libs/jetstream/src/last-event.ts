import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { subjectOf, type EventContract, type EventOf, type KeysOf } from '@stance/contracts';
import type { Place } from './fact-table.js';
import { Unreachable } from './settlement.js';
import { decodeStored } from './stored-event.js';

export interface StoredEvent<Contract extends EventContract> extends Place {
  readonly event: EventOf<Contract>;
}

/**
 * Reads a key's last event from the stream's leader, for what is too large to keep in memory and seldom needed.
 * Throws {@link Unreachable} when the leader does not answer, `UnreadableEvent` when what it holds is no event.
 */
export async function readLastEvent<Contract extends EventContract>(
  connection: NatsConnection,
  contract: Contract,
  keys: KeysOf<Contract>,
): Promise<StoredEvent<Contract> | undefined> {
  const subject = subjectOf(contract, keys);
  const manager = await jetstreamManager(connection, { checkAPI: false });
  let message;
  try {
    message = await manager.streams.getMessage(contract.stream?.name ?? '', { last_by_subj: subject });
  } catch (error) {
    throw new Unreachable(`cannot read ${subject} back`, { cause: error });
  }
  if (message === null) return undefined;
  const { data: payload, seq: sequence, header: headers } = message;
  return { event: decodeStored(contract, { data: payload, subject, headers }), subject, sequence, payload };
}
