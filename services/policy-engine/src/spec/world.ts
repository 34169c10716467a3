import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import {
  DeadLettered,
  decodeEvent,
  DecisionChanged,
  PolicyActivated,
  PolicyPublished,
  PostureChanged,
  SessionEnded,
  SessionRevoked,
  SessionStarted,
  STREAMS,
  TimerDue,
  TimerSet,
  durableOf,
  type DataOf,
  type EventContract,
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
import type { Decision } from '../decision.js';
import { policyEngine } from '../service.js';
import { published } from './policies.js';

export type Posture = DataOf<typeof PostureChanged>;
export type Session = DataOf<typeof SessionStarted>;

interface StartOptions {
  readonly standby?: boolean;
  readonly definition?: typeof policyEngine;
  readonly environment?: Readonly<Record<string, string>>;
}

/** What a publication has beside its document, where a spec says so. */
type PublicationOverrides = Partial<Pick<DataOf<typeof PolicyPublished>, 'sha256' | 'signature'>>;

/** An event as it stands in its stream. */
export interface Written<Contract extends EventContract> {
  readonly data: DataOf<Contract>;
  readonly sequence: number;
}

/** A real server on which a policy engine runs, what feeds it, and what it wrote. */
export class World {
  readonly decisions: Written<typeof DecisionChanged>[] = [];
  readonly revocations: Written<typeof SessionRevoked>[] = [];
  readonly activations: Written<typeof PolicyActivated>[] = [];
  readonly timers: Written<typeof TimerSet>[] = [];
  readonly dead: Written<typeof DeadLettered>[] = [];
  /** Publishes in the engine's name, as another replica of it would. */
  readonly replica: EventPublisher;
  private readonly postureStore: EventPublisher;
  private readonly admin: EventPublisher;
  private readonly gateway: EventPublisher;
  private readonly services: RunningService[] = [];
  private readonly revisions = new Map<string, number>();
  private followers: StreamFollower[] = [];
  private events = 0;

  private constructor(
    private readonly nats: TestNats,
    readonly connection: NatsConnection,
    readonly manager: JetStreamManager,
  ) {
    this.replica = new EventPublisher(connection, 'policy-engine', { timeoutMs: PATIENCE_MS });
    this.postureStore = new EventPublisher(connection, 'posture-store', { timeoutMs: PATIENCE_MS });
    this.admin = new EventPublisher(connection, 'cli', { timeoutMs: PATIENCE_MS });
    this.gateway = new EventPublisher(connection, 'gateway', { timeoutMs: PATIENCE_MS });
  }

  static async start(): Promise<World> {
    const nats = await startTestNats();
    const connection = await nats.connect();
    return new World(nats, connection, await jetstreamManager(connection, { timeout: PATIENCE_MS }));
  }

  async close(): Promise<void> {
    await this.stopEngine();
    await this.stopFollowing();
    await this.nats.close();
  }

  /** Empty streams, no engine, as at the start. */
  async reset(): Promise<void> {
    await this.stopEngine();
    await this.stopFollowing();
    await makeStreamsAnew(this.manager, () => applyTopology(this.connection));
    this.revisions.clear();
    this.followers = await Promise.all([
      this.follow(DecisionChanged, this.decisions),
      this.follow(SessionRevoked, this.revocations),
      this.follow(PolicyActivated, this.activations),
      this.follow(TimerSet, this.timers),
      this.follow(DeadLettered, this.dead),
    ]);
  }

  /** Starts an engine; one that is not to wait for the lease is a standby until then. */
  async startEngine({
    standby = false,
    definition = policyEngine,
    environment = {},
  }: StartOptions = {}): Promise<RunningService> {
    const service = await startService(definition, {
      environment: { NATS_URL: this.nats.url, LOG_LEVEL: 'silent', ...environment },
      http: false,
    });
    this.services.push(service);
    if (!standby) await service.active;
    return service;
  }

  /** Where the server listens. */
  get url(): string {
    return this.nats.url;
  }

  get engines(): readonly RunningService[] {
    return this.services;
  }

  async stopEngine(): Promise<void> {
    await Promise.all(this.services.splice(0).map((service) => service.stop()));
  }

  async publishPolicy(revision: number, document: string, overrides: PublicationOverrides = {}): Promise<void> {
    await this.admin.publish(PolicyPublished, published(document, { revision, ...overrides }), this.options());
  }

  /** Publishes a policy and waits until it is in force or refused. */
  async settlePolicy(revision: number, document: string, overrides: PublicationOverrides = {}) {
    await this.publishPolicy(revision, document, overrides);
    return waitFor(() => this.activations.find(({ data }) => data.revision === revision)?.data, {
      what: `revision ${revision} to be activated or refused`,
    });
  }

  /** Changes a device's posture: enrolled, seen now, not infected, unless said otherwise. Resolves to its sequence. */
  async change(deviceId: string, infected: boolean, overrides: Partial<Posture> = {}): Promise<number> {
    const revision = (this.revisions.get(deviceId) ?? 1_000) + 1;
    this.revisions.set(deviceId, revision);
    const data: Posture = {
      deviceId,
      revision,
      device: { state: 'enrolled', groups: [], tags: [] },
      agents: [{ source: 's', agentId: `agent-of-${deviceId}`, observedAt: new Date().toISOString() }],
      attributes: { 'sentinelOne:infected': { value: infected, agent: 0 } },
      changed: [],
      problems: [],
      ...overrides,
    };
    const options = { ...this.options(), retires: data.device.state === 'retired' };
    return (await this.postureStore.publish(PostureChanged, data, options)).sequence;
  }

  async openSession(sessionId: string, overrides: Partial<Session> = {}): Promise<Session> {
    const now = Date.now();
    const data: Session = {
      gateway: 'edge',
      deviceId: 'd1',
      sessionId,
      resource: 'wiki',
      user: 'kim@example.com',
      startedAt: new Date(now).toISOString(),
      expiresAt: new Date(now + 12 * 60 * 60_000).toISOString(),
      enforcement: 'cut',
      ...overrides,
    };
    await this.gateway.publish(SessionStarted, data, this.options());
    return data;
  }

  async endSession({ gateway, deviceId, sessionId, resource }: Session): Promise<void> {
    const endedAt = new Date().toISOString();
    const data = { gateway, deviceId, sessionId, resource, cause: 'closed', endedAt } as const;
    await this.gateway.publish(SessionEnded, data, this.options());
  }

  /** A decision as it was written last. */
  decisionOf(deviceId: string, gateway = 'edge'): Decision | undefined {
    return this.decisions.findLast(({ data }) => data.deviceId === deviceId && data.gateway === gateway)?.data;
  }

  /** Waits until the last decision on a resource has this effect. */
  async decided(deviceId: string, effect: 'allow' | 'deny', resource = 'wiki', gateway = 'edge'): Promise<Decision> {
    return waitFor(
      () => {
        const decision = this.decisionOf(deviceId, gateway);
        return decision?.resources[resource]?.effect === effect ? decision : undefined;
      },
      { what: `${deviceId} to get ${effect} for ${resource} at ${gateway}` },
    );
  }

  async revoked(...sessionIds: string[]): Promise<void> {
    await waitFor(() => sessionIds.every((id) => this.revocations.some(({ data }) => data.sessionId === id)), {
      what: `the revocation of ${sessionIds.join(', ')}`,
    });
    // What was stored before it is of other streams, and may arrive after it.
    await this.caughtUp();
  }

  /** Resolves once the engine holds so many sessions open: of their ends it hears without settling anything. */
  async sessionsOpen(count: number): Promise<void> {
    await waitFor(() => this.services.at(-1)?.health().details?.['openSessions'] === count, {
      what: `${count} sessions to be open`,
    });
  }

  /** As the server does when a device's timer falls due. */
  async fireTimer(deviceId: string, at: number): Promise<void> {
    await this.replica.publish(TimerDue, { deviceId, dueAt: new Date(at).toISOString() }, this.options());
  }

  /** Resolves once every engine has settled everything and all that they wrote is here. */
  async settled(): Promise<void> {
    const inputs = [PostureChanged, PolicyPublished, SessionStarted, TimerDue] as const;
    await Promise.all(inputs.map((contract) => this.consumed(contract)));
    await waitFor(() => this.services.every((service) => this.reviewOf(service) === null), {
      what: 'the fleet to be reviewed',
    });
    await this.caughtUp();
  }

  /** Resolves once all that was stored by now is here. */
  private async caughtUp(): Promise<void> {
    await Promise.all(this.followers.map((follower) => follower.caughtUp()));
  }

  private async consumed(contract: EventContract): Promise<void> {
    await everythingSettled(this.manager, contract.stream?.name ?? '', durableOf('policy-engine', contract));
  }

  private reviewOf(service: RunningService): unknown {
    return service.state() === 'active' ? service.health().details?.['review'] : null;
  }

  /** An id that no other event has, and no cause but a name. */
  options() {
    this.events += 1;
    return { id: `spec:${this.events}`, cause: { txn: `txn-${this.events}` } };
  }

  private async follow<Contract extends EventContract>(
    contract: Contract,
    into: Written<Contract>[],
  ): Promise<StreamFollower> {
    into.length = 0;
    const filter = contract.keys.length === 0 ? contract.subjectPrefix : `${contract.subjectPrefix}.>`;
    return StreamFollower.start(
      this.connection,
      { stream: contract.stream?.name ?? '', filter, from: { sequence: 1 } },
      ({ data, subject, seq }) => void into.push({ data: decodeEvent(contract, data, subject).data, sequence: seq }),
    );
  }

  private async stopFollowing(): Promise<void> {
    await Promise.all(this.followers.splice(0).map((follower) => follower.stop()));
  }
}

/** The durable consumer that brings an engine its events. */
export const durable = {
  sessions: { stream: STREAMS.SESSIONS.name, name: durableOf('policy-engine', SessionStarted) },
  postures: { stream: STREAMS.POSTURE.name, name: durableOf('policy-engine', PostureChanged) },
} as const;
