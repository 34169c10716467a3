import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { CHAIN_START, hashOf, type AuditRecord, type ChainEnd } from '@stance/audit-chain';
import { AuditRecorded, decodeEvent, filterOf, STREAMS, UnreadableEvent } from '@stance/contracts';
import { StreamFollower } from '@stance/jetstream';

const TRAIL = STREAMS.AUDIT.name;

/** Where the trail ends, as the stream's leader has it: what a writer needs to go on. */
export interface TrailEnd {
  readonly chain: ChainEnd;
  /** The last sequence of the trail's stream: what the next append replaces nothing after. */
  readonly lastSequence: number;
  /** The trail's stream has more than one replica. */
  readonly replicated: boolean;
  /** Per recorded stream, its last record. */
  readonly lastRecords: ReadonlyMap<string, AuditRecord>;
  /** Messages at the trail's end that are no records of audit's: somebody else wrote, or a record was altered. */
  readonly damaged: boolean;
}

/** A message of the trail: a record, or why it is none. */
export type TrailMessage = { readonly sequence: number } & (
  { readonly record: AuditRecord } | { readonly problem: string }
);

/** Reads where the trail ends, by one request per stream; by a walk over all of it when its last messages are no records. */
export async function readTrailEnd(connection: NatsConnection, streams: readonly string[]): Promise<TrailEnd> {
  const manager = await jetstreamManager(connection, { checkAPI: false });
  // The end is read first: what is appended after it makes the next append fail, so that nothing is recorded twice.
  const { config, state } = await manager.streams.info(TRAIL);
  const stream = { lastSequence: state.last_seq, replicated: config.num_replicas > 1 };
  const end = await lastRecord(manager, filterOf(AuditRecorded));
  const last = await Promise.all(streams.map((stream) => lastRecord(manager, filterOf(AuditRecorded, { stream }))));
  if (end === 'damaged' || last.includes('damaged')) return walkToEnd(connection, stream);
  const records = last.filter((record) => record !== undefined && record !== 'damaged');
  return {
    chain: end ?? CHAIN_START,
    ...stream,
    lastRecords: new Map(records.map((record) => [record.stream, record])),
    damaged: false,
  };
}

/**
 * Reads the trail from a sequence on, up to `upTo` or what it held at the time of the call, until `visit` returns false.
 * Resolves to the stream's last sequence at that time. Rejects when `signal` aborts.
 */
export async function walkTrail(
  connection: NatsConnection,
  options: { from: number; upTo?: number; filter?: string; signal?: AbortSignal },
  visit: (message: TrailMessage) => boolean,
): Promise<number> {
  const lastSequence = await lastSequenceOfTrail(connection);
  const end = Math.min(options.upTo ?? lastSequence, lastSequence);
  if (options.from > end) return lastSequence;
  const ended = new AbortController();
  const follower = await StreamFollower.start(
    connection,
    { stream: TRAIL, filter: options.filter ?? filterOf(AuditRecorded), from: { sequence: options.from } },
    (message) => {
      if (ended.signal.aborted) return;
      const goOn = message.seq <= end && visit(trailMessage(message.seq, message.subject, message.data));
      if (!goOn || message.seq === end) ended.abort();
    },
  );
  const over = new Promise<void>((resolve) => ended.signal.addEventListener('abort', () => resolve(), { once: true }));
  try {
    if (!ended.signal.aborted) await Promise.race([over, follower.caughtUp(either(ended.signal, options.signal))]);
  } catch (error) {
    if (!ended.signal.aborted) throw error;
  } finally {
    await follower.stop();
  }
  return lastSequence;
}

/** The sequence of the last message that the trail's stream ever took. */
export async function lastSequenceOfTrail(connection: NatsConnection): Promise<number> {
  const manager = await jetstreamManager(connection, { checkAPI: false });
  return (await manager.streams.info(TRAIL)).state.last_seq;
}

function either(first: AbortSignal, second: AbortSignal | undefined): AbortSignal {
  return second === undefined ? first : AbortSignal.any([first, second]);
}

function trailMessage(sequence: number, subject: string, payload: Uint8Array): TrailMessage {
  try {
    return { sequence, record: decodeEvent(AuditRecorded, payload, subject).data };
  } catch (error) {
    if (!(error instanceof UnreadableEvent)) throw error;
    return { sequence, problem: `it is not an audit record: ${error.message}` };
  }
}

async function lastRecord(manager: JetStreamManager, filter: string): Promise<AuditRecord | 'damaged' | undefined> {
  const message = await manager.streams.getMessage(TRAIL, { last_by_subj: filter });
  if (message === null) return undefined;
  const read = trailMessage(message.seq, message.subject, message.data);
  return isGenuine(read) ? read.record : 'damaged';
}

async function walkToEnd(
  connection: NatsConnection,
  stream: Pick<TrailEnd, 'lastSequence' | 'replicated'>,
): Promise<TrailEnd> {
  let chain = CHAIN_START;
  const lastRecords = new Map<string, AuditRecord>();
  await walkTrail(connection, { from: 1 }, (message) => {
    if (message.sequence > stream.lastSequence) return false;
    if (!isGenuine(message)) return true;
    chain = message.record;
    lastRecords.set(message.record.stream, message.record);
    return true;
  });
  return { chain, ...stream, lastRecords, damaged: true };
}

function isGenuine(message: TrailMessage): message is TrailMessage & { record: AuditRecord } {
  return 'record' in message && hashOf(message.record) === message.record.hash;
}
