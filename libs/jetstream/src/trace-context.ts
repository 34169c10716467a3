import { randomUUID } from 'node:crypto';
import {
  ROOT_CONTEXT,
  type SpanKind,
  SpanStatusCode,
  context,
  isSpanContextValid,
  trace,
  type Attributes,
  type Context,
  type Span,
} from '@opentelemetry/api';

const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

/** A new trace, for an observation that nothing caused. Carried whether or not OpenTelemetry is on. */
export function newTraceparent(): string {
  // Node keeps random bytes for UUIDs at hand; asking for the 24 bytes themselves takes several times as long.
  const [traceId, spanId] = [randomUUID(), randomUUID()].map((id) => id.replaceAll('-', ''));
  return `00-${traceId}-${spanId?.slice(0, 16)}-01`;
}

/** The context that a `traceparent` names; the root context where there is none or it is malformed. */
export function contextOf(traceparent: string | undefined): Context {
  const match = traceparent === undefined ? null : TRACEPARENT.exec(traceparent);
  if (match === null) return ROOT_CONTEXT;
  const [, traceId = '', spanId = '', flags = ''] = match;
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16),
    isRemote: true,
  });
}

/** The active span as a `traceparent`; `inherited` where OpenTelemetry is off, so that the trace is never broken. */
export function currentTraceparent(inherited: string | undefined): string | undefined {
  const active = trace.getSpanContext(context.active());
  if (active === undefined || !isSpanContextValid(active)) return inherited;
  return `00-${active.traceId}-${active.spanId}-${active.traceFlags.toString(16).padStart(2, '0')}`;
}

const tracer = trace.getTracer('@stance/jetstream');

/** Runs `work` in a span of its own below `traceparent`; an error is recorded on the span and thrown on. */
export async function inSpan<Result>(
  name: string,
  options: { kind: SpanKind; traceparent?: string | undefined; attributes?: Attributes },
  work: (span: Span) => Promise<Result>,
): Promise<Result> {
  const parent = options.traceparent === undefined ? context.active() : contextOf(options.traceparent);
  return tracer.startActiveSpan(
    name,
    { kind: options.kind, attributes: options.attributes ?? {} },
    parent,
    async (span) => {
      try {
        return await work(span);
      } catch (error) {
        span.recordException(error instanceof Error ? error : String(error));
        span.setStatus({ code: SpanStatusCode.ERROR });
        throw error;
      } finally {
        span.end();
      }
    },
  );
}
