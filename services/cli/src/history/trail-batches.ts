import type { JetStreamManager, StoredMsg } from '@nats-io/jetstream';
import { errors } from '@nats-io/transport-node';
import { STREAMS } from '@stance/contracts';

/** Messages that are asked for at a time, and their bytes: what is in memory at once. */
const BATCH = { batch: 500, max_bytes: 8 * 1024 * 1024 } as const;
/** The server's status for a direct get that finds no message. */
const NOT_FOUND = 404;
/** A batch that takes longer was lost with the connection that it came by. */
const BATCH_TIMEOUT_MS = 30_000;

/**
 * What the trail holds from a sequence on, in its order, by direct gets: who reads the trail may make no consumers in its
 * account (libs/nats-auth). Throws `TimeoutError` where a batch does not come whole.
 */
export async function* trailBatches(
  manager: JetStreamManager,
  { from, filter }: { from: number; filter: string },
): AsyncGenerator<readonly StoredMsg[]> {
  // A batch may end early, by its bytes: only one without messages is the last.
  for (let seq = from; ;) {
    const batch = await nextBatch(manager, seq, filter);
    const last = batch.at(-1);
    if (last === undefined) return;
    yield batch;
    seq = last.seq + 1;
  }
}

async function nextBatch(manager: JetStreamManager, seq: number, filter: string): Promise<StoredMsg[]> {
  const messages = await manager.direct.getBatch(STREAMS.AUDIT.name, { seq, next_by_subj: filter, ...BATCH });
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
