import {
  AuditRecorded,
  contractOfSubject,
  decodeEvent,
  DecisionChanged,
  SessionRevoked,
  STREAMS,
  type DataOf,
} from '@stance/contracts';
import { StreamFollower } from '@stance/jetstream';
import { ServiceProcess, waitFor, type Moment, type Outcome, type Recorded } from '@stance/testing';
import { policyEngineWith } from '../service.js';
import { World, type Session } from './world.js';

/** The longest lifetime that a session may have. */
const WEEK_MS = 7 * 24 * 3_600_000;
const FORGETS_AFTER = 40;

/** What the audit trail holds of a device. */
interface AuditedFact {
  readonly device: string;
  readonly gateway: string;
  readonly sequence: number;
  readonly entry: Recorded;
}

/**
 * Tells the moments of cases by a running engine and a running audit, one case after the other: each has a device of its
 * own, but there is one policy at a time.
 */
export class Service {
  private at = 0;
  private cases = 0;
  private policies = 0;
  private sessions = 0;
  private deviceId = '';
  /** The device itself last. */
  private devices: string[] = [];
  private open: Session[] = [];

  private constructor(
    private readonly world: World,
    private readonly audit: ServiceProcess,
    private readonly audited: readonly AuditedFact[],
    private readonly trail: StreamFollower,
  ) {}

  static async start(): Promise<Service> {
    const world = await World.start();
    await world.reset();
    const audit = ServiceProcess.start('audit', { NATS_URL: world.url });
    await audit.reached('active');
    const audited: AuditedFact[] = [];
    const trail = await StreamFollower.start(
      world.connection,
      { stream: AuditRecorded.stream?.name ?? '', from: { sequence: 1 } },
      ({ data, subject }) => {
        const fact = factIn(decodeEvent(AuditRecorded, data, subject).data);
        if (fact !== undefined) audited.push(fact);
      },
    );
    const service = new Service(world, audit, audited, trail);
    await service.startEngine();
    return service;
  }

  async close(): Promise<void> {
    await this.trail.stop();
    await this.audit.stop();
    await this.world.close();
  }

  private async startEngine(): Promise<void> {
    await this.world.startEngine({ definition: policyEngineWith({ now: () => this.at }) });
  }

  /** Takes up a case about a device that nothing was heard of before, and as many that are alike. */
  async begin(deviceId: string, alike: number): Promise<void> {
    this.cases += 1;
    if (this.cases % FORGETS_AFTER === 0) await this.forget();
    this.deviceId = deviceId;
    this.devices = [...Array.from({ length: alike }, (_, index) => `${deviceId}-twin-${index + 1}`), deviceId];
  }

  /** Ends what a case has left: decisions about a retired device change no more. */
  async end(): Promise<void> {
    for (const session of this.open.splice(0)) await this.world.endSession(session);
    // A hold of the next case counts what is open at the gateway.
    await this.world.sessionsOpen(0);
    const device = { state: 'retired' as const, groups: [], tags: [] };
    for (const deviceId of this.devices)
      await this.world.change(deviceId, false, { device, agents: [], attributes: {} });
  }

  /** Goes on with an empty fleet: each policy of a case is decided about for all devices that there ever were. */
  private async forget(): Promise<void> {
    await this.world.settled();
    await this.world.stopEngine();
    for (const { name } of [STREAMS.POSTURE, STREAMS.DECISIONS]) await this.world.manager.streams.purge(name);
    await this.startEngine();
  }

  async tell(moment: Moment): Promise<Outcome> {
    this.at = moment.at;
    const [decisionsBefore, revocationsBefore] = [this.world.decisions.length, this.world.revocations.length];
    const errors = moment.policy === undefined ? undefined : await this.publish(moment.policy);
    for (const deviceId of this.devices) await this.happen(deviceId, moment);

    const isHere = ({ data }: { data: { gateway: string; deviceId: string } }): boolean =>
      data.deviceId === this.deviceId && data.gateway === moment.gateway;
    const decisions = this.world.decisions.slice(decisionsBefore).filter(isHere);
    const revocations = this.world.revocations.slice(revocationsBefore).filter(isHere);
    return {
      decision: this.lastDecision(moment.gateway),
      revoked: revocations.map(({ data }) => data.resource),
      audit: [
        ...(await this.auditOf('decision.changed', decisions, moment.gateway)),
        ...(await this.auditOf('session.revoked', revocations, moment.gateway)),
      ],
      errors,
    };
  }

  /** When the server wakes the engine for this device; undefined while it need not. */
  get dueAt(): number | undefined {
    const timer = this.world.timers.findLast(({ data }) => data.deviceId === this.deviceId);
    return timer && Date.parse(timer.data.dueAt);
  }

  private async publish(document: string): Promise<Outcome['errors']> {
    this.policies += 1;
    const { outcome, errors } = await this.world.settlePolicy(this.policies, document);
    await this.world.settled();
    return outcome === 'refused' ? errors : undefined;
  }

  private async happen(deviceId: string, { posture, tellsPosture, sessions, gateway }: Moment): Promise<void> {
    if (posture !== undefined && tellsPosture) await this.world.change(deviceId, false, posture);
    else await this.world.fireTimer(deviceId, this.at);
    await this.world.settled();
    for (const resource of sessions) await this.openSession(deviceId, resource, gateway);
    if (sessions.length > 0) await this.world.settled();
  }

  private async openSession(deviceId: string, resource: string, gateway: string): Promise<void> {
    this.sessions += 1;
    const session = await this.world.openSession(`session-${this.sessions}`, {
      gateway,
      deviceId,
      resource,
      startedAt: new Date(this.at).toISOString(),
      expiresAt: new Date(this.at + WEEK_MS).toISOString(),
    });
    this.open.push(session);
  }

  private lastDecision(gateway: string): Outcome['decision'] {
    const decision = this.world.decisionOf(this.deviceId, gateway);
    if (decision === undefined) return undefined;
    const { resources, reviewAt, graces = [], shadow } = decision;
    return { resources, reviewAt, graces, shadow: shadow?.resources };
  }

  /** What the trail says of these messages, and nothing else of the device at this gateway since the first of them. */
  private async auditOf(
    event: Recorded['event'],
    written: readonly { readonly sequence: number }[],
    gateway: string,
  ): Promise<Recorded[]> {
    const [first] = written;
    if (first === undefined) return [];
    const recorded = (): AuditedFact[] =>
      this.audited.filter(
        (fact) =>
          fact.entry.event === event &&
          fact.device === this.deviceId &&
          fact.gateway === gateway &&
          fact.sequence >= first.sequence,
      );
    await waitFor(() => recorded().length >= written.length, { what: `the audit trail to hold each ${event}` });
    return recorded().map(({ entry }) => entry);
  }
}

/** Undefined for what is neither a decision nor a revocation. */
function factIn({
  subject = '',
  payload = '',
  sequence,
  device,
}: DataOf<typeof AuditRecorded>): AuditedFact | undefined {
  const contract = contractOfSubject(subject);
  const bytes = Buffer.from(payload);
  if (contract === DecisionChanged) {
    const { data } = decodeEvent(DecisionChanged, bytes, subject);
    return { device, gateway: data.gateway, sequence, entry: { event: 'decision.changed', ...data } };
  }
  if (contract !== SessionRevoked) return undefined;
  const { data } = decodeEvent(SessionRevoked, bytes, subject);
  return { device, gateway: data.gateway, sequence, entry: { event: 'session.revoked', ...data } };
}
