import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { context, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { currentTraceparent, inSpan } from '@stance/jetstream';

// The spans of @stance/jetstream with OpenTelemetry on: it knows only the API, the SDK is here.
const exporter = new InMemorySpanExporter();
beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] }));
});
afterEach(() => exporter.reset());
afterAll(() => {
  trace.disable();
  context.disable();
});

const [ONE, OTHER] = ['0af7651916cd43dd8448eb211c80319c', 'ffffffffffffffffffffffffffffffff'];
const traceparent = `00-${ONE}-b7ad6b7169203331-01`;
const nothing = () => Promise.resolve();

describe('a span', () => {
  it('is below the one that a traceparent names, and is the one that others are below', async () => {
    const own = await inSpan('a', { kind: SpanKind.CONSUMER, traceparent }, () =>
      Promise.resolve(currentTraceparent(undefined)),
    );
    const [span] = exporter.getFinishedSpans();
    expect(span?.parentSpanContext?.spanId).toBe('b7ad6b7169203331');
    expect(own).toBe(`00-${ONE}-${span?.spanContext().spanId}-01`);
  });

  it('is below the active one where nothing is named', async () => {
    await inSpan('outer', { kind: SpanKind.INTERNAL }, () => inSpan('inner', { kind: SpanKind.INTERNAL }, nothing));
    const [inner, outer] = exporter.getFinishedSpans();
    expect(inner?.parentSpanContext?.spanId).toBe(outer?.spanContext().spanId);
  });

  it('of its own trace links to what led to it, without what names no span', async () => {
    const links = [traceparent, undefined, 'nonsense', `00-${OTHER}-b7ad6b7169203332-00`];
    await inSpan('outer', { kind: SpanKind.INTERNAL }, () =>
      inSpan('a', { kind: SpanKind.CONSUMER, traceparent, root: true, links }, nothing),
    );
    const [span] = exporter.getFinishedSpans();
    expect(span?.parentSpanContext).toBeUndefined();
    expect(span?.spanContext().traceId).not.toBe(ONE);
    expect(span?.links.map((link) => link.context.traceId)).toEqual([ONE, OTHER]);
  });

  it('tells the error of its work, which is thrown on', async () => {
    class Refused extends Error {
      override readonly name = 'Refused';
    }
    const failing = inSpan('a', { kind: SpanKind.CONSUMER }, () => Promise.reject(new Refused('no room')));
    await expect(failing).rejects.toThrow('no room');
    expect(exporter.getFinishedSpans()).toMatchObject([
      {
        status: { code: SpanStatusCode.ERROR, message: 'no room' },
        attributes: { 'error.type': 'Refused' },
        events: [{ name: 'exception' }],
      },
    ]);
  });
});
