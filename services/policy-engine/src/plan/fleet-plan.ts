import { createHash } from 'node:crypto';
import { PLAN_DEADLINE_SECONDS, type PolicyPlan } from '@stance/contracts';
import { RequestFailed } from '@stance/jetstream';
import type { CompiledPolicy } from '@stance/policy';
import type { Clock } from '../clock.js';
import { decideFor, deserialise, type Verdict } from '../decision.js';
import { earlierDecisions } from '../earlier-decisions.js';
import type { EngineProgress } from '../engine-progress.js';
import { DeviceAt } from '../device-at.js';
import type { Tables } from '../engine.store.js';
import { loadPolicy, type LoadedPolicy } from '../loaded-policy.js';
import type { OpenSessions } from '../open-sessions.js';
import type { PolicyLog } from '../policy-log.js';
import { fitting } from './fitting.js';
import { knownDevices } from '../known-devices.js';
import { leastMaxAge } from '../least-max-age.js';
import { PlanTally } from './plan-tally.js';
import { changesAt, type DeviceOutcome, type Told } from './resource-change.js';
import { Slices } from '../slices.js';

/** Of an answer as JSON: NATS takes messages of 1 MiB. */
const MAX_BYTES = 700 * 1024;
const MAX_ERRORS = 100;

const NOTHING_TOLD: Told = { resources: {} };
const UNPUBLISHED = 0;

/** A plan that is being made. */
interface PlanUnderWay {
  /** Milliseconds since the epoch; it decides for this moment. */
  readonly since: number;
  /** Devices decided about so far. */
  done: number;
}

/**
 * Finds out what a policy would change for the fleet as it is, without any effect: it decides about every device by the new
 * policy and compares with the decisions that gateways hold. It gives way to messages, so a large fleet takes a while.
 */
export class FleetPlan {
  private underWay: PlanUnderWay | undefined;
  private ended: Promise<unknown> = Promise.resolve();
  private stopped = false;

  constructor(
    private readonly tables: Tables,
    private readonly policies: PolicyLog,
    private readonly sessions: OpenSessions,
    private readonly progress: EngineProgress,
    private readonly now: Clock,
  ) {}

  /**
   * One at a time. Throws {@link RequestFailed} `not-ready` while another is under way, when it is overtaken, and when it
   * takes longer than {@link PLAN_DEADLINE_SECONDS}: whoever asked for it has gone by then.
   */
  async plan(document: string): Promise<PolicyPlan> {
    const since = this.now();
    if (this.underWay !== undefined) throw this.refusal(this.underWay, since);
    this.underWay = { since, done: 0 };
    const planning = this.make(document, this.underWay);
    // Whoever asked hears of a failure; who stops the plan waits for its end alone.
    this.ended = planning.catch(() => undefined);
    try {
      return await planning;
    } finally {
      this.underWay = undefined;
    }
  }

  /** Gives up the plan under way; who asked for it is told. */
  async stop(): Promise<void> {
    this.stopped = true;
    await this.ended;
  }

  private async make(document: string, underWay: PlanUnderWay): Promise<PolicyPlan> {
    const slices = new Slices();
    const now = underWay.since;
    const baseRevision = this.policies.active?.revision ?? 0;
    const about = { baseRevision, plannedAt: new Date(now).toISOString() };
    const policy = loadPolicy(unpublished(document), now, { leastMaxAge: leastMaxAge(this.tables.sources.values()) });
    if (!policy.ok)
      return { ...about, mode: 'enforce', errors: errorsOf(policy), ...new PlanTally().result(MAX_BYTES) };
    const tally = new PlanTally();
    for (const deviceId of knownDevices(this.tables, this.progress).each) {
      if (slices.isOver) {
        await slices.next();
        this.checkWorthwhile(underWay, baseRevision);
      }
      if (deviceId === undefined) continue;
      tally.add(this.outcomeFor(deviceId, policy.compiled, now));
      underWay.done += 1;
    }
    return { ...about, mode: policy.compiled.policy.mode, errors: [], ...tally.result(MAX_BYTES) };
  }

  private checkWorthwhile(underWay: PlanUnderWay, baseRevision: number): void {
    if (this.stopped) throw new RequestFailed('not-ready', 'policy-engine is stopping: ask again');
    const { revision = 0 } = this.policies.active ?? {};
    if (revision !== baseRevision) {
      throw new RequestFailed('not-ready', `revision ${revision} came into force meanwhile: ask again`);
    }
    if (this.now() - underWay.since < PLAN_DEADLINE_SECONDS * 1_000) return;
    throw new RequestFailed(
      'not-ready',
      `the plan was given up after ${PLAN_DEADLINE_SECONDS} s, with ${this.progressOf(underWay)} looked at: ask again when ` +
        'the engine has less to do, see `stance status`',
    );
  }

  private refusal(underWay: PlanUnderWay, now: number): RequestFailed {
    const seconds = Math.max(0, Math.round((now - underWay.since) / 1_000));
    return new RequestFailed(
      'not-ready',
      `another plan is being made, with ${this.progressOf(underWay)} looked at after ${seconds} s: ask again when it is ` +
        `done, at the latest ${PLAN_DEADLINE_SECONDS} s after it was begun`,
    );
  }

  /** `12,000 of 100,000 devices`. */
  private progressOf({ done }: PlanUnderWay): string {
    const total = Math.max(done, this.tables.postures.size);
    return `${done.toLocaleString('en-US')} of ${total.toLocaleString('en-US')} devices`;
  }

  private outcomeFor(deviceId: string, compiled: CompiledPolicy, now: number): DeviceOutcome {
    const posture = this.tables.postures.get({ deviceId });
    const device = new DeviceAt(now, undefined);
    const stored = this.storedFor(deviceId);
    const open = this.sessions.of(deviceId, now);
    const gateways = new Set([...compiled.gateways.keys(), ...stored.keys()]);
    const changes = [...gateways].flatMap((gateway) => {
      const reached = () => open.filter((session) => session.gateway === gateway).map(({ resource }) => resource);
      const earlier = earlierDecisions(gateway, () => stored, reached);
      const planned = decideFor(
        gateway,
        { active: { revision: UNPUBLISHED, compiled }, reporting: undefined },
        (policy) => device.evaluation(policy, posture),
        earlier,
        // The reasons of the change tell it.
        () => undefined,
      );
      return changesAt(gateway, stored.get(gateway) ?? NOTHING_TOLD, planned, open);
    });
    return { deviceId, owner: device.subject(posture)?.device.owner, changes, openSessions: open.length };
  }

  /** By gateway. */
  private storedFor(deviceId: string): Map<string, Verdict> {
    const stored = new Map<string, Verdict>();
    for (const gateway of this.progress.gateways) {
      const decision = this.tables.decisions.get({ gateway, deviceId });
      if (decision !== undefined) stored.set(gateway, deserialise(decision.verdict));
    }
    return stored;
  }
}

function unpublished(document: string): Parameters<typeof loadPolicy>[0] {
  const sha256 = createHash('sha256').update(document).digest('hex');
  return { revision: UNPUBLISHED, document, sha256, publishedBy: 'plan' };
}

function errorsOf({ errors }: Extract<LoadedPolicy, { ok: false }>): PolicyPlan['errors'] {
  return fitting(errors, MAX_ERRORS, MAX_BYTES / 4).items;
}
