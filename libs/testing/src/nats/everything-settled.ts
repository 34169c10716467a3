import type { JetStreamManager } from '@nats-io/jetstream';

import { waitFor, type WaitForOptions } from '../wait-for.js';

/**
 * Resolves once a durable consumer has settled all that its stream holds for it now. That nothing is pending would not say
 * so: right after a publish the server may not have counted it yet.
 */
export async function everythingSettled(
  manager: JetStreamManager,
  stream: string,
  durable: string,
  options: Pick<WaitForOptions, 'timeoutMs'> = {},
): Promise<void> {
  let last: number | undefined;
  await waitFor(
    async () => {
      const { config, delivered, num_ack_pending: unsettled } = await manager.consumers.info(stream, durable);
      const last_by_subj = config.filter_subject ?? '>';
      // Directly: not the way in which services read, which some specs count.
      last ??= (await manager.direct.getMessage(stream, { last_by_subj }))?.seq ?? 0;
      return delivered.stream_seq >= last && unsettled === 0;
    },
    { what: `${durable} to have settled everything`, intervalMs: 5, ...options },
  );
}
