import { JetStreamApiCodes, JetStreamApiError, type JetStreamManager } from '@nats-io/jetstream';
import { wireTopology } from '@stance/contracts';
import { waitFor } from '../wait-for.js';

const STREAMS_OF_STANCE = wireTopology().map(({ name }) => name);

/**
 * Deletes streams, those of Stance by default, and has them made again, until they are there and empty. The server may still be
 * removing a deleted stream's files when one of its name is made: it refuses that, and nats-server 2.15.1 was seen to bring
 * the messages back (tried: 1 of 200 times).
 */
export async function makeStreamsAnew(
  manager: JetStreamManager,
  make: () => Promise<unknown>,
  names: readonly string[] = STREAMS_OF_STANCE,
): Promise<void> {
  const madeAnew = async () => {
    await deleteStreams(manager, names);
    await make();
    const streams = await Promise.all(names.map((name) => manager.streams.info(name)));
    return streams.every(({ state }) => state.last_seq === 0);
  };
  await waitFor(madeAnew, { what: 'the streams to be made anew' });
}

/** Deletes those that are there; by default all of Stance. */
export async function deleteStreams(
  manager: JetStreamManager,
  names: readonly string[] = STREAMS_OF_STANCE,
): Promise<void> {
  for (const name of names) {
    await manager.streams.delete(name).catch((error: unknown) => {
      const isMissing = error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound;
      if (!isMissing) throw error;
    });
  }
}
