import { describe, expect, it } from '@jest/globals';
import { isSpanContextValid, ROOT_CONTEXT, SpanKind, trace } from '@opentelemetry/api';
import { contextOf, currentTraceparent, inSpan, newTraceparent } from './trace-context.js';

const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

describe('trace context without OpenTelemetry', () => {
  it('a new one is valid and never the same', () => {
    const context = trace.getSpanContext(contextOf(newTraceparent()));
    expect(context !== undefined && isSpanContextValid(context)).toBe(true);
    expect(newTraceparent()).not.toBe(newTraceparent());
  });

  it('is read with its trace, its span and its flags', () => {
    expect(trace.getSpanContext(contextOf(traceparent))).toEqual({
      traceId: '0af7651916cd43dd8448eb211c80319c',
      spanId: 'b7ad6b7169203331',
      traceFlags: 1,
      isRemote: true,
    });
  });

  it.each([[undefined], [''], ['00-xyz'], ['01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01']])(
    'is the root where %j says none',
    (value) => {
      expect(contextOf(value)).toBe(ROOT_CONTEXT);
    },
  );

  it('passes the cause on unchanged inside a span', async () => {
    const inside = await inSpan('x', { kind: SpanKind.PRODUCER, traceparent }, () =>
      Promise.resolve(currentTraceparent(traceparent)),
    );
    expect(inside).toBe(traceparent);
  });

  it('passes an error of the work on', async () => {
    const failing = inSpan('x', { kind: SpanKind.CONSUMER }, () => Promise.reject(new Error('failed')));
    await expect(failing).rejects.toThrow('failed');
  });
});
