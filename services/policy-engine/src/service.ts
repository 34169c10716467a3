import { SessionRevoked } from '@stance/contracts';
import { readLastEvent } from '@stance/jetstream';
import { defineService, type Runtime, type ServiceParts } from '@stance/service-kit';
import { announceUnverified, signatureHealth } from './announce-unverified.js';
import { AppModule } from './app.module.js';
import type { Clock } from './clock.js';
import { EffectCounts } from './effects.js';
import { DecisionMark } from './decision-mark.js';
import { EngineProgress } from './engine-progress.js';
import { EngineReport, type EngineReportOptions } from './engine-report.js';
import { Engine } from './engine.js';
import { createTables, SessionLog, type Tables } from './engine.store.js';
import { FleetReview } from './fleet-review.js';
import { ForgeryWatch } from './forgery-watch.js';
import { announceBegun, announceContinued, healthOf, observeHolds } from './hold/announce-holds.js';
import { releasedDevices } from './hold/held-devices.js';
import { Holds } from './hold/holds.js';
import { knownDevices } from './known-devices.js';
import { engineCounts, observeEngine } from './metrics.js';
import { OpenSessions, type OpenSession } from './open-sessions.js';
import { FleetPlan } from './plan/fleet-plan.js';
import { PolicyLog } from './policy-log.js';
import { RevisionAlarms } from './revision-alarms.js';
import { inReviewSpan } from './review-span.js';
import { Revocations } from './revocations.js';
import { SIGNING_SETTINGS, signingProblems, signingRule, type SigningRule } from './signing.settings.js';

const PRUNE_INTERVAL_MS = 60_000;
/** Devices whose withheld revocations are carried out at the same time. */
const RELEASED_AT_ONCE = 256;

interface EngineOptions {
  /** How often it reports to the gateways, and when it falls silent. */
  readonly report?: EngineReportOptions;
  /** By which it decides; timers fall due by the server's. */
  readonly now?: Clock;
}

/** The engine, by another clock or with less patience where its tests need that. */
export function policyEngineWith({ report, now = Date.now }: EngineOptions) {
  return defineService({
    name: 'policy-engine',
    httpPort: 9104,
    settings: SIGNING_SETTINGS,
    check: signingProblems,
    lease: () => 'policy-engine',
    build: (runtime) => compose(runtime, signingRule(runtime.config), report, now),
  });
}

export const policyEngine = policyEngineWith({});

function compose(
  { connection, publisher, logger }: Omit<Runtime, 'config'>,
  rule: SigningRule,
  reporting: EngineReportOptions | undefined,
  now: Clock,
): ServiceParts {
  const progress = new EngineProgress();
  const sessions = new OpenSessions();
  const policies = new PolicyLog(connection, { rule, decidedRevision: () => progress.decidedRevision });
  const forgeries = new ForgeryWatch(connection, policies, () => announceUnverified(logger, policies));
  const holds: Holds = new Holds(
    (gateway) => tables.releases.get({ kind: 'hold-released', targetId: gateway }),
    (hold) => announceBegun(logger, hold),
  );
  const effects = new EffectCounts();
  const counts = engineCounts();
  const tables: Tables = createTables(connection, publisher, progress, holds, effects);
  const readRevocation = (session: OpenSession) => readLastEvent(connection, SessionRevoked, session);
  const revocations = new Revocations(tables, policies, sessions, publisher, readRevocation, counts);
  const alarms = new RevisionAlarms(logger);
  const engine = new Engine(tables, policies, sessions, revocations, progress, holds, alarms, counts, now);
  const review = new FleetReview(
    () => knownDevices(tables, progress),
    (deviceId, input, cause) =>
      inReviewSpan(deviceId, cause, (own) => engine.evaluateInBackground(deviceId, { input, cause: own })),
    logger,
  );
  const heldDevices = new FleetReview(
    () => {
      const released = releasedDevices(holds);
      return { each: released, count: released.size };
    },
    (deviceId, input, cause) =>
      inReviewSpan(deviceId, cause, (own) => engine.evaluate(deviceId, { input, cause: own })),
    logger,
    RELEASED_AT_ONCE,
  );
  const mark = new DecisionMark(connection);
  const report = new EngineReport(connection, publisher, policies, progress, review, mark, logger, reporting);
  const plan = new FleetPlan(tables, policies, sessions, progress, now);
  let pruning: NodeJS.Timeout | undefined;
  let endObservations: readonly (() => void)[] = [];
  return {
    module: AppModule.with({
      tables,
      policies,
      sessions,
      engine,
      progress,
      holds,
      review,
      heldDevices,
      report,
      plan,
      counts,
      now,
    }),
    tables: {
      fed: [tables.postures, tables.decisions, tables.timers, tables.activations, tables.releases, policies],
      followed: [new SessionLog(connection, sessions, now), tables.sources, mark],
    },
    activate: async () => {
      announceUnverified(logger, policies);
      for (const hold of holds.list()) announceContinued(logger, hold);
      endObservations = [
        observeHolds(holds),
        observeEngine({
          effects,
          sessions: () => sessions.byGateway,
          isPolicyLoaded: () => policies.active?.ok !== false,
          isForged: () => policies.unverifiedActivation !== undefined,
          isStandingStill: () => report.standstill !== undefined,
        }),
      ];
      review.start('takeover', {});
      report.start();
      await forgeries.start();
      pruning = setInterval(() => sessions.prune(now()), PRUNE_INTERVAL_MS);
    },
    deactivate: async () => {
      clearInterval(pruning);
      for (const end of endObservations) end();
      report.stop();
      await forgeries.stop();
      await plan.stop();
      await review.stop();
      await heldDevices.stop();
    },
    health: () => {
      const policy = policies.active;
      return {
        // A revision that no longer loads denies everything; whoever watches must hear of it. So with work that stands still.
        ready:
          (policy === undefined || policy.ok) &&
          policies.unverifiedActivation === undefined &&
          report.standstill === undefined,
        details: {
          ...(report.standstill !== undefined && { standstill: report.standstill }),
          policyRevision: policy?.revision ?? 0,
          ...(policy?.ok === false && { policyErrors: policy.errors }),
          ...signatureHealth(policies),
          openSessions: sessions.size,
          holds: holds.list().map(healthOf),
          review: review.progress ?? null,
        },
      };
    },
  };
}
