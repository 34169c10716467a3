import { beforeEach, describe, expect, it } from '@jest/globals';
import {
  ROOT_CONTEXT,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Context,
  type Span,
  type Tracer,
} from '@opentelemetry/api';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  TracerProvider,
  type Sampler,
} from '@opentelemetry/sdk-trace';
import { TRACE_PRIORITY, type TracePriority } from '@stance/jetstream';
import { TraceKeeper, type KeeperOptions } from './trace-keeper.js';

let exporter: InMemorySpanExporter;
let keeper: TraceKeeper;
let tracer: Tracer;
let now = 0;

function keep(options: Partial<KeeperOptions> = {}): void {
  exporter = new InMemorySpanExporter();
  keeper = new TraceKeeper(new SimpleSpanProcessor({ exporter }), {
    root: new AlwaysOffSampler(),
    routine: new AlwaysOffSampler(),
    isParentBased: true,
    maxHeld: 100,
    now: () => now,
    ...options,
  });
  tracer = new TracerProvider({ sampler: keeper, spanProcessors: [keeper] }).getTracer('spec');
}

beforeEach(() => {
  now = 0;
  keep();
});

const below = (parent: Span | undefined): Context =>
  parent === undefined ? ROOT_CONTEXT : trace.setSpan(ROOT_CONTEXT, parent);

function begin(name: string, parent?: Span, priority?: TracePriority): Span {
  return tracer.startSpan(
    name,
    { attributes: priority === undefined ? {} : { [TRACE_PRIORITY]: priority } },
    below(parent),
  );
}

const isSampled = (span: Span) => (span.spanContext().traceFlags & TraceFlags.SAMPLED) !== 0;
const sent = () => exporter.getFinishedSpans().map(({ name }) => name);

function remote(flags: TraceFlags): Context {
  const parent = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', traceFlags: flags };
  return trace.setSpanContext(ROOT_CONTEXT, { ...parent, isRemote: true });
}

describe('what begins a trace', () => {
  it.each<[string, TracePriority | undefined, Sampler, Sampler, boolean]>([
    ['is sampled as the sampler says', undefined, new AlwaysOnSampler(), new AlwaysOffSampler(), true],
    ['is not sampled as the sampler says', undefined, new AlwaysOffSampler(), new AlwaysOnSampler(), false],
    [
      'is sampled by a sampler of its own when it is routine',
      'routine',
      new AlwaysOffSampler(),
      new AlwaysOnSampler(),
      true,
    ],
    ['is left out by it', 'routine', new AlwaysOnSampler(), new AlwaysOffSampler(), false],
    [
      'is sampled whatever they say when it is always to be',
      'always',
      new AlwaysOffSampler(),
      new AlwaysOffSampler(),
      true,
    ],
  ])('%s', (_, priority, root, routine, expected) => {
    keep({ root, routine });
    expect(isSampled(begin('a', undefined, priority))).toBe(expected);
  });
});

describe('what goes on in a trace', () => {
  it.each([
    ['was sampled', TraceFlags.SAMPLED, true],
    ['was not sampled', TraceFlags.NONE, false],
  ])('is sampled as the span above was, here or elsewhere: one that %s', (_, flags, expected) => {
    expect(isSampled(tracer.startSpan('a', {}, remote(flags)))).toBe(expected);
  });

  it('is asked about span by span where the sampler does not go by parents', () => {
    keep({ root: new AlwaysOnSampler(), isParentBased: false });
    expect(isSampled(tracer.startSpan('a', {}, remote(TraceFlags.NONE)))).toBe(true);
  });
});

describe('a trace that was not sampled', () => {
  it('is not sent', () => {
    begin('a').end();
    expect(sent()).toEqual([]);
    expect(keeper.waiting).toBe(1);
  });

  it('is sent as a whole once a span of it is always to be kept, those before it and those after it', () => {
    const root = begin('request', undefined, 'routine');
    begin('attempt', root).end();
    root.end();
    const change = begin('observe', root, 'always');
    change.end();
    const after = begin('publish', change);
    expect(isSampled(after)).toBe(true);
    after.end();
    expect(sent()).toEqual(['attempt', 'request', 'observe', 'publish']);
    expect(
      exporter.getFinishedSpans().every((span) => (span.spanContext().traceFlags & TraceFlags.SAMPLED) !== 0),
    ).toBe(true);
    expect(keeper.waiting).toBe(0);
  });

  it('is sent once a span of it fails, with the spans around that one', () => {
    const root = begin('process');
    begin('read', root).end();
    const write = begin('write', root);
    write.setStatus({ code: SpanStatusCode.ERROR });
    write.end();
    root.end();
    expect(sent()).toEqual(['read', 'write', 'process']);
  });

  it('takes no other trace with it', () => {
    begin('other').end();
    begin('kept', undefined, 'always').end();
    expect(sent()).toEqual(['kept']);
  });
});

describe('what is held', () => {
  it('is bounded: the oldest trace goes first, as a whole', () => {
    keep({ maxHeld: 3 });
    const [first, second] = [begin('first'), begin('second')];
    begin('first.1', first).end();
    begin('first.2', first).end();
    begin('second.1', second).end();
    begin('second.2', second).end();
    expect(keeper.waiting).toBe(2);
    begin('first.3', first, 'always').end();
    begin('second.3', second, 'always').end();
    expect(sent()).toEqual(['first.3', 'second.1', 'second.2', 'second.3']);
  });

  it('is nothing where nothing may be: it is not even recorded', () => {
    keep({ maxHeld: 0 });
    const root = begin('a');
    expect(root.isRecording()).toBe(false);
    begin('b', root, 'always').end();
    root.end();
    expect(sent()).toEqual(['b']);
    expect(keeper.waiting).toBe(0);
  });

  it('is forgotten after a minute', () => {
    const root = begin('a');
    begin('b', root).end();
    now = 60_000;
    begin('c').end();
    begin('d', root, 'always').end();
    expect(sent()).toEqual(['d']);
  });

  it('is let go at the end', async () => {
    begin('a').end();
    await keeper.shutdown();
    expect(keeper.waiting).toBe(0);
  });
});
