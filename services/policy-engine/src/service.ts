import { SessionRevoked } from '@stance/contracts';
import { readLastEvent } from '@stance/jetstream';
import { defineService, type Runtime, type ServiceParts } from '@stance/service-kit';
import { AppModule } from './app.module.js';
import { EngineProgress } from './engine-progress.js';
import { EngineReport, STANDSTILL_LIMIT_MS } from './engine-report.js';
import { Engine } from './engine.js';
import { createTables, SessionLog } from './engine.store.js';
import { FleetReview } from './fleet-review.js';
import { OpenSessions } from './open-sessions.js';
import { PolicyLog } from './policy-log.js';

const PRUNE_INTERVAL_MS = 60_000;

/** The engine; `standstillMs`: see {@link STANDSTILL_LIMIT_MS}. */
export function policyEngineWith({ standstillMs }: { standstillMs: number }) {
  return defineService({
    name: 'policy-engine',
    httpPort: 9104,
    settings: {},
    lease: () => 'policy-engine',
    build: (runtime) => compose(runtime, standstillMs),
  });
}

export const policyEngine = policyEngineWith({ standstillMs: STANDSTILL_LIMIT_MS });

function compose({ connection, publisher, logger }: Runtime, standstillMs: number): ServiceParts {
  const progress = new EngineProgress();
  const sessions = new OpenSessions();
  const policies = new PolicyLog(connection);
  const tables = createTables(connection, publisher, progress);
  const engine = new Engine(tables, policies, sessions, publisher, progress, (session) =>
    readLastEvent(connection, SessionRevoked, session),
  );
  const review = new FleetReview(
    () => engine.devices(),
    (deviceId, input, cause) => engine.evaluate(deviceId, { input, cause }),
    logger,
  );
  const report = new EngineReport(connection, publisher, policies, progress, review, logger, { standstillMs });
  let pruning: NodeJS.Timeout | undefined;
  return {
    module: AppModule.with({ tables, policies, sessions, engine, progress, review, report }),
    tables: {
      fed: [tables.postures, tables.decisions, tables.timers, tables.activations, policies],
      followed: [new SessionLog(connection, sessions), tables.sources],
    },
    activate: async () => {
      review.start('takeover', {});
      report.start();
      pruning = setInterval(() => sessions.prune(Date.now()), PRUNE_INTERVAL_MS);
    },
    deactivate: async () => {
      clearInterval(pruning);
      report.stop();
      await review.stop();
    },
    health: () => {
      const policy = policies.active;
      return {
        // A revision that no longer loads denies everything; whoever watches must hear of it. So with work that stands still.
        ready: (policy === undefined || policy.ok) && report.standstill === undefined,
        details: {
          ...(report.standstill !== undefined && { standstill: report.standstill }),
          policyRevision: policy?.revision ?? 0,
          ...(policy?.ok === false && { policyErrors: policy.errors }),
          openSessions: sessions.size,
          review: review.progress ?? null,
        },
      };
    },
  };
}
