import { AgentObserved, SourceReported } from '@stance/contracts';
import { FactTable } from '@stance/jetstream';
import { normaliseConsoleUrl, SentinelOneClient } from '@stance/sentinelone';
import { defineService, duration, integer, list, secret, SettingProblem, text } from '@stance/service-kit';
import { AppModule } from './app.module.js';
import { CheckpointStore } from './checkpoint.store.js';
import { knownAgentOf, type KnownAgent } from './observation.js';
import { Poller } from './poller.js';
import { Polling } from './polling.js';
import { SourceReporter } from './source-reporter.js';

const settings = {
  SENTINELONE_URL: consoleUrl(),
  SENTINELONE_API_TOKEN: secret({ description: 'API token of a Service User with the role Viewer' }),
  SENTINELONE_SOURCE: text({ default: 'sentinelone', description: 'name of this console in events and on screens' }),
  SENTINELONE_POLL_INTERVAL: duration({
    default: '10s',
    min: '40ms',
    max: '1h',
    description: 'how often changes are read',
  }),
  SENTINELONE_SWEEP_INTERVAL: duration({
    default: '15m',
    min: '1s',
    max: '24h',
    description: 'how often everything is read',
  }),
  SENTINELONE_SITE_IDS: list({ description: 'sites to read, separated by commas; all by default' }),
  SENTINELONE_ACCOUNT_IDS: list({ description: 'accounts to read, separated by commas; all by default' }),
  SENTINELONE_RETIREMENT_LIMIT: integer({
    default: 10,
    min: 1,
    max: 100,
    description: 'percent of the agents that one sweep may find gone; more is not believed',
  }),
  STANCE_FRESHNESS_STEP: duration({
    default: '1h',
    min: '1s',
    max: '24h',
    description: 'an unchanged agent is observed again when its times moved by this much',
  }),
};

function consoleUrl() {
  const plain = text({ description: 'address of the SentinelOne console, in any form' });
  return {
    ...plain,
    parse: (value: string) => {
      try {
        return normaliseConsoleUrl(value);
      } catch (error) {
        throw new SettingProblem(error instanceof Error ? error.message : String(error));
      }
    },
  };
}

export const sentinelonePoller = defineService({
  name: 'sentinelone-poller',
  httpPort: 9101,
  settings,
  lease: (config) => `sentinelone-poller.${config.SENTINELONE_SOURCE}`,
  build: ({ config, connection, publisher, logger, fail }) => {
    const source = config.SENTINELONE_SOURCE;
    const token = () => config.SENTINELONE_API_TOKEN.reveal();
    const options = {
      source,
      pollIntervalMs: config.SENTINELONE_POLL_INTERVAL,
      sweepIntervalMs: config.SENTINELONE_SWEEP_INTERVAL,
      freshnessStepMs: config.STANCE_FRESHNESS_STEP,
      retirementLimit: config.SENTINELONE_RETIREMENT_LIMIT / 100,
    };
    let present = 0;
    const isPresent = (agent: KnownAgent | undefined) => Number(agent?.presence === 'present');
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
    const client = new SentinelOneClient({
      baseUrl: config.SENTINELONE_URL,
      token,
      siteIds: config.SENTINELONE_SITE_IDS,
      accountIds: config.SENTINELONE_ACCOUNT_IDS,
    });
    const reporter = new SourceReporter(reports, { ...options, url: config.SENTINELONE_URL }, () => present, logger);
    const poller = new Poller(client, agents, new CheckpointStore(connection, source), reporter, options, logger);
    const polling = new Polling(poller, reporter, { pollIntervalMs: options.pollIntervalMs, token }, logger, fail);
    return {
      module: { module: AppModule },
      tables: { fed: [agents, reports] },
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
