import { subjectOf as natsSubjectOf, TimerDue } from '@stance/contracts';
import { EventTooLarge, type Origin } from '@stance/jetstream';
import type { Past } from '@stance/policy';
import { decideFor, serialise, type Decision, type Earlier, type Verdict } from './decision.js';
import { DeviceAt, type PostureAtHand } from './device-at.js';
import { earlierDecisions } from './earlier-decisions.js';
import type { EngineProgress } from './engine-progress.js';
import type { Tables } from './engine.store.js';
import { effectsIn } from './effects.js';
import { deniesAnything, heldUntilOf, heldVerdict } from './hold/held-verdict.js';
import type { Holds } from './hold/holds.js';
import type { EngineCounts } from './metrics.js';
import type { OpenSessions } from './open-sessions.js';
import type { PolicyLog } from './policy-log.js';
import type { RevisionAlarms } from './revision-alarms.js';
import type { Revocations } from './revocations.js';
import { RightOfWay } from './right-of-way.js';
import { STORED_FORMS, type StoredForm } from './stored-form.js';

export interface EvaluateOptions {
  readonly atHand?: PostureAtHand;
  /** The time to decide for, in milliseconds, if it is later than now. */
  readonly at?: number;
}

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
    private readonly revocations: Revocations,
    private readonly progress: EngineProgress,
    private readonly holds: Holds,
    private readonly alarms: RevisionAlarms,
    private readonly counts: Pick<EngineCounts, 'evaluated' | 'decided'>,
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
    try {
      await this.decideAndRevoke(deviceId, origin, options);
      this.counts.evaluated('done');
    } catch (error) {
      this.counts.evaluated('failed');
      throw error;
    }
  }

  private async decideAndRevoke(deviceId: string, origin: Origin, options: EvaluateOptions): Promise<void> {
    const device = new DeviceAt(Math.max(this.now(), options.at ?? 0), options.atHand);
    const { now } = device;
    // Taken before the decision is told: a gateway that acts on it may report its end before we come to revoke it.
    const openBefore = this.sessions.of(deviceId, now);
    const verdicts = new Map<string, Verdict>();
    for (const gateway of this.gatewaysOf(deviceId)) {
      verdicts.set(gateway, this.decide(gateway, deviceId, device));
    }
    const stored = this.store(deviceId, verdicts, origin, device);
    // Whatever becomes of the decisions: a session that is denied must end.
    await Promise.allSettled([stored]);
    const sessions = new Set([...openBefore, ...this.sessions.of(deviceId, now)]);
    await this.revocations.ofDenied(sessions, verdicts, origin.cause, now);
    await stored;
  }

  /** Leaves in `verdicts` what was stored, where it could be. */
  private async store(
    deviceId: string,
    verdicts: Map<string, Verdict>,
    origin: Origin,
    device: DeviceAt,
  ): Promise<void> {
    const dueAt = earliestReview(verdicts.values());
    const { active } = this.policies;
    const isNamed = (gateway: string): boolean => active?.ok === true && active.compiled.gateways.has(gateway);
    const write = (gateway: string): Promise<void> => this.writeDecision(gateway, deviceId, verdicts, origin, device);
    const gateways = [...verdicts.keys()];
    await allEnded([this.setTimer(deviceId, dueAt, origin, device.now), ...gateways.filter(isNamed).map(write)]);
    // Those that forget come last: what they know is in the others' decisions by now.
    await allEnded(gateways.filter((gateway) => !isNamed(gateway)).map(write));
    // A hold that began meanwhile ends before anything else changes.
    const dueNow = earliestReview(verdicts.values());
    if (dueNow !== undefined && dueNow < (dueAt ?? Infinity)) {
      await this.setTimer(deviceId, dueNow, origin, device.now);
    }
  }

  /** Stores what holds at the moment of writing, as much of it as an event takes, and leaves that in `verdicts`. */
  private async writeDecision(
    gateway: string,
    deviceId: string,
    verdicts: Map<string, Verdict>,
    origin: Origin,
    device: DeviceAt,
  ): Promise<void> {
    for (const [index, form] of STORED_FORMS.entries()) {
      try {
        await this.writeAs(form, gateway, deviceId, verdicts, origin, device);
        if (index > 0) {
          this.alarms.isTooLarge(this.policies.active?.revision ?? 0, { gateway, deviceId }, form.name);
        }
        break;
      } catch (error) {
        if (!(error instanceof EventTooLarge) || index === STORED_FORMS.length - 1) throw error;
      }
    }
    // Released while it was written: whoever released it did not find it among what waits.
    const heldUntil = heldUntilOf(verdicts.get(gateway));
    if (heldUntil !== undefined && this.holds.isReleased(gateway, heldUntil)) {
      await this.writeDecision(gateway, deviceId, verdicts, origin, device);
    }
  }

  private async writeAs(
    form: StoredForm,
    gateway: string,
    deviceId: string,
    verdicts: Map<string, Verdict>,
    origin: Origin,
    device: DeviceAt,
  ): Promise<void> {
    const sequence = await this.tables.decisions.write({ gateway, deviceId }, origin, (before) => {
      const told = form.told(this.decide(gateway, deviceId, device));
      verdicts.set(gateway, told);
      const stored = form.stored(told);
      const decision = this.decisionOf(gateway, deviceId, stored, device);
      const { postureRevision, policyRevision, decidedAt } = decision;
      const value = {
        gateway,
        postureRevision,
        policyRevision,
        decidedAt,
        verdict: serialise(stored),
        effects: effectsIn(stored.resources),
      };
      // Another replica knows more than this one, which has lost its lease and not noticed yet.
      const isOlder =
        before !== undefined && (before.postureRevision > postureRevision || before.policyRevision > policyRevision);
      // Nothing is revoked by a verdict that does not count any more.
      if (isOlder) verdicts.delete(gateway);
      if (isOlder || before?.verdict === value.verdict) return undefined;
      return { data: decision, value, retires: this.isRetired(deviceId, device) };
    });
    const written = verdicts.get(gateway);
    if (sequence !== undefined && written !== undefined) this.counts.decided(gateway, written);
  }

  private decide(gateway: string, deviceId: string, device: DeviceAt): Verdict {
    const { active, reporting } = this.policies;
    const posture = this.tables.postures.get({ deviceId });
    const verdict = decideFor(
      gateway,
      { active: active?.ok ? active : undefined, reporting },
      (compiled) => device.evaluation(compiled, posture),
      this.earlier(gateway, deviceId, device),
      (revision, error) => this.alarms.cannotBeEvaluated(revision, { gateway, deviceId }, error),
    );
    return this.held(verdict, gateway, deviceId, device);
  }

  private decisionOf(gateway: string, deviceId: string, verdict: Verdict, { now }: DeviceAt): Decision {
    return {
      gateway,
      deviceId,
      ...verdict,
      postureRevision: this.tables.postures.get({ deviceId })?.revision ?? 0,
      policyRevision: this.policies.active?.revision ?? 0,
      decidedAt: new Date(now).toISOString(),
      reviewAt: verdict.reviewAt === null ? null : new Date(verdict.reviewAt).toISOString(),
    };
  }

  /** What the gateway is told while it holds revocations back. */
  private held(verdict: Verdict, gateway: string, deviceId: string, device: DeviceAt): Verdict {
    const policy = this.policies.active;
    const terms = policy?.ok ? policy.compiled.gateways.get(gateway)?.hold : undefined;
    if (terms === undefined || !deniesAnything(verdict)) return verdict;
    const stored = this.tables.decisions.get({ gateway, deviceId });
    return heldVerdict(verdict, this.holds, {
      gateway,
      deviceId,
      terms,
      subject: device.subject(this.tables.postures.get({ deviceId })),
      before: stored && device.verdict(stored.verdict),
      sessions: this.sessions.of(deviceId, device.now).filter((session) => session.gateway === gateway),
      open: this.sessions.devicesAt(gateway),
      now: device.now,
    });
  }

  /** What the last decisions about a device remember, at whichever gateway. */
  pastOf(deviceId: string): Past {
    const [gateway = ''] = this.gatewaysOf(deviceId);
    return this.earlier(gateway, deviceId, new DeviceAt(this.now(), undefined)).past();
  }

  private earlier(gateway: string, deviceId: string, device: DeviceAt): Earlier {
    const stored = (): Map<string, Verdict> => {
      const verdicts = new Map<string, Verdict>();
      for (const name of this.progress.gateways) {
        const decision = this.tables.decisions.get({ gateway: name, deviceId });
        if (decision !== undefined) verdicts.set(name, device.verdict(decision.verdict));
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
}

/** Milliseconds; undefined where time alone changes none of them. */
function earliestReview(verdicts: Iterable<Verdict>): number | undefined {
  const reviews = [...verdicts].map(({ reviewAt }) => reviewAt).filter((reviewAt) => reviewAt !== null);
  return reviews.length === 0 ? undefined : Math.min(...reviews);
}

/** Resolves when all have ended; throws what the first of them threw. */
async function allEnded(work: readonly Promise<void>[]): Promise<void> {
  await Promise.allSettled(work);
  await Promise.all(work);
}
