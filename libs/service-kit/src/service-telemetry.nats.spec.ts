import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { NatsConnection } from '@nats-io/transport-node';
import { Controller, Module } from '@nestjs/common';
import { trace } from '@opentelemetry/api';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { AgentObserved, TimerDue } from '@stance/contracts';
import { applyTopology, EventPublisher, OnEvent } from '@stance/jetstream';
import { startTestNats, waitFor, type TestNats } from '@stance/testing';
import { startService, type RunningService } from './run-service.js';
import { defineService } from './service.js';
import { startTelemetry } from './telemetry.js';

const exporter = new InMemorySpanExporter();
let nats: TestNats;
let connection: NatsConnection;
let running: RunningService | undefined;
let release: () => void = () => undefined;

beforeAll(async () => {
  // The context manager comes with telemetry, as in a process.
  await startTelemetry('spec', {});
  trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] }));
  nats = await startTestNats();
  connection = await nats.connect();
  await applyTopology(connection);
});
afterEach(async () => {
  release();
  await running?.stop();
  exporter.reset();
});
afterAll(async () => {
  await nats.close();
  trace.disable();
});

/** Handles agents until it is released, and timers at once. */
@Controller()
class Handler {
  static until: Promise<void> = Promise.resolve();

  @OnEvent(AgentObserved)
  handle(): Promise<void> {
    return Handler.until;
  }

  @OnEvent(TimerDue, { beginsTrace: true })
  async due(): Promise<void> {}
}

@Module({})
class HandlerModule {}

async function start(): Promise<RunningService> {
  Handler.until = new Promise((resolve) => (release = resolve));
  const definition = defineService({
    name: 'policy-engine',
    httpPort: 0,
    settings: {},
    lease: () => 'spec-lease',
    build: () => ({ module: { module: HandlerModule, controllers: [Handler] } }),
  });
  running = await startService(definition, { environment: { NATS_URL: nats.url, LOG_LEVEL: 'silent' }, http: false });
  await running.active;
  return running;
}

/** What a metric tells now, by its labels. */
async function told(name: string): Promise<Record<string, number>> {
  const { prometheus } = await startTelemetry('spec', {});
  const { resourceMetrics } = await prometheus.collect();
  const metric = resourceMetrics.scopeMetrics
    .flatMap((scope) => scope.metrics)
    .find((one) => one.descriptor.name === name);
  return Object.fromEntries(
    (metric?.dataPoints ?? []).map(({ attributes, value }) => [JSON.stringify(attributes), Number(value)]),
  );
}

const publishAgent = (agentId: string) =>
  new EventPublisher(connection, 'sentinelone-poller').publish(
    AgentObserved,
    { source: 's', agentId, presence: 'present', hardware: {}, attributes: {}, observedAt: new Date().toISOString() },
    { id: agentId, cause: {} },
  );

describe('a service tells, while it is active and no longer,', () => {
  it('how far behind each of its consumers is', async () => {
    for (const agentId of ['a', 'b', 'c']) await publishAgent(agentId);
    const service = await start();
    const lag = '{"service":"policy-engine","event":"agent.observed"}';
    await waitFor(async () => (await told('stance.consumer.lag'))[lag] === 3, { what: 'the lag to be told' });
    release();
    await service.stop();
    expect(await told('stance.consumer.lag')).toEqual({});
  });

  it('that it holds its lease', async () => {
    const service = await start();
    expect(await told('stance.lease.held')).toEqual({ '{"service":"policy-engine","lease":"spec-lease"}': 1 });
    release();
    await service.stop();
    expect(await told('stance.lease.held')).toEqual({});
  });
});

it('what was set long before is handled in a trace of its own, which links to the one that set it', async () => {
  await start();
  const data = { deviceId: 'd1', dueAt: new Date().toISOString() };
  await new EventPublisher(connection, 'policy-engine').publish(TimerDue, data, { id: 'due', cause: {} });
  const named = (name: string) => exporter.getFinishedSpans().find((span) => span.name === name);
  const handled = await waitFor(() => named('process stance.timer.due.v1'), { what: 'the timer to be handled' });
  const set = named('publish stance.timer.due.v1')?.spanContext();
  expect(handled.parentSpanContext).toBeUndefined();
  expect(handled.spanContext().traceId).not.toBe(set?.traceId);
  expect(handled.links.map((link) => link.context.spanId)).toEqual([set?.spanId]);
  expect(handled.attributes).toMatchObject({
    'messaging.consumer.group.name': 'policy-engine_timer-due',
    'stance.device.id': 'd1',
    'stance.settlement': 'ack',
  });
});
