import type { ConsumerMessages } from '@nats-io/jetstream';

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
