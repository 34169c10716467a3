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

/** Whether it names a span, in the one version that there is. */
export function isTraceparent(value: string | undefined): value is string {
  return value !== undefined && TRACEPARENT.test(value);
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

/**
 * How much it matters that a trace is kept, as the attribute `stance.trace.priority` of the span that decides it: `always`
 * whatever is sampled, `routine` only by a small share.
 */
export type TracePriority = 'always' | 'routine';

export const TRACE_PRIORITY = 'stance.trace.priority';

export interface SpanOptions {
  readonly kind: SpanKind;
  /** The span above; the active one where nothing is said. */
  readonly traceparent?: string | undefined;
  /** What else led to it, as `traceparent`s; what is none is left out. */
  readonly links?: readonly (string | undefined)[] | undefined;
  /** Begins a trace of its own, whatever is active. */
  readonly root?: boolean;
  readonly attributes?: Attributes;
}

const tracer = trace.getTracer('@stance/jetstream');

/** Runs `work` in a span of its own below `traceparent`; an error is recorded on the span and thrown on. */
export async function inSpan<Result>(
  name: string,
  { kind, traceparent, links, root = false, attributes = {} }: SpanOptions,
  work: (span: Span) => Promise<Result>,
): Promise<Result> {
  const parent = traceparent === undefined ? context.active() : contextOf(traceparent);
  const options = { kind, attributes, root, ...(links && { links: linksTo(links) }) };
  return tracer.startActiveSpan(name, options, parent, async (span) => {
    try {
      return await work(span);
    } catch (error) {
      markFailed(span, error);
      throw error;
    } finally {
      span.end();
    }
  });
}

/** Records on a span what went wrong, as for an error that is not thrown on. */
export function markFailed(span: Span, error: unknown): void {
  if (!span.isRecording()) return;
  const type = error instanceof Error ? error.name : 'Error';
  span.recordException(error instanceof Error ? error : String(error));
  span.setAttribute('error.type', type);
  span.setStatus({ code: SpanStatusCode.ERROR, message: error instanceof Error ? error.message : String(error) });
}

function linksTo(traceparents: readonly (string | undefined)[]) {
  return traceparents.flatMap((traceparent) => {
    const linked = trace.getSpanContext(contextOf(traceparent));
    return linked === undefined ? [] : [{ context: linked }];
  });
}
