import { AgentObserved, OperatorActed, SourceReported } from '@stance/contracts';
import { FactTable } from '@stance/jetstream';
import { SentinelOneClient } from '@stance/sentinelone';
import { defineService } from '@stance/service-kit';
import { AppModule } from './app.module.js';
import { knownAgentOf, type KnownAgent } from './known-agent.js';
import { SETTINGS } from './settings.js';
import { composeSource } from './source.js';
import { sweepApprovalOf } from './sweep-approval.js';

/** The poller of one console. */
export const sentinelonePoller = defineService({
  name: 'sentinelone-poller',
  httpPort: 9101,
  settings: SETTINGS,
  lease: (config) => `sentinelone-poller.${config.SENTINELONE_SOURCE}`,
  build: ({ config, connection, publisher, logger: serviceLogger, standBy }) => {
    const source = config.SENTINELONE_SOURCE;
    const logger = serviceLogger.child({ source });
    const token = () => config.SENTINELONE_API_TOKEN.reveal();
    let present = 0;
    const isPresent = (agent: KnownAgent | undefined) => Number(agent?.isPresent ?? false);
    const agents = new FactTable(connection, publisher, AgentObserved, {
      keep: ({ data }) => knownAgentOf(data),
      only: { source },
      onChange: (_keys, now, before) => {
        present += isPresent(now) - isPresent(before);
      },
    });
    const reports = new FactTable(connection, publisher, SourceReported, {
      keep: ({ data }) => data,
      only: { source },
    });
    const kind = 'sweep-approved';
    const approvals = new FactTable(connection, publisher, OperatorActed, {
      keep: sweepApprovalOf,
      only: { kind, targetId: source },
      onChange: () => polling.wake('sweep'),
    });
    const client = new SentinelOneClient({
      baseUrl: config.SENTINELONE_URL,
      token,
      siteIds: config.SENTINELONE_SITE_IDS,
      accountIds: config.SENTINELONE_ACCOUNT_IDS,
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
      agents,
      reports,
      present: () => present,
      approval: () => approvals.get({ kind, targetId: source }),
      outlived: standBy,
      logger,
    });
    return {
      module: { module: AppModule },
      tables: { fed: [agents, reports], followed: [approvals] },
      activate: async () => {
        reporter.resume();
        polling.start();
      },
      deactivate: () => polling.stop(),
      health: () => ({
        // A console that cannot be read is the source's state, not a reason to restart the poller.
        ready: true,
        details: { source: reporter.current },
      }),
    };
  },
});
