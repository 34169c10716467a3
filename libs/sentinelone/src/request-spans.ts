import { SpanKind, SpanStatusCode, trace, type Attributes, type Span } from '@opentelemetry/api';
import { TRACE_PRIORITY } from '@stance/service-kit';
import { SentinelOneError } from './sentinelone.errors.js';

const tracer = trace.getTracer('@stance/sentinelone');

/**
 * Runs `work` as one request of the console, whatever attempts it takes, in a trace of its own. It is routine: the trace is
 * kept when a request fails, or when the answer turns out to hold a change. `path` is what is below the API's root.
 */
export function inRequestSpan<Result>(
  path: string,
  signal: AbortSignal | undefined,
  work: (span: Span) => Promise<Result>,
): Promise<Result> {
  const options = { kind: SpanKind.INTERNAL, root: true, attributes: { [TRACE_PRIORITY]: 'routine' } };
  return tracer.startActiveSpan(`read ${path.replace(/^\//, '')}`, options, (span) => ending(span, signal, work));
}

/**
 * Runs `work` as one attempt, by the semantic conventions of HTTP clients. What a listing asks for (scope, cursor, times) is
 * nobody's concern who looks at traces: the query is left out, as are all headers.
 * https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-client-span
 */
export function inAttemptSpan<Result>(
  { origin, pathname, hostname, port, protocol }: URL,
  attempt: number,
  signal: AbortSignal | undefined,
  work: (span: Span) => Promise<Result>,
): Promise<Result> {
  const attributes: Attributes = {
    'http.request.method': 'GET',
    'url.full': origin + pathname,
    'url.template': pathname,
    'server.address': hostname,
    'server.port': port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port),
    ...(attempt > 1 && { 'http.request.resend_count': attempt - 1 }),
  };
  const options = { kind: SpanKind.CLIENT, attributes };
  return tracer.startActiveSpan(`GET ${pathname}`, options, (span) => ending(span, signal, work));
}

/** A span as what follows from it names it; `undefined` where OpenTelemetry is off. */
export function traceparentOf(span: Span): string | undefined {
  const { traceId, spanId, traceFlags } = span.spanContext();
  if (!trace.isSpanContextValid(span.spanContext())) return undefined;
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
}

async function ending<Result>(
  span: Span,
  signal: AbortSignal | undefined,
  work: (span: Span) => Promise<Result>,
): Promise<Result> {
  try {
    return await work(span);
  } catch (error) {
    // Whoever gave up waiting has no error to look into.
    if (!signal?.aborted) tellFailure(span, error);
    throw error;
  } finally {
    span.end();
  }
}

function tellFailure(span: Span, error: unknown): void {
  const status = error instanceof SentinelOneError ? error.status : undefined;
  const name = error instanceof Error ? error.name : 'Error';
  span.setAttribute('error.type', status !== undefined && status !== 200 ? String(status) : name);
  // Its message is made of what may be told: never of the token, nor of what a proxy answered.
  span.setStatus({ code: SpanStatusCode.ERROR, ...(error instanceof SentinelOneError && { message: error.message }) });
}
