import type { JetStreamManager, StoredMsg } from '@nats-io/jetstream';
import {
  addressOf,
  contractOfSubject,
  DeadLettered,
  decodeEvent,
  durableOf,
  filterOf,
  STREAMS,
  UnreadableEvent,
  type DataOf,
  type DeadLetterCode,
  type EventOf,
  type StreamDefinition,
} from '@stance/contracts';
import { WrongUsage } from '../errors.js';
import { messageBatches } from '../message-batches.js';
import { decodeOrSkip } from '../read-table.js';
import {
  deadLetterRecord,
  deadLetterSummary,
  type DeadLetterRecord,
  type DeadLetterSummary,
  type OfSameSubject,
} from '../records/dead-letters.js';

const STREAM = STREAMS.DEAD.name;

interface DeadLetterFilter {
  readonly service?: string | undefined;
  readonly code?: DeadLetterCode | undefined;
  /** How many, the newest. */
  readonly last: number;
}

/** The newest dead letters of a filter, oldest first, and how many messages among those looked at were none. */
export async function newestDeadLetters(
  manager: JetStreamManager,
  { service, code, last }: DeadLetterFilter,
): Promise<{ readonly letters: DeadLetterSummary[]; readonly unreadable: number }> {
  const subjects = filterOf(DeadLettered, { ...(service !== undefined && { service }) });
  const { state } = await manager.streams.info(STREAM);
  let letters: DeadLetterSummary[] = [];
  let unreadable = 0;
  let size = last;
  // From the end, in stretches that grow: what is looked for may be far between.
  for (let to = state.last_seq; to >= state.first_seq && letters.length < last; size *= 2) {
    const from = Math.max(state.first_seq, to - size + 1);
    const found: DeadLetterSummary[] = [];
    for await (const batch of messageBatches(manager, { stream: STREAM, filter: subjects, from, to })) {
      for (const { seq, subject, data } of batch) {
        const event = decodeOrSkip(DeadLettered, data, subject);
        if (event === undefined) unreadable += 1;
        else if (code === undefined || event.data.reason.code === code) found.push(deadLetterSummary(seq, event));
      }
      found.splice(0, found.length + letters.length - last);
    }
    letters = [...found, ...letters];
    to = from - 1;
  }
  return { letters, unreadable };
}

/** One dead letter, and what came of its subject since. Throws {@link WrongUsage} for one that there is not. */
export async function readDeadLetter(manager: JetStreamManager, sequence: number): Promise<DeadLetterRecord> {
  const message = await manager.streams.getMessage(STREAM, { seq: sequence });
  if (message === null) throw await noSuchDeadLetter(manager, sequence);
  const event = readable(message);
  const stored = { sequence, storedAt: message.time.toISOString() };
  return deadLetterRecord(stored, event, await ofSameSubject(manager, event.data));
}

function readable({ data, subject, seq }: StoredMsg): EventOf<typeof DeadLettered> {
  try {
    return decodeEvent(DeadLettered, data, subject);
  } catch (error) {
    if (!(error instanceof UnreadableEvent)) throw error;
    throw new WrongUsage(
      `${STREAM} ${seq} is no dead letter that a service of Stance wrote (${error.code}: ${error.message}): \`nats stream get ${STREAM} ${seq}\` prints it as it is`,
      { cause: error },
    );
  }
}

async function noSuchDeadLetter(manager: JetStreamManager, sequence: number): Promise<WrongUsage> {
  const { messages, first_seq: first, last_seq: last } = (await manager.streams.info(STREAM)).state;
  const kept = messages === 0 ? 'none is kept' : `those from ${first} to ${last} are kept`;
  return new WrongUsage(`there is no dead letter ${sequence}: ${kept} (see \`stance dead-letters\`)`);
}

async function ofSameSubject(manager: JetStreamManager, letter: DataOf<typeof DeadLettered>): Promise<OfSameSubject> {
  const { originalSubject, service } = letter;
  const contract = contractOfSubject(originalSubject);
  const stream: StreamDefinition | null | undefined = contract?.stream;
  // A letter can name any stream; the audit trail is in an account of its own.
  const isLookedAt = contract !== undefined && stream?.name === letter.stream && stream.account === undefined;
  const last = isLookedAt ? await lastOf(manager, stream.name, originalSubject) : undefined;
  // Before the dead letters: one is stored before its message is settled.
  const settledUpTo = isLookedAt ? await settledUpToBy(manager, stream.name, durableOf(service, contract)) : undefined;
  const dead = await lastOf(manager, STREAM, addressOf(DeadLettered, letter));
  const buried = dead && decodeOrSkip(DeadLettered, dead.data, dead.subject);
  return {
    last: last && { sequence: last.seq, storedAt: last.time.toISOString() },
    settledUpTo,
    lastDead: dead && buried && { sequence: dead.seq, original: buried.data.sequence },
  };
}

/** The sequence up to which a durable consumer has settled everything; undefined where the stream has none of its name. */
async function settledUpToBy(manager: JetStreamManager, stream: string, durable: string): Promise<number | undefined> {
  // From the list: people may not ask for one alone.
  for await (const { name, ack_floor: floor } of manager.consumers.list(stream)) {
    if (name === durable) return floor.stream_seq;
  }
  return undefined;
}

async function lastOf(manager: JetStreamManager, stream: string, subject: string): Promise<StoredMsg | undefined> {
  const message = await manager.streams.getMessage(stream, { last_by_subj: subject });
  // A subject that a letter names may have wildcards.
  return message?.subject === subject ? message : undefined;
}
