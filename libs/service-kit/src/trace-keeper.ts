import {
  isSpanContextValid,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Attributes,
  type Context,
} from '@opentelemetry/api';
import {
  SamplingDecision,
  type ReadableSpan,
  type Sampler,
  type SamplingResult,
  type Span,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace';
import { TRACE_PRIORITY, type TracePriority } from '@stance/jetstream';

export interface KeeperOptions {
  /** Decides about what begins a trace and is neither routine nor to be kept always. */
  readonly root: Sampler;
  /** Decides about routine that begins a trace. */
  readonly routine: Sampler;
  /** Whether a parent that was not sampled settles it, as `parentbased_` samplers say; otherwise `root` is asked about each. */
  readonly isParentBased: boolean;
  /** Ended spans that are held of traces that nobody has kept, at most; with 0 they are not even recorded. */
  readonly maxHeld: number;
  /** Milliseconds since 1970; default `Date.now`. */
  readonly now?: () => number;
}

/** How long an ended span waits for its trace to turn out to matter, in milliseconds: retries of the same message included. */
const HOLD_MS = 60_000;
/** Traces that are remembered as kept, so that what comes later in them is kept too. */
const MAX_KEPT = 16_384;

const KEPT: SamplingResult = { decision: SamplingDecision.RECORD_AND_SAMPLED };
/** Recorded, and not sampled: its trace may yet turn out to matter. */
const HELD: SamplingResult = { decision: SamplingDecision.RECORD };
const LEFT: SamplingResult = { decision: SamplingDecision.NOT_RECORD };

/**
 * Keeps whole traces, as far as this process has seen them, when one of their spans fails or says that it is always to be
 * kept: a sampler that asks about each span, and a processor that holds back the ended ones of all other traces for a while.
 * From then on the trace counts as sampled, also for the services that follow. Memory is bounded: the oldest trace goes first.
 */
export class TraceKeeper implements Sampler, SpanProcessor {
  private readonly kept = new Set<string>();
  private readonly held = new Map<string, { readonly since: number; readonly spans: ReadableSpan[] }>();
  private heldSpans = 0;
  private readonly now: () => number;
  private readonly unkept: SamplingResult;

  constructor(
    /** Sends what is kept. */
    private readonly next: SpanProcessor,
    private readonly options: KeeperOptions,
  ) {
    this.now = options.now ?? Date.now;
    // Where nothing is held it need not even be recorded.
    this.unkept = options.maxHeld > 0 ? HELD : LEFT;
  }

  shouldSample(
    ...[context, traceId, name, kind, attributes, links]: Parameters<Sampler['shouldSample']>
  ): SamplingResult {
    if (priorityIn(attributes) === 'always') this.keep(traceId);
    if (this.kept.has(traceId)) return KEPT;
    const parent = parentIn(context);
    if (parent !== undefined && this.options.isParentBased) return parent.isSampled ? KEPT : this.unkept;
    const sampler = priorityIn(attributes) === 'routine' ? this.options.routine : this.options.root;
    const { decision } = sampler.shouldSample(context, traceId, name, kind, attributes, links);
    return decision === SamplingDecision.RECORD_AND_SAMPLED ? KEPT : this.unkept;
  }

  onStart(span: Span, parentContext: Context): void {
    this.next.onStart(span, parentContext);
  }

  onEnd(span: ReadableSpan): void {
    const { traceId, traceFlags } = span.spanContext();
    if (span.status.code === SpanStatusCode.ERROR) this.keep(traceId);
    if ((traceFlags & TraceFlags.SAMPLED) !== 0) this.next.onEnd(span);
    else if (this.kept.has(traceId)) this.next.onEnd(sampled(span));
    else this.hold(traceId, span);
  }

  async forceFlush(): Promise<void> {
    await this.next.forceFlush();
  }

  async shutdown(): Promise<void> {
    this.held.clear();
    this.heldSpans = 0;
    await this.next.shutdown();
  }

  /** Spans that wait for their traces to turn out to matter. */
  get waiting(): number {
    return this.heldSpans;
  }

  private keep(traceId: string): void {
    // The latest is the last to be forgotten.
    this.kept.delete(traceId);
    this.kept.add(traceId);
    if (this.kept.size > MAX_KEPT) for (const oldest of this.kept) return void this.kept.delete(oldest);
    for (const span of this.release(traceId)) this.next.onEnd(sampled(span));
  }

  private hold(traceId: string, span: ReadableSpan): void {
    const now = this.now();
    const trace = this.held.get(traceId) ?? { since: now, spans: [] };
    trace.spans.push(span);
    this.held.set(traceId, trace);
    this.heldSpans += 1;
    for (const [oldest, { since }] of this.held) {
      if (this.heldSpans <= this.options.maxHeld && now - since < HOLD_MS) break;
      this.release(oldest);
    }
  }

  private release(traceId: string): readonly ReadableSpan[] {
    const spans = this.held.get(traceId)?.spans ?? [];
    this.held.delete(traceId);
    this.heldSpans -= spans.length;
    return spans;
  }
}

function priorityIn(attributes: Attributes): TracePriority | undefined {
  const priority = attributes[TRACE_PRIORITY];
  return priority === 'always' || priority === 'routine' ? priority : undefined;
}

function parentIn(context: Context): { readonly isSampled: boolean } | undefined {
  const parent = trace.getSpanContext(context);
  if (parent === undefined || !isSpanContextValid(parent)) return undefined;
  return { isSampled: (parent.traceFlags & TraceFlags.SAMPLED) !== 0 };
}

/** The same span as one that was sampled from the start: the exporting processor leaves out all others. */
function sampled(span: ReadableSpan): ReadableSpan {
  const spanContext = { ...span.spanContext(), traceFlags: span.spanContext().traceFlags | TraceFlags.SAMPLED };
  return Object.create(span, { spanContext: { value: () => spanContext } }) as ReadableSpan;
}
