import type { ConsumerMessages } from '@nats-io/jetstream';
import type { Subscription } from '@nats-io/transport-node';
import { within } from './within.js';

/**
 * How messages are asked for. A consumer's leader keeps the requests in its memory alone: whoever waits for messages and
 * hears nothing from it for two to three heartbeats has to ask again, as after a leader was restarted or handed over
 * (nats-server 2.15.1 with three replicas; the client's own default would notice after 30 to 45 s).
 */
export const PULLING = { expires: 10_000, idle_heartbeat: 1_000 } as const;

/** Closes `messages` when the consumer's leader falls silent: the client alone would wait for that very leader. */
export async function closeWhenSilent(messages: ConsumerMessages): Promise<void> {
  for await (const { type } of messages.status()) {
    if (type === 'heartbeats_missed') await messages.close();
  }
}

/** How long what the server has sent may take to arrive, once it was told to send no more. */
const ARRIVAL_MS = 1_000;

/**
 * Asks for no more messages, takes in those that the server has sent already, at most {@link ARRIVAL_MS}, and closes. The
 * client's own `close` drops what is on its way: nobody would settle it, and it would come again only after the ack wait.
 */
export async function endPulling(messages: ConsumerMessages): Promise<void> {
  const subscription = subscriptionOf(messages);
  if (subscription?.isClosed() === false) await within(ARRIVAL_MS, subscription.drain());
  await messages.close();
}

/** The client has it and does not tell of it in its types (`@nats-io/jetstream` 3.4.0). */
function subscriptionOf(messages: ConsumerMessages): Subscription | undefined {
  return 'sub' in messages && isSubscription(messages.sub) ? messages.sub : undefined;
}

function isSubscription(candidate: unknown): candidate is Subscription {
  return typeof candidate === 'object' && candidate !== null && 'drain' in candidate && 'isClosed' in candidate;
}
