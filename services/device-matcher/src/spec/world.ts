import { isDeepStrictEqual } from 'node:util';
import { jetstream, jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import {
  AgentMatched,
  AgentObserved,
  decodeEvent,
  DeviceRecorded,
  OperatorActed,
  STREAMS,
  durableOf,
  subjectOf,
  type DataOf,
} from '@stance/contracts';
import { applyTopology, EventPublisher, StreamFollower } from '@stance/jetstream';
import { startService, type RunningService } from '@stance/service-kit';
import {
  everythingSettled,
  makeStreamsAnew,
  startTestNats,
  waitFor,
  type TestNats,
  PATIENCE_MS,
} from '@stance/testing';
import { deviceMatcher } from '../service.js';

export type Observation = DataOf<typeof AgentObserved>;
export type Device = DataOf<typeof DeviceRecorded>;
export type Register = DataOf<typeof AgentMatched>;

/** A real server on which a device matcher runs, a poller and an inventory that feed it, and what it wrote. */
export class World {
  readonly written: Register[] = [];
  private readonly poller: EventPublisher;
  private readonly inventory: EventPublisher;
  private readonly person: EventPublisher;
  private readonly services: RunningService[] = [];
  private follower: StreamFollower | undefined;
  private events = 0;

  private constructor(
    private readonly nats: TestNats,
    readonly connection: NatsConnection,
    readonly manager: JetStreamManager,
  ) {
    this.poller = new EventPublisher(connection, 'sentinelone-poller', { timeoutMs: PATIENCE_MS });
    this.inventory = new EventPublisher(connection, 'config-sync', { timeoutMs: PATIENCE_MS });
    this.person = new EventPublisher(connection, 'cli', { timeoutMs: PATIENCE_MS });
  }

  static async start(): Promise<World> {
    const nats = await startTestNats();
    const connection = await nats.connect();
    return new World(nats, connection, await jetstreamManager(connection, { timeout: PATIENCE_MS }));
  }

  async close(): Promise<void> {
    await this.stopMatcher();
    await this.follower?.stop();
    await this.nats.close();
  }

  /** Empty streams, no matcher, as at the start. */
  async reset(): Promise<void> {
    await this.stopMatcher();
    await this.follower?.stop();
    await makeStreamsAnew(this.manager, () => applyTopology(this.connection));
    this.written.length = 0;
    this.follower = await StreamFollower.start(
      this.connection,
      { stream: STREAMS.MATCHES.name, from: { sequence: 1 } },
      ({ data, subject, headers }) => {
        // What a spec itself put there is not the matcher's.
        if (headers?.has('Spec')) return;
        this.written.push(decodeEvent(AgentMatched, data, subject).data);
      },
    );
  }

  async startMatcher(settings: Record<string, string> = {}): Promise<RunningService> {
    const service = await startService(deviceMatcher, {
      environment: { NATS_URL: this.nats.url, LOG_LEVEL: 'silent', ...settings },
      http: false,
    });
    this.services.push(service);
    await service.active;
    return service;
  }

  async stopMatcher(): Promise<void> {
    await Promise.all(this.services.splice(0).map((service) => service.stop()));
  }

  async observe(agentId: string, serialNumber?: string, overrides: Partial<Observation> = {}): Promise<void> {
    const data: Observation = {
      source: 'console',
      agentId,
      presence: 'present',
      hardware: { ...(serialNumber !== undefined && { serialNumber }), hostname: `host-${agentId}` },
      attributes: { 'sentinelOne:infected': false },
      observedAt: new Date().toISOString(),
      ...overrides,
    };
    this.events += 1;
    await this.poller.publish(AgentObserved, data, {
      id: `observe:${this.events}`,
      cause: { txn: `txn-${this.events}` },
      retires: data.presence === 'gone',
    });
  }

  async record(
    deviceId: string,
    serialNumber?: string,
    state: Device['state'] = 'enrolled',
    more: Device['hardware'] = {},
    identities?: Device['identities'],
  ): Promise<void> {
    const hardware = { ...(serialNumber !== undefined && { serialNumber }), ...more };
    const data: Device = { deviceId, state, hardware, groups: [], tags: [], ...(identities && { identities }) };
    this.events += 1;
    const options = { id: `record:${this.events}`, cause: {}, retires: state === 'retired' };
    await this.inventory.publish(DeviceRecorded, data, options);
  }

  /** A person links an agent to a device, or to none any more. */
  async link(agentId: string, device: string | undefined, until?: string): Promise<void> {
    this.events += 1;
    const kind = device === undefined ? 'manual-unlink' : 'manual-link';
    const details = { source: 'console', agentId, ...(device !== undefined && { device }) };
    const data = { kind, targetId: `console/${agentId}`, by: 'kim', reason: 'seen on the desk', details } as const;
    await this.person.publish(
      OperatorActed,
      { ...data, ...(until !== undefined && { until }) },
      {
        id: `link:${this.events}`,
        cause: {},
      },
    );
  }

  /** An agent's register as it was written last. */
  registerOf(agentId: string): Register | undefined {
    return this.written.findLast((register) => register.agentId === agentId);
  }

  /** Resolves once the matcher has settled everything and all that it wrote is in `written`. */
  async settled(): Promise<void> {
    for (const contract of [AgentObserved, DeviceRecorded, OperatorActed] as const) {
      await everythingSettled(this.manager, contract.stream?.name ?? '', durableOf('device-matcher', contract));
    }
    await this.follower?.caughtUp();
  }

  /** Waits until the matcher has done everything; then each agent's register says this. */
  async expectRegisters(expected: Record<string, Partial<Register>>): Promise<void> {
    await this.settled();
    await waitFor(
      () => {
        for (const [agentId, register] of Object.entries(expected)) {
          const found = this.registerOf(agentId);
          const same = { ...found, ...register };
          if (!isDeepStrictEqual(found, same)) {
            throw new Error(`${agentId} is ${JSON.stringify(found)} and not ${JSON.stringify(same)}`);
          }
        }
        return true;
      },
      { what: `the registers of ${Object.keys(expected).join(', ')}` },
    );
  }

  /** Settles an observation that no matcher has handled, as nats-server may (docs/adr/0016). */
  async settleUnhandled(): Promise<void> {
    const durable = durableOf('device-matcher', AgentObserved);
    const consumer = await jetstream(this.connection).consumers.get(STREAMS.AGENTS.name, durable);
    const message = await consumer.next({ expires: PATIENCE_MS });
    if (!(await message?.ackAck())) throw new Error('no observation was settled');
  }

  /** The messages that a stream holds of an agent's register. */
  async keptOf(agentId: string): Promise<number> {
    const subject = subjectOf(AgentMatched, { source: 'console', agentId });
    const { state } = await this.manager.streams.info(STREAMS.MATCHES.name, { subjects_filter: subject });
    return state.subjects?.[subject] ?? 0;
  }
}
