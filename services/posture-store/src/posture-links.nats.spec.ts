import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { context, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { World } from './spec/world.js';

const exporter = new InMemorySpanExporter();
let world: World;

beforeAll(async () => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] }));
  world = await World.start();
  await world.reset();
});
afterAll(async () => {
  await world.close();
  trace.disable();
  context.disable();
});

it('a posture that is rebuilt once for several agents follows from one of them and links to the others', async () => {
  await world.record('d1');
  await world.startStore();
  const agents = Array.from({ length: 20 }, (_, index) => `a${index}`);
  await Promise.all(agents.map((agentId) => world.match(agentId, 'd1')));
  await world.settled();

  const spans = exporter.getFinishedSpans();
  const handled = new Set(
    spans.filter(({ name }) => name.startsWith('process ')).map((span) => span.spanContext().spanId),
  );
  const rebuilt = spans.filter(({ name }) => name === 'publish stance.posture.changed.v1');
  expect(rebuilt.some(({ links }) => links.length > 1)).toBe(true);
  // All of them are deliveries that were handled here.
  const causes = rebuilt.flatMap(({ parentSpanContext, links }) => [
    parentSpanContext?.spanId ?? 'none',
    ...links.map((link) => link.context.spanId),
  ]);
  expect(causes.filter((spanId) => !handled.has(spanId))).toEqual([]);
});
