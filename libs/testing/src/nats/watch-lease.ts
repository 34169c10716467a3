import type { NatsConnection } from '@nats-io/transport-node';
import { BUCKETS } from '@stance/contracts';

/**
 * Watches whether a lease is given back, so that another replica has it at once: one that runs out leaves no mark. The
 * question is asked once, when another is known to have the lease: it ends the watching.
 */
export async function watchLease(connection: NatsConnection, name: string): Promise<() => Promise<boolean>> {
  let isGivenBack = false;
  const marks = connection.subscribe(`$KV.${BUCKETS.LEASES.name}.${name}`, {
    callback: (_, { headers }) => void (isGivenBack ||= headers?.get('KV-Operation') === 'DEL'),
  });
  await connection.flush();
  return async () => {
    // The mark comes over another connection than the news of the takeover.
    await connection.flush();
    marks.unsubscribe();
    return isGivenBack;
  };
}
