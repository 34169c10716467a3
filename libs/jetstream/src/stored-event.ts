import type { MsgHdrs } from '@nats-io/transport-node';
import { decodeEvent, UnreadableEvent, type EventContract, type EventOf } from '@stance/contracts';

/** A message as a consumer delivers it, or as the stream's leader reads it out. */
export interface StoredMessage {
  readonly data: Uint8Array;
  readonly subject: string;
  readonly headers?: MsgHdrs | undefined;
}

/** Headers that only the server sets, on messages that it took out of a stream. */
const SERVER_HEADERS = ['Nats-Stream', 'Nats-Subject', 'Nats-Sequence', 'Nats-Stream-Source'];

/**
 * The event in a stored message. Throws `UnreadableEvent`, also where the message was taken out of another stream: whoever
 * had the answer to a direct get sent to this subject need not be one who may write on it. Not for the answers to direct
 * gets themselves.
 */
export function decodeStored<Contract extends EventContract>(
  contract: Contract,
  { data, subject, headers }: StoredMessage,
): EventOf<Contract> {
  const forbidden = headers && SERVER_HEADERS.find((header) => headers.has(header));
  if (forbidden !== undefined) throw new UnreadableEvent('forbidden', `it carries the header ${forbidden}`);
  return decodeEvent(contract, data, subject);
}
