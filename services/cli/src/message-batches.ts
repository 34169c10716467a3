import type { JetStreamManager, StoredMsg } from '@nats-io/jetstream';
import { errors } from '@nats-io/transport-node';

/** Messages that are asked for at a time, and their bytes: what is in memory at once. */
const BATCH = 500;
const BATCH_BYTES = 8 * 1024 * 1024;
/** The server's status for a direct get that finds no message. */
const NOT_FOUND = 404;
/** A batch that takes longer was lost with the connection that it came by. */
const BATCH_TIMEOUT_MS = 30_000;

export interface BatchesOptions {
  readonly stream: string;
  readonly filter: string;
  readonly from: number;
  /** The last sequence; what the stream holds by default. */
  readonly to?: number;
}

/**
 * What a stream holds between two sequences, in its order, by direct gets: who reads the audit trail may make no consumers in
 * its account (libs/nats-auth). Throws `TimeoutError` where a batch does not come whole.
 */
export async function* messageBatches(
  manager: JetStreamManager,
  { stream, filter, from, to = Infinity }: BatchesOptions,
): AsyncGenerator<readonly StoredMsg[]> {
  // A batch may end early, by its bytes: only one without messages is the last.
  for (let seq = from; seq <= to;) {
    const wanted = { seq, next_by_subj: filter, batch: Math.min(BATCH, to - seq + 1), max_bytes: BATCH_BYTES };
    const batch = await nextBatch(manager, stream, wanted);
    const last = batch.at(-1);
    if (last === undefined) return;
    yield batch.filter((message) => message.seq <= to);
    seq = last.seq + 1;
  }
}

async function nextBatch(
  manager: JetStreamManager,
  stream: string,
  wanted: Parameters<JetStreamManager['direct']['getBatch']>[1],
): Promise<StoredMsg[]> {
  const messages = await manager.direct.getBatch(stream, wanted);
  const timer = setTimeout(() => messages.stop(new errors.TimeoutError()), BATCH_TIMEOUT_MS);
  const batch: StoredMsg[] = [];
  try {
    for await (const message of messages) batch.push(message);
  } catch (error) {
    // There is none, or no other.
    if (!(error instanceof Error && 'code' in error && error.code === NOT_FOUND)) throw error;
  } finally {
    clearTimeout(timer);
  }
  return batch;
}
