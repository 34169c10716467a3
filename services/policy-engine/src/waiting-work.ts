import type { ConsumerInfo, JetStreamManager, NextMsgRequest } from '@nats-io/jetstream';

/**
 * How many messages a consumer has yet to finish. Servers have had defects by which `num_pending` stays above zero where
 * nothing is left: while none is under way, what is pending counts only if the stream's leader has a next message. Rejects
 * when the leader does not say.
 */
export async function waitingAt(
  { streams }: { readonly streams: Pick<JetStreamManager['streams'], 'getMessage'> },
  { stream_name: stream, config, delivered, num_pending: pending, num_ack_pending: underWay }: ConsumerInfo,
): Promise<number> {
  if (pending === 0 || underWay > 0) return pending + underWay;
  const next: Required<NextMsgRequest> = { seq: delivered.stream_seq + 1, next_by_subj: config.filter_subject ?? '>' };
  return (await streams.getMessage(stream, next)) === null ? 0 : pending;
}
