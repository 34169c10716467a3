import {
  context,
  isSpanContextValid,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Context,
} from '@opentelemetry/api';
import type { Session } from './session.js';

const tracer = trace.getTracer('@stance/gateway-sdk');
const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

/** How a session's end went, as its span tells; times in milliseconds since 1970. */
export interface Ending {
  readonly traceparent: string | undefined;
  readonly beganAt: number;
  readonly endedAt: number;
  readonly failed: boolean;
}

/** Runs `work` in the trace that a revocation belongs to. */
export function inTraceOf<Result>(traceparent: string | undefined, work: () => Result): Result {
  return traceparent === undefined ? work() : context.with(contextOf(traceparent), work);
}

/**
 * Records the ending of a session as a span of the trace that led to it, and runs `work` within. It gets the `traceparent` to
 * pass on: the span's, or where OpenTelemetry is off the one that came in, so that the trace is never broken.
 */
export function inEnforcementSpan<Result>(
  session: Session,
  { traceparent, beganAt, endedAt, failed }: Ending,
  work: (traceparent: string | undefined) => Result,
): Result {
  const attributes = { 'stance.resource': session.resource, 'stance.enforcement': session.enforcement };
  const options = { kind: SpanKind.CONSUMER, attributes, startTime: beganAt };
  return tracer.startActiveSpan('enforce session.revoked', options, contextOf(traceparent), (span) => {
    if (failed) span.setStatus({ code: SpanStatusCode.ERROR });
    span.end(endedAt);
    return work(currentTraceparent() ?? traceparent);
  });
}

function contextOf(traceparent: string | undefined): Context {
  const match = TRACEPARENT.exec(traceparent ?? '');
  if (match === null) return ROOT_CONTEXT;
  const [, traceId = '', spanId = '', flags = ''] = match;
  const parent = { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
  return trace.setSpanContext(ROOT_CONTEXT, parent);
}

function currentTraceparent(): string | undefined {
  const active = trace.getSpanContext(context.active());
  if (active === undefined || !isSpanContextValid(active)) return undefined;
  return `00-${active.traceId}-${active.spanId}-${active.traceFlags.toString(16).padStart(2, '0')}`;
}
