import { isDeepStrictEqual } from 'node:util';

import type { JsMsg } from '@nats-io/jetstream';
import {
  AuditRecorded,
  decodeEvent,
  filterOf,
  STREAMS,
  type DataOf,
  type EventContract,
  type EventOf,
  type KeysOf,
  type StreamDefinition,
} from '@stance/contracts';
import { StreamFollower } from '@stance/jetstream';
import { waitFor } from '@stance/testing';

import type { Stack } from './stack.js';

/** An event as its stream keeps it. */
export type Fact<Contract extends EventContract> = EventOf<Contract> & { readonly sequence: number };

export interface FactsOptions<Contract extends EventContract> {
  /** Narrows the subjects, such as to one device. */
  readonly only?: Partial<KeysOf<Contract>>;
  /** Leaves out what the stream held up to this sequence; default 0. */
  readonly after?: number;
}

/** Every event of a contract that its stream keeps, oldest first. Throws `UnreadableEvent` for a message that is none. */
export async function factsOf<Contract extends EventContract>(
  { connection }: Pick<Stack, 'connection'>,
  contract: Contract,
  { only, after = 0 }: FactsOptions<Contract> = {},
): Promise<Fact<Contract>[]> {
  const messages: JsMsg[] = [];
  const follower = await StreamFollower.start(
    connection,
    { stream: contract.stream?.name ?? '', filter: filterOf(contract, only), from: { sequence: after + 1 } },
    (message) => void messages.push(message),
  );
  await follower.caughtUp();
  await follower.stop();
  return messages.map((message) => ({
    ...decodeEvent(contract, message.data, message.subject),
    sequence: message.seq,
  }));
}

/** A look at a stream takes no longer, in milliseconds, while a server runs. */
const LOOK_MS = 15_000;

/** The last event of each subject that a contract's stream has, read without those before. */
export async function lastOf<Contract extends EventContract>(
  { connection }: Pick<Stack, 'connection'>,
  contract: Contract,
): Promise<DataOf<Contract>[]> {
  const last = new Map<string, DataOf<Contract>>();
  const follower = await StreamFollower.start(
    connection,
    { stream: contract.stream?.name ?? '', filter: filterOf(contract), from: 'last-per-subject' },
    ({ data, subject }) => void last.set(subject, decodeEvent(contract, data, subject).data),
  );
  try {
    await follower.caughtUp(AbortSignal.timeout(LOOK_MS));
  } finally {
    await follower.stop();
  }
  return [...last.values()];
}

const ALL_STREAMS: readonly StreamDefinition[] = Object.values(STREAMS);

/** The last sequence of a stream that audit has a record of, or of whose absence. */
export async function auditedUpTo({ manager }: Stack, stream: string): Promise<number> {
  const filter = filterOf(AuditRecorded, { stream });
  const message = await manager.streams.getMessage(STREAMS.AUDIT.name, { last_by_subj: filter });
  if (message === null) return 0;
  const { sequence, lastMissing } = decodeEvent(AuditRecorded, message.data, message.subject).data;
  return lastMissing ?? sequence;
}

interface Pending {
  /** Messages that a service has not settled, and facts that audit has not accounted for. */
  readonly waiting: readonly string[];
  /** The last sequence of each stream whose messages services settle, looked up before what waits in it. */
  readonly stored: readonly number[];
}

/** What is under way. */
async function pending(stack: Stack): Promise<Pending> {
  const looks = await Promise.all(ALL_STREAMS.map((stream) => pendingIn(stack, stream)));
  return {
    waiting: looks.flatMap(({ waiting }) => waiting),
    stored: looks.flatMap(({ stored }) => stored),
  };
}

async function pendingIn(stack: Stack, { name, audited }: StreamDefinition): Promise<Pending> {
  const { manager } = stack;
  const waiting: string[] = [];
  const stored: number[] = [];
  const { last_seq } = (await manager.streams.info(name)).state;
  for await (const { config, num_pending, num_ack_pending } of manager.consumers.list(name)) {
    if (config.durable_name === undefined) continue;
    stored.push(last_seq);
    const count = num_pending + num_ack_pending;
    if (count > 0) waiting.push(`${config.durable_name}: ${count}`);
  }
  const missing = audited ? last_seq - (await auditedUpTo(stack, name)) : 0;
  if (missing > 0) waiting.push(`audit of ${name}: ${missing}`);
  return { waiting, stored };
}

/** Resolves when nothing is pending anywhere, audit included; its error says what still was. */
export async function settled(stack: Stack, timeoutMs = 30_000): Promise<void> {
  let before: readonly number[] = [];
  const look = async () => {
    const { waiting, stored } = await pending(stack);
    if (waiting.length > 0) throw new Error(waiting.join('; '));
    // Right after a message was stored, the server may not yet count it as pending: it does by the second look.
    const isQuiet = isDeepStrictEqual(stored, before);
    before = stored;
    if (!isQuiet) throw new Error('something was stored meanwhile');
    return true;
  };
  await waitFor(look, { what: 'nothing to be pending', timeoutMs, intervalMs: 50 });
}
