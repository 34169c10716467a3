import {
  isProofEnough,
  SessionRevoked,
  subjectOf as natsSubjectOf,
  TimerDue,
  type Cause,
  type DataOf,
  type Reason,
} from '@stance/contracts';
import { ExpectationFailed, Unreachable, type EventPublisher, type Origin } from '@stance/jetstream';
import type { Past, PostureSubject } from '@stance/policy';
import { decideFor, deserialise, serialise, type Decision, type Earlier, type Verdict } from './decision.js';
import { DeviceAt, type PostureAtHand } from './device-at.js';
import { earlierDecisions } from './earlier-decisions.js';
import type { EngineProgress } from './engine-progress.js';
import type { Tables } from './engine.store.js';
import { deniesAnything, heldUntilOf, heldVerdict } from './hold/held-verdict.js';
import type { Holds } from './hold/holds.js';
import type { OpenSession, OpenSessions } from './open-sessions.js';
import type { PolicyLog } from './policy-log.js';
import { RightOfWay } from './right-of-way.js';

export interface EvaluateOptions {
  readonly atHand?: PostureAtHand;
  /** The time to decide for, in milliseconds, if it is later than now. */
  readonly at?: number;
}

/** A revocation outlives its session's start, so that replaying the start meets it. */
const OUTLIVES_SESSION_SECONDS = 2 * 60 * 60;

/**
 * Decides about one device at a time, from the state of the tables: the message that asked for it names the device and no
 * more. Whatever was written before is found unchanged and left alone, so that a replay after a crash is harmless.
 */
export class Engine {
  private readonly rightOfWay = new RightOfWay();

  constructor(
    private readonly tables: Tables,
    private readonly policies: PolicyLog,
    private readonly sessions: OpenSessions,
    private readonly publisher: EventPublisher,
    private readonly progress: EngineProgress,
    private readonly holds: Holds,
    /** Reads a session's revocation from the stream's leader. */
    private readonly readRevocation: (session: OpenSession) => Promise<unknown>,
    private readonly now: () => number = Date.now,
  ) {}

  /**
   * Brings a device's decisions up to date and revokes its sessions that are now denied. In this order: timer and decisions,
   * then revocations, so that a crash in between leaves state from which the rest follows. `at` is the time to decide for.
   */
  async evaluate(deviceId: string, origin: Origin, options: EvaluateOptions = {}): Promise<void> {
    await this.rightOfWay.during(() => this.bringUpToDate(deviceId, origin, options));
  }

  /** The same for nobody in particular, as when a whole fleet is looked at: whatever somebody waits for goes first. */
  async evaluateInBackground(deviceId: string, origin: Origin): Promise<void> {
    await this.rightOfWay.given();
    await this.bringUpToDate(deviceId, origin, {});
  }

  private async bringUpToDate(deviceId: string, origin: Origin, options: EvaluateOptions): Promise<void> {
    const device = new DeviceAt(Math.max(this.now(), options.at ?? 0), options.atHand);
    const { now } = device;
    // Taken before the decision is told: a gateway that acts on it may report its end before we come to revoke it.
    const openBefore = this.sessions.of(deviceId, now);
    const verdicts = new Map<string, Verdict>();
    for (const gateway of this.gatewaysOf(deviceId)) {
      verdicts.set(gateway, this.decide(gateway, deviceId, device).verdict);
    }
    const dueAt = earliestReview(verdicts.values());
    await Promise.all([
      this.setTimer(deviceId, dueAt, origin, now),
      ...[...verdicts.keys()].map((gateway) => this.writeDecision(gateway, deviceId, verdicts, origin, device)),
    ]);
    // A hold that began meanwhile ends before anything else changes.
    const dueNow = earliestReview(verdicts.values());
    if (dueNow !== undefined && dueNow < (dueAt ?? Infinity)) await this.setTimer(deviceId, dueNow, origin, now);
    const sessions = new Set([...openBefore, ...this.sessions.of(deviceId, now)]);
    await this.revokeDenied(sessions, verdicts, origin.cause, now);
  }

  /** Stores what holds at the moment of writing, and leaves that in `verdicts`. */
  private async writeDecision(
    gateway: string,
    deviceId: string,
    verdicts: Map<string, Verdict>,
    origin: Origin,
    device: DeviceAt,
  ): Promise<void> {
    await this.tables.decisions.write({ gateway, deviceId }, origin, (stored) => {
      const { decision, verdict } = this.decide(gateway, deviceId, device);
      verdicts.set(gateway, verdict);
      const { postureRevision, policyRevision, decidedAt } = decision;
      const value = { gateway, postureRevision, policyRevision, decidedAt, verdict: serialise(verdict) };
      // Another replica knows more than this one, which has lost its lease and not noticed yet.
      const isOlder =
        stored !== undefined && (stored.postureRevision > postureRevision || stored.policyRevision > policyRevision);
      // Nothing is revoked by a verdict that does not count any more.
      if (isOlder) verdicts.delete(gateway);
      if (isOlder || stored?.verdict === value.verdict) return undefined;
      return { data: decision, value, retires: this.isRetired(deviceId, device) };
    });
    // Released while it was written: whoever released it did not find it among what waits.
    const heldUntil = heldUntilOf(verdicts.get(gateway));
    if (heldUntil !== undefined && this.holds.isReleased(gateway, heldUntil)) {
      await this.writeDecision(gateway, deviceId, verdicts, origin, device);
    }
  }

  /** Every device that has a posture or a decision. */
  devices(): Set<string> {
    const devices = new Set<string>();
    for (const { deviceId } of this.tables.postures.keys()) devices.add(deviceId);
    for (const { deviceId } of this.tables.decisions.keys()) devices.add(deviceId);
    return devices;
  }

  private decide(gateway: string, deviceId: string, device: DeviceAt): { decision: Decision; verdict: Verdict } {
    const { active: policy, reporting } = this.policies;
    const { now } = device;
    const posture = this.tables.postures.get({ deviceId });
    const decided = decideFor(
      gateway,
      { active: policy?.ok ? policy.compiled : undefined, reporting },
      (compiled) => device.evaluation(compiled, posture),
      this.earlier(gateway, deviceId),
    );
    const verdict = this.held(decided, gateway, deviceId, device.subject(posture), now);
    return {
      verdict,
      decision: {
        gateway,
        deviceId,
        ...verdict,
        postureRevision: posture?.revision ?? 0,
        policyRevision: policy?.revision ?? 0,
        decidedAt: new Date(now).toISOString(),
        reviewAt: verdict.reviewAt === null ? null : new Date(verdict.reviewAt).toISOString(),
      },
    };
  }

  /** What the gateway is told while it holds revocations back. */
  private held(
    verdict: Verdict,
    gateway: string,
    deviceId: string,
    subject: PostureSubject | undefined,
    now: number,
  ): Verdict {
    const policy = this.policies.active;
    const terms = policy?.ok ? policy.compiled.gateways.get(gateway)?.hold : undefined;
    if (terms === undefined || !deniesAnything(verdict)) return verdict;
    const stored = this.tables.decisions.get({ gateway, deviceId });
    return heldVerdict(verdict, this.holds, {
      gateway,
      deviceId,
      terms,
      subject,
      before: stored && deserialise(stored.verdict),
      sessions: this.sessions.of(deviceId, now).filter((session) => session.gateway === gateway),
      open: this.sessions.openAt(gateway),
      now,
    });
  }

  /** What the last decisions about a device remember, at whichever gateway. */
  pastOf(deviceId: string): Past {
    const [gateway = ''] = this.gatewaysOf(deviceId);
    return this.earlier(gateway, deviceId).past();
  }

  private earlier(gateway: string, deviceId: string): Earlier {
    const stored = (): Map<string, Verdict> => {
      const verdicts = new Map<string, Verdict>();
      for (const name of this.progress.gateways) {
        const decision = this.tables.decisions.get({ gateway: name, deviceId });
        if (decision !== undefined) verdicts.set(name, deserialise(decision.verdict));
      }
      return verdicts;
    };
    // Open sessions may be older than any decision.
    const open = () => this.sessions.of(deviceId, this.now()).filter((session) => session.gateway === gateway);
    return earlierDecisions(gateway, stored, () => open().map(({ resource }) => resource));
  }

  /** The gateways of the policy, and those of earlier policies that still hold a decision or a session. */
  private gatewaysOf(deviceId: string): string[] {
    const policy = this.policies.active;
    const gateways = new Set(policy?.ok ? policy.compiled.gateways.keys() : []);
    for (const gateway of this.progress.gateways)
      if (this.tables.decisions.get({ gateway, deviceId }) !== undefined) gateways.add(gateway);
    for (const { gateway } of this.sessions.of(deviceId, this.now())) gateways.add(gateway);
    return [...gateways];
  }

  private isRetired(deviceId: string, device: DeviceAt): boolean {
    return device.subject(this.tables.postures.get({ deviceId }))?.device.state === 'retired';
  }

  /**
   * Makes the server wake us when time alone may change a decision. A timer that fires earlier than needed is left: it only
   * means "look again", and moving it for every fresher observation would double the writes (docs/adr/0007).
   */
  private async setTimer(deviceId: string, dueAt: number | undefined, origin: Origin, now: number): Promise<void> {
    if (dueAt === undefined) return;
    await this.tables.timers.write({ deviceId }, origin, (scheduled) => {
      if (scheduled !== undefined && scheduled > now && scheduled <= dueAt) return undefined;
      const at = new Date(dueAt);
      return {
        data: { deviceId, dueAt: at.toISOString() },
        schedule: { at, target: natsSubjectOf(TimerDue, { deviceId }), ttl: '1h' },
      };
    });
  }

  private async revokeDenied(
    sessions: ReadonlySet<OpenSession>,
    verdicts: ReadonlyMap<string, Verdict>,
    cause: Cause,
    now: number,
  ): Promise<void> {
    const denied = [...sessions].flatMap((session) => {
      const verdict = verdicts.get(session.gateway);
      const reasons = verdict && reasonsToRevoke(session, verdict);
      return reasons === undefined ? [] : [{ session, reasons }];
    });
    await Promise.all(denied.map(({ session, reasons }) => this.revoke(session, reasons, cause, now)));
  }

  private async revoke(session: OpenSession, reasons: Reason[], cause: Cause, now: number): Promise<void> {
    const { gateway, deviceId, sessionId, resource, user, expiresAt } = session;
    const data: DataOf<typeof SessionRevoked> = {
      gateway,
      deviceId,
      sessionId,
      resource,
      ...(user !== undefined && { user }),
      reasons,
      postureRevision: this.tables.postures.get({ deviceId })?.revision ?? 0,
      policyRevision: this.policies.active?.revision ?? 0,
      revokedAt: new Date(now).toISOString(),
    };
    try {
      await this.publisher.publish(SessionRevoked, data, {
        id: `policy-engine:revoke:${natsSubjectOf(SessionRevoked, session)}`,
        cause,
        // However often it is derived, and however long after: it is stored once.
        expectedSequence: 0,
        ttl: `${Math.ceil(Math.max(0, expiresAt - now) / 1_000) + OUTLIVES_SESSION_SECONDS}s`,
      });
    } catch (error) {
      if (!(error instanceof ExpectationFailed)) throw error;
      // In a cluster also refused while another attempt is under way, which may come to nothing: only what is stored counts.
      if ((await this.readRevocation(session)) === undefined) {
        throw new Unreachable(`the revocation of ${natsSubjectOf(SessionRevoked, session)} is not stored yet`, {
          cause: error,
        });
      }
    }
    this.sessions.wasRevoked(session);
  }
}

/** Milliseconds; undefined where time alone changes none of them. */
function earliestReview(verdicts: Iterable<Verdict>): number | undefined {
  const reviews = [...verdicts].map(({ reviewAt }) => reviewAt).filter((reviewAt) => reviewAt !== null);
  return reviews.length === 0 ? undefined : Math.min(...reviews);
}

/** Why a session may not go on; undefined where it may. */
function reasonsToRevoke({ resource, proof }: OpenSession, { resources, identity }: Verdict): Reason[] | undefined {
  const decision = resources[resource];
  // A resource that no decision speaks of any more is denied like any other.
  if (decision === undefined) return [{ code: 'no-rule', message: `No gateway serves ${resource} any more.` }];
  if (decision.effect === 'deny' && decision.enforced) return decision.reasons;
  if (isProofEnough(proof, identity)) return undefined;
  const message = `The device was proved by ${proof ?? 'address'}; the gateway needs a proof by ${identity} now.`;
  return [{ code: 'identity-missing', message }];
}
