import {
  context,
  isSpanContextValid,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Context,
  type Span,
} from '@opentelemetry/api';
import type { EventContract } from '@stance/contracts';
import type { Revocation, Session } from './session.js';

const tracer = trace.getTracer('@stance/gateway-sdk');
const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

/** How a session's end went, as its span tells; times in milliseconds since 1970. */
export interface Ending {
  readonly gateway: string;
  readonly revocation: Revocation;
  readonly beganAt: number;
  readonly endedAt: number;
  /** From the observation to the enforcement, in milliseconds. */
  readonly reactionMs: number | undefined;
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
  { gateway, revocation, beganAt, endedAt, reactionMs, failed }: Ending,
  work: (traceparent: string | undefined) => Result,
): Result {
  const { traceparent } = revocation.cause;
  const attributes = {
    'messaging.system': 'nats',
    'messaging.operation.type': 'process',
    'messaging.operation.name': 'enforce',
    // Kept whatever is sampled.
    'stance.trace.priority': 'always',
    'stance.gateway': gateway,
    'stance.device.id': session.deviceId,
    'stance.session.id': session.sessionId,
    'stance.resource': session.resource,
    'stance.enforcement': session.enforcement,
    'stance.reason.code': revocation.reasons[0]?.code ?? 'unknown',
    ...(reactionMs !== undefined && { 'stance.reaction_ms': reactionMs }),
  };
  const options = { kind: SpanKind.CONSUMER, attributes, startTime: beganAt };
  return tracer.startActiveSpan('enforce session.revoked', options, contextOf(traceparent), (span) => {
    if (failed) span.setStatus({ code: SpanStatusCode.ERROR });
    span.end(endedAt);
    return work(currentTraceparent() ?? traceparent);
  });
}

/**
 * Begins the span of publishing an event below `traceparent`. `ended` ends it with the promise of whether the event is stored.
 */
export function beginPublishing(contract: EventContract, id: string, traceparent: string | undefined) {
  const attributes = {
    'messaging.system': 'nats',
    'messaging.operation.type': 'send',
    'messaging.operation.name': 'publish',
    'messaging.destination.template': contract.subjectPrefix,
    'messaging.client.id': 'gateway',
    'messaging.message.id': id,
    // Sessions come and go: those that nobody revokes, and that no traced request opened, hardly anybody will look at.
    ...(contract.name.startsWith('session.') && { 'stance.trace.priority': 'routine' }),
  };
  const options = { kind: SpanKind.PRODUCER, attributes };
  const span = tracer.startSpan(`publish ${contract.subjectPrefix}`, options, contextOf(traceparent));
  return {
    /** Of the span, or the one that was given where OpenTelemetry is off. */
    traceparent: traceparentOf(span) ?? traceparent,
    ended: async (stored: Promise<boolean>): Promise<boolean> => {
      const isStored = await stored;
      if (!isStored) span.setStatus({ code: SpanStatusCode.ERROR, message: 'given up: the gateway was closed' });
      span.end();
      return isStored;
    },
  };
}

function contextOf(traceparent: string | undefined): Context {
  const match = TRACEPARENT.exec(traceparent ?? '');
  if (match === null) return ROOT_CONTEXT;
  const [, traceId = '', spanId = '', flags = ''] = match;
  const parent = { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
  return trace.setSpanContext(ROOT_CONTEXT, parent);
}

function currentTraceparent(): string | undefined {
  const active = trace.getSpan(context.active());
  return active === undefined ? undefined : traceparentOf(active);
}

function traceparentOf(span: Span): string | undefined {
  const { traceId, spanId, traceFlags } = span.spanContext();
  if (!isSpanContextValid(span.spanContext())) return undefined;
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
}
