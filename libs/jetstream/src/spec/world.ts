import { jetstreamManager, type JetStreamManager, type StoredMsg } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { Controller, Module, type INestMicroservice, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Ctx, Payload } from '@nestjs/microservices';
import { AgentObserved, decodeEvent, DeadLettered, STREAMS, type DataOf, type ServiceName } from '@stance/contracts';
import { deleteStreams, makeStreamsAnew, startTestNats, waitFor, type TestNats } from '@stance/testing';
import { connectToNats } from '../connection.js';
import type { ConsumeObserver } from '../consume-loop.js';
import type { JetStreamContext } from '../context.js';
import { PassErrorsThrough } from '../errors.filter.js';
import { OnEvent, type OnEventOptions } from '../handlers.js';
import { JetStreamStrategy, type JetStreamStrategyOptions } from '../jetstream.strategy.js';
import { EventPublisher } from '../publisher.js';
import type { Settlement } from '../settlement.js';
import { applyTopology } from '../topology.js';
import { agent, NO_CAUSE, type AgentEvent } from './events.js';

/** A real server with every stream, and a poller that publishes to it. */
export interface World {
  readonly nats: TestNats;
  readonly connection: NatsConnection;
  readonly manager: JetStreamManager;
  readonly poller: EventPublisher;
  /** Those that still run. */
  readonly services: Set<Service>;
  /** No service, empty streams without consumers, as at the start. */
  reset(): Promise<void>;
  close(): Promise<void>;
}

/** All but the buckets: a lease outlives its spec, and what gives it back may still be under way. */
const STREAM_NAMES = Object.values(STREAMS).map(({ name }) => name);

export async function startWorld(): Promise<World> {
  const nats = await startTestNats();
  const connection = await connectToNats({ url: nats.url, name: 'spec' });
  const manager = await jetstreamManager(connection);
  await applyTopology(connection);
  const services = new Set<Service>();
  const closeServices = async () => {
    for (const service of services) await service.close();
  };
  return {
    nats,
    services,
    connection,
    manager,
    poller: new EventPublisher(connection, 'sentinelone-poller'),
    reset: async () => {
      await closeServices();
      const names = (await manager.streams.names().next()).filter((name) => !name.startsWith('KV_'));
      await deleteStreams(manager, names);
      await makeStreamsAnew(manager, () => applyTopology(connection), STREAM_NAMES);
    },
    close: async () => {
      await closeServices();
      await connection.close();
      await nats.close();
    },
  };
}

/** Publishes one observation of the agent and resolves to its sequence. */
export async function observe(
  { poller }: World,
  agentId: string,
  attributes: AgentEvent['data']['attributes'] = {},
): Promise<number> {
  const id = `${agentId}:${JSON.stringify(attributes)}:${performance.now()}`;
  return (await poller.publish(AgentObserved, agent({ agentId, attributes }), { id, cause: NO_CAUSE })).sequence;
}

type Handle = (event: AgentEvent, context: JetStreamContext) => unknown;

/** How one message was settled. */
export interface Settled {
  readonly sequence: number;
  readonly settlement: Settlement;
  readonly error: unknown;
}

export interface Service {
  readonly app: INestMicroservice;
  readonly strategy: JetStreamStrategy;
  readonly settled: Settled[];
  readonly troubles: string[];
  readonly connection: NatsConnection;
  /** Closes the service, then its connection. */
  close(): Promise<void>;
}

export interface ServiceOptions extends Partial<JetStreamStrategyOptions> {
  readonly name?: ServiceName;
  readonly url?: string;
  readonly passErrors?: boolean;
  /** Default true. */
  readonly start?: boolean;
  readonly consume?: OnEventOptions<typeof AgentObserved>;
}

/** A Nest microservice with a connection of its own, whose one handler takes observed agents. */
export async function startService(world: World, handle: Handle, options: ServiceOptions = {}): Promise<Service> {
  const { name = 'device-matcher', url = world.nats.url, passErrors = true, start = true, consume, ...rest } = options;
  const connection = rest.connection ?? (await connectToNats({ url, name }));
  const settled: Settled[] = [];
  const troubles: string[] = [];
  const observer: ConsumeObserver = {
    settled: (_, message, settlement, error) => settled.push({ sequence: message.seq, settlement, error }),
    trouble: (message, error) => troubles.push(`${message}${error instanceof Error ? `: ${error.message}` : ''}`),
  };
  const publisher = new EventPublisher(connection, name, { timeoutMs: 1_000 });
  const strategy = new JetStreamStrategy({ publisher, observer, ...rest, connection });
  const app = await NestFactory.createMicroservice(moduleWith(handle, consume), { strategy, logger: false });
  if (passErrors) app.useGlobalFilters(new PassErrorsThrough());
  await app.listen();
  if (start) await strategy.start();
  const service: Service = {
    app,
    strategy,
    settled,
    troubles,
    connection,
    close: async () => {
      world.services.delete(service);
      await app.close();
      await connection.close();
    },
  };
  world.services.add(service);
  return service;
}

function moduleWith(handle: Handle, consume: OnEventOptions<typeof AgentObserved> = {}) {
  @Controller()
  class AgentController {
    @OnEvent(AgentObserved, consume)
    handle(@Payload() event: AgentEvent, @Ctx() context: JetStreamContext): unknown {
      return handle(event, context);
    }
  }

  return moduleOf(AgentController);
}

/** A Nest module of one controller. */
export function moduleOf(controller: Type): Type {
  const TestModule = class {
    readonly controller = controller;
  };
  Module({ controllers: [controller] })(TestModule);
  return TestModule;
}

/** The dead letters stored so far, and the messages that hold them. */
export async function deadLetters({
  manager,
}: World): Promise<{ data: DataOf<typeof DeadLettered>; message: StoredMsg }[]> {
  const { state } = await manager.streams.info(STREAMS.DEAD.name);
  const letters: { data: DataOf<typeof DeadLettered>; message: StoredMsg }[] = [];
  for (let sequence = state.first_seq; sequence <= state.last_seq && state.messages > 0; sequence += 1) {
    const message = await manager.streams.getMessage(STREAMS.DEAD.name, { seq: sequence });
    if (message !== null)
      letters.push({ data: decodeEvent(DeadLettered, message.data, message.subject).data, message });
  }
  return letters;
}

/**
 * Resolves once everything that the stream holds for the consumer was delivered and settled. What is pending is not asked
 * for: right after a publish the server may not have counted it yet.
 */
export async function untilConsumed({ manager }: World, durable = 'device-matcher_agent-observed'): Promise<void> {
  const stream = STREAMS.AGENTS.name;
  await waitFor(
    async () => {
      const { config, delivered, num_ack_pending: unsettled } = await manager.consumers.info(stream, durable);
      const last = await manager.streams.getMessage(stream, { last_by_subj: config.filter_subject ?? '>' });
      return delivered.stream_seq >= (last?.seq ?? 0) && unsettled === 0;
    },
    { what: `${durable} has settled everything` },
  );
}
