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

/**
 * Runs the ending of a session in a span of the trace that led to it. `work` gets the `traceparent` to pass on: the span's,
 * or where OpenTelemetry is off the one that came in, so that the trace is never broken.
 */
export async function inEnforcementSpan(
  session: Session,
  traceparent: string | undefined,
  work: (traceparent: string | undefined) => Promise<void>,
): Promise<void> {
  const attributes = { 'stance.resource': session.resource, 'stance.enforcement': session.enforcement };
  const options = { kind: SpanKind.CONSUMER, attributes };
  await tracer.startActiveSpan('enforce session.revoked', options, contextOf(traceparent), async (span) => {
    try {
      await work(currentTraceparent() ?? traceparent);
    } catch (error) {
      span.recordException(error instanceof Error ? error : String(error));
      span.setStatus({ code: SpanStatusCode.ERROR });
      throw error;
    } finally {
      span.end();
    }
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
