import { jetstream, jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import {
  AgentMatched,
  decodeEvent,
  DeviceRecorded,
  PostureChanged,
  STREAMS,
  durableOf,
  subjectOf,
  type DataOf,
} from '@stance/contracts';
import { applyTopology, EventPublisher, StreamFollower } from '@stance/jetstream';
import { startService, type RunningService } from '@stance/service-kit';
import { everythingSettled, makeStreamsAnew, startTestNats, type TestNats, PATIENCE_MS } from '@stance/testing';
import type { Posture, Register } from '../posture.js';
import { postureStore } from '../service.js';

export type DeviceRecord = DataOf<typeof DeviceRecorded>;

/** A real server on which a posture store runs, a matcher and an inventory that feed it, and what it wrote. */
export class World {
  readonly written: Posture[] = [];
  private readonly matcher: EventPublisher;
  private readonly inventory: EventPublisher;
  private readonly services: RunningService[] = [];
  private readonly deviceOfAgent = new Map<string, string | null>();
  private follower: StreamFollower | undefined;
  private events = 0;

  private constructor(
    private readonly nats: TestNats,
    readonly connection: NatsConnection,
    readonly manager: JetStreamManager,
  ) {
    this.matcher = new EventPublisher(connection, 'device-matcher', { timeoutMs: PATIENCE_MS });
    this.inventory = new EventPublisher(connection, 'config-sync', { timeoutMs: PATIENCE_MS });
  }

  static async start(): Promise<World> {
    const nats = await startTestNats();
    const connection = await nats.connect();
    return new World(nats, connection, await jetstreamManager(connection, { timeout: PATIENCE_MS }));
  }

  async close(): Promise<void> {
    await this.stopStore();
    await this.follower?.stop();
    await this.nats.close();
  }

  /** Empty streams, no posture store, as at the start. */
  async reset(): Promise<void> {
    await this.stopStore();
    await this.follower?.stop();
    await makeStreamsAnew(this.manager, () => applyTopology(this.connection));
    this.written.length = 0;
    this.deviceOfAgent.clear();
    this.follower = await StreamFollower.start(
      this.connection,
      { stream: STREAMS.POSTURE.name, from: { sequence: 1 } },
      ({ data, subject }) => void this.written.push(decodeEvent(PostureChanged, data, subject).data),
    );
  }

  async startStore(): Promise<RunningService> {
    const service = await startService(postureStore, {
      environment: { NATS_URL: this.nats.url, LOG_LEVEL: 'silent' },
      http: false,
    });
    this.services.push(service);
    await service.active;
    return service;
  }

  async stopStore(): Promise<void> {
    await Promise.all(this.services.splice(0).map((service) => service.stop()));
  }

  async record(deviceId: string, overrides: Partial<DeviceRecord> = {}): Promise<void> {
    const data: DeviceRecord = { deviceId, state: 'enrolled', hardware: {}, groups: [], tags: [], ...overrides };
    this.events += 1;
    const options = { id: `record:${this.events}`, cause: {}, retires: data.state === 'retired' };
    await this.inventory.publish(DeviceRecorded, data, options);
  }

  /** Registers an agent as the matcher does: to a device, or to none. */
  async match(agentId: string, device: string | null, overrides: Partial<Register> = {}): Promise<void> {
    const before = this.deviceOfAgent.get(agentId) ?? null;
    this.deviceOfAgent.set(agentId, device);
    const data: Register = {
      source: 'console',
      agentId,
      state: device === null ? 'unmatched' : 'matched',
      device,
      previousDevice: before === device ? null : before,
      ...(device !== null && { by: 'serial', trust: 'reported' }),
      presence: 'present',
      attributes: { 'sentinelOne:infected': false },
      observedAt: new Date().toISOString(),
      ...overrides,
    };
    this.events += 1;
    await this.matcher.publish(AgentMatched, data, {
      id: `match:${this.events}`,
      cause: { txn: `txn-${this.events}` },
      retires: data.presence === 'gone',
    });
  }

  /** A device's posture as it was written last. */
  postureOf(deviceId: string): Posture | undefined {
    return this.written.findLast((posture) => posture.deviceId === deviceId);
  }

  /** Resolves once the store has settled everything and all that it wrote is in `written`. */
  async settled(options: { readonly timeoutMs?: number } = {}): Promise<void> {
    for (const contract of [AgentMatched, DeviceRecorded] as const) {
      await everythingSettled(this.manager, contract.stream?.name ?? '', durableOf('posture-store', contract), options);
    }
    await this.follower?.caughtUp();
  }

  /** Settles a message that no store has handled, as nats-server may (docs/adr/0016). */
  async settleUnhandled(contract: typeof AgentMatched | typeof DeviceRecorded): Promise<void> {
    const { consumers } = jetstream(this.connection);
    const consumer = await consumers.get(contract.stream?.name ?? '', durableOf('posture-store', contract));
    const message = await consumer.next({ expires: PATIENCE_MS });
    if (!(await message?.ackAck())) throw new Error(`nothing of ${contract.name} was settled`);
  }

  /** The messages that the stream holds of a device's posture. */
  async keptOf(deviceId: string): Promise<number> {
    const subject = subjectOf(PostureChanged, { deviceId });
    const { state } = await this.manager.streams.info(STREAMS.POSTURE.name, { subjects_filter: subject });
    return state.subjects?.[subject] ?? 0;
  }
}
