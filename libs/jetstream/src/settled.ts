import { setTimeout as pause } from 'node:timers/promises';
import { jetstreamManager, type ConsumerInfo } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { durableOf, type EventContract } from '@stance/contracts';

const LOOK_EVERY_MS = 1_000;
/** Whoever stops waits for the look under way. */
const LOOK_TIMEOUT_MS = 1_000;

/**
 * Resolves when a service's consumer of an event has settled all that its stream held at some moment after the call, or when
 * `stopped`. For what may take its time: it looks once a second, and goes on looking where it is not answered.
 */
export async function settled(
  connection: NatsConnection,
  contract: EventContract,
  service: string,
  stopped: AbortSignal,
): Promise<void> {
  const stream = contract.stream?.name;
  if (stream === undefined) throw new TypeError(`${contract.name} is kept by no stream`);
  /** Everything up to here had been delivered when nothing more was to come. */
  let target: number | undefined;
  while (!stopped.aborted) {
    const info = await infoOf(connection, stream, durableOf(service, contract));
    if (info?.num_pending === 0) target ??= info.delivered.stream_seq;
    const isSettled = info !== undefined && target !== undefined && info.ack_floor.stream_seq >= target;
    if (isSettled || (info?.num_pending === 0 && info.num_ack_pending === 0)) return;
    await pauseUnless(stopped);
  }
}

/** Ends early where `stopped`, which is no failure here: whoever waits looks at that. */
async function pauseUnless(stopped: AbortSignal): Promise<void> {
  try {
    await pause(LOOK_EVERY_MS, undefined, { signal: stopped, ref: false });
  } catch (error) {
    if (!stopped.aborted) throw error;
  }
}

/** Undefined where nobody answers, or the consumer is not there yet: both pass, and are told by who consumes. */
async function infoOf(connection: NatsConnection, stream: string, durable: string): Promise<ConsumerInfo | undefined> {
  try {
    const { consumers } = await jetstreamManager(connection, { checkAPI: false, timeout: LOOK_TIMEOUT_MS });
    return await consumers.info(stream, durable);
  } catch {
    return undefined;
  }
}
