import { SpanKind } from '@opentelemetry/api';
import type { Cause } from '@stance/contracts';
import { currentTraceparent, inSpan, TRACE_PRIORITY } from '@stance/jetstream';

/**
 * Decides about one device of many that are looked at for the same cause: in a trace of its own that links to it, as nobody
 * could read one of a whole fleet. It is routine unless something comes of it that is always kept.
 */
export function inReviewSpan(deviceId: string, cause: Cause, decide: (cause: Cause) => Promise<void>): Promise<void> {
  const attributes = { 'stance.device.id': deviceId, [TRACE_PRIORITY]: 'routine' };
  const options = { kind: SpanKind.INTERNAL, root: true, links: [cause.traceparent], attributes };
  return inSpan('review device', options, () =>
    decide({ ...cause, traceparent: currentTraceparent(cause.traceparent) }),
  );
}
