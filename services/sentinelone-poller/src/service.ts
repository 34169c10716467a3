import { SENTINELONE_SETTINGS, SentinelOneClient } from '@stance/sentinelone';
import { defineService } from '@stance/service-kit';
import { AppModule } from './app.module.js';
import { countRequests, observeSource } from './metrics.js';
import { sourceTables } from './source-tables.js';
import { composeSource } from './source.js';

/** The poller of one console. */
export const sentinelonePoller = defineService({
  name: 'sentinelone-poller',
  httpPort: 9101,
  settings: SENTINELONE_SETTINGS,
  lease: (config) => `sentinelone-poller.${config.SENTINELONE_SOURCE}`,
  build: ({ config, connection, publisher, logger: serviceLogger, standBy }) => {
    const source = config.SENTINELONE_SOURCE;
    const logger = serviceLogger.child({ source });
    const token = () => config.SENTINELONE_API_TOKEN.reveal();
    const { approvals, ...tables } = sourceTables(connection, publisher, source, () => polling.wake('sweep'));
    const client = new SentinelOneClient({
      baseUrl: config.SENTINELONE_URL,
      token,
      siteIds: config.SENTINELONE_SITE_IDS,
      accountIds: config.SENTINELONE_ACCOUNT_IDS,
      onAttempt: countRequests(source),
      onScopeFallback: ({ siteIds }, refusal) =>
        logger.warn({ siteIds, refusal: refusal.message }, 'the token is limited to sites: only these are read'),
    });
    const { reporter, polling } = composeSource({
      source,
      url: config.SENTINELONE_URL,
      pollIntervalMs: config.SENTINELONE_POLL_INTERVAL,
      sweepIntervalMs: config.SENTINELONE_SWEEP_INTERVAL,
      freshnessStepMs: config.STANCE_FRESHNESS_STEP,
      retirementLimit: config.SENTINELONE_RETIREMENT_LIMIT / 100,
      token,
      client,
      connection,
      ...tables,
      outlived: standBy,
      logger,
    });
    let endObservation: (() => void) | undefined;
    return {
      module: { module: AppModule },
      tables: { fed: [tables.agents, tables.reports], followed: [approvals] },
      activate: async () => {
        reporter.resume();
        endObservation = observeSource(source, {
          report: () => reporter.current,
          agents: tables.present,
          sweepIntervalMs: config.SENTINELONE_SWEEP_INTERVAL,
        });
        polling.start();
      },
      deactivate: async () => {
        endObservation?.();
        await polling.stop();
      },
      health: () => ({
        // A console that cannot be read is the source's state, not a reason to restart the poller.
        ready: true,
        details: { source: reporter.current },
      }),
    };
  },
});
