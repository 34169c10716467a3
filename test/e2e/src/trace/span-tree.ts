import type { ReceivedSpan } from './otlp-receiver.js';

/** The spans of one trace as lines, each below the one that it followed from: `<service>: <name>`. */
export function treeOf(spans: readonly ReceivedSpan[]): string[] {
  const lines = (parent: string, depth: number): string[] =>
    spans
      .filter(({ parentSpanId }) => parentSpanId === parent)
      .map((span) => ({ span, line: `${'  '.repeat(depth)}${span.service}: ${span.name}` }))
      .toSorted((one, other) => one.line.localeCompare(other.line))
      .flatMap(({ span, line }) => [line, ...lines(span.spanId, depth + 1)]);
  return [...lines('', 0), ...orphansOf(spans).map(({ name, service }) => `NO PARENT ${service}: ${name}`)];
}

/** Spans whose parent is not among them. */
export function orphansOf(spans: readonly ReceivedSpan[]): ReceivedSpan[] {
  const ids = new Set(spans.map(({ spanId }) => spanId));
  return spans.filter(({ parentSpanId }) => parentSpanId !== '' && !ids.has(parentSpanId));
}
