import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  AgentObserved,
  EngineReported,
  EVENT_CONTENT_TYPE,
  MAX_EVENT_BYTES,
  RETIREMENT_TTL,
  STREAMS,
  subjectOf,
  UnusableId,
} from '@stance/contracts';
import { startFaultProxy, waitFor, type FaultProxy } from '@stance/testing';
import { connectToNats } from './connection.js';
import { EventPublisher, EventTooLarge, ExpectationFailed, Unconfirmed } from './publisher.js';
import { agent, agentSubject, NO_CAUSE } from './spec/events.js';
import { startService, startWorld, untilConsumed, type World } from './spec/world.js';

let world: World;
let proxy: FaultProxy;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());
beforeEach(async () => {
  await world.reset();
  proxy = await startFaultProxy({ target: world.nats.url });
});
afterEach(() => proxy.close());

const stored = (sequence: number) => world.manager.streams.getMessage(STREAMS.AGENTS.name, { seq: sequence });
const publish = (overrides: Partial<Parameters<EventPublisher['publish']>[2]> = {}, agentId = 'agent-1') =>
  world.poller.publish(AgentObserved, agent({ agentId }), { id: 'e1', cause: NO_CAUSE, ...overrides });

describe('publishing', () => {
  it('stores the event on its subject with its id, content type and trace context', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const { event, sequence, duplicate, subject } = await publish({ cause: { traceparent, txn: 't' } });
    const message = await stored(sequence);
    expect([duplicate, subject, message?.subject]).toEqual([false, agentSubject(), agentSubject()]);
    expect(message?.json()).toEqual(event);
    expect(event).toMatchObject({ id: 'e1', txn: 't', traceparent, source: '/stance/sentinelone-poller' });
    const headers = message?.header;
    expect([headers?.get('Nats-Msg-Id'), headers?.get('Content-Type'), headers?.get('traceparent')]).toEqual([
      'e1',
      EVENT_CONTENT_TYPE,
      traceparent,
    ]);
  });

  it('tells that the server had the id already', async () => {
    const first = await publish();
    expect(await publish()).toMatchObject({ duplicate: true, sequence: first.sequence });
  });

  it('only while the last sequence is the expected one: else somebody else wrote', async () => {
    const first = await publish({ expectedSequence: 0 });
    await expect(publish({ id: 'e2', expectedSequence: 0 })).rejects.toThrow(ExpectationFailed);
    await expect(publish({ id: 'e3', expectedSequence: first.sequence + 7 })).rejects.toThrow(ExpectationFailed);
    await publish({ id: 'e4', expectedSequence: first.sequence });
    const { state } = await world.manager.streams.info(STREAMS.AGENTS.name);
    expect(state.messages).toBe(2);
  });

  it('refuses what no stream would take, before it is sent', async () => {
    const large = agent({ attributes: { 'x:y': 'x'.repeat(MAX_EVENT_BYTES) } });
    await expect(world.poller.publish(AgentObserved, large, { id: 'e', cause: NO_CAUSE })).rejects.toThrow(
      EventTooLarge,
    );
    await expect(publish({}, 'x'.repeat(300))).rejects.toThrow(UnusableId);
  });

  it('keeps many in flight: a thousand through a slow link take far less than a round trip each', async () => {
    const connection = await connectToNats({ url: `nats://127.0.0.1:${proxy.port}`, name: 'slow' });
    proxy.delay(50);
    const publisher = new EventPublisher(connection, 'sentinelone-poller');
    const startedAt = performance.now();
    await Promise.all(
      Array.from({ length: 1_000 }, (_, index) =>
        publisher.publish(AgentObserved, agent({ agentId: `a${index}` }), { id: `p${index}`, cause: NO_CAUSE }),
      ),
    );
    expect(performance.now() - startedAt).toBeLessThan(10_000);
    expect((await world.manager.streams.info(STREAMS.AGENTS.name)).state.messages).toBe(1_000);
    await connection.close();
  });

  it('is unconfirmed while the server cannot be reached, and heals by itself', async () => {
    const connection = await connectToNats({ url: `nats://127.0.0.1:${proxy.port}`, name: 'cut off' });
    const publisher = new EventPublisher(connection, 'sentinelone-poller', { timeoutMs: 300 });
    const options = { id: 'e9', cause: NO_CAUSE, expectedSequence: 0 };
    await proxy.refuse();
    await expect(publisher.publish(AgentObserved, agent(), options)).rejects.toThrow(Unconfirmed);
    await proxy.resume();
    await waitFor(
      () =>
        publisher.publish(AgentObserved, agent(), options).catch((error: unknown) => {
          if (error instanceof ExpectationFailed) return true;
          throw error;
        }),
      { what: 'the event is stored, now or by the first attempt' },
    );
    expect((await world.manager.streams.info(STREAMS.AGENTS.name)).state.messages).toBe(1);
    await connection.close();
  });

  it('is unconfirmed while no stream answers for the subject', async () => {
    await world.manager.streams.delete(STREAMS.AGENTS.name);
    await expect(publish()).rejects.toThrow(Unconfirmed);
  });

  it('retires a subject with one message that leaves no older one behind', async () => {
    for (const id of ['1', '2', '3']) await publish({ id });
    const { sequence } = await publish({ id: '4', retires: true });
    const { state } = await world.manager.streams.info(STREAMS.AGENTS.name, { subjects_filter: agentSubject() });
    expect([state.messages, state.first_seq]).toEqual([1, sequence]);
    const headers = (await stored(sequence))?.header;
    expect([headers?.get('Nats-Rollup'), headers?.get('Nats-TTL')]).toEqual(['sub', RETIREMENT_TTL]);
  });

  it('announces what no stream keeps', async () => {
    const subscription = world.connection.subscribe(subjectOf(EngineReported, { gateway: 'g' }), { max: 1 });
    await world.connection.flush();
    const report = {
      gateway: 'g',
      policyRevision: 0,
      lag: 0,
      evaluatedUpTo: 0,
      decidedUpTo: 0,
      reportedAt: '2026-11-21T08:00:00Z',
    };
    new EventPublisher(world.connection, 'policy-engine').announce(EngineReported, report, 'r1');
    for await (const message of subscription) {
      expect(message.json()).toMatchObject({ id: 'r1', type: EngineReported.type, data: report });
    }
  });
});

describe('the trace of a cause, with OpenTelemetry off', () => {
  it('goes on from the handled event to the published one, in its envelope and its header', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const published: string[] = [];
    const service = await startService(world, async ({ data }, context) => {
      if (data.agentId !== 'cause') return;
      const { event, sequence } = await world.poller.publish(AgentObserved, agent({ agentId: 'effect' }), {
        id: context.origin.input,
        cause: context.cause,
      });
      published.push(
        event.traceparent ?? '',
        (await stored(sequence))?.header.get('traceparent') ?? '',
        event.txn ?? '',
      );
    });
    await publish({ cause: { traceparent, txn: 't1' } }, 'cause');
    await untilConsumed(world);
    expect(published).toEqual([traceparent, traceparent, 't1']);
    await service.close();
  });
});
