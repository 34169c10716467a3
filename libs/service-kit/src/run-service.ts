import { ConfigurationInvalid, loadConfiguration, type Settings } from './configuration.js';
import { startHealthServer, type Health, type HealthServer } from './health-server.js';
import { createLogger, type Logger } from './log.js';
import { Replica, type CommonConfiguration, type ServiceState } from './replica.js';
import type { ServiceDefinition } from './service.js';
import { COMMON_SETTINGS, httpPortSetting } from './settings.js';
import { TELEMETRY_SETTINGS } from './telemetry-settings.js';
import { startTelemetry } from './telemetry.js';

export interface RunningService {
  readonly name: string;
  /** Where `/readyz` answers; `undefined` when it was started without. */
  readonly url: string | undefined;
  state(): ServiceState;
  health(): Health;
  /** Resolves when this replica is active for the first time; rejects when it fails or is stopped before. */
  readonly active: Promise<void>;
  /** Resolves when it has stopped, rejects with what made it fail. */
  readonly stopped: Promise<void>;
  /** Finishes work under way, gives back the lease, closes everything; resolves and rejects as `stopped`. */
  stop(): Promise<void>;
}

export interface StartOptions {
  readonly environment?: NodeJS.ProcessEnv;
  /** Off where several services share a process and its health server. */
  readonly http?: boolean;
  readonly logger?: Logger;
}

/** What is wrong with the environment for a service; empty when it could start. */
export function configurationProblems(
  definition: Pick<ServiceDefinition, 'settings' | 'check'>,
  environment: NodeJS.ProcessEnv,
): readonly string[] {
  try {
    const settings = { ...COMMON_SETTINGS, ...TELEMETRY_SETTINGS, ...definition.settings };
    const config = loadConfiguration(settings, environment);
    return definition.check?.(config) ?? [];
  } catch (error) {
    if (error instanceof ConfigurationInvalid) return error.problems;
    throw error;
  }
}

/** Starts a service. Throws `ConfigurationInvalid` or `PortUnavailable`; everything later shows in `stopped`. */
export async function startService<S extends Settings>(
  definition: ServiceDefinition<S>,
  { environment = process.env, http = true, logger: givenLogger }: StartOptions = {},
): Promise<RunningService> {
  const settings = {
    ...COMMON_SETTINGS,
    ...TELEMETRY_SETTINGS,
    STANCE_HTTP_PORT: httpPortSetting(definition.httpPort),
    ...definition.settings,
  };
  const config = loadConfiguration(settings, environment);
  const problems = definition.check?.(config) ?? [];
  if (problems.length > 0) throw new ConfigurationInvalid(problems);
  const common = config as CommonConfiguration & { STANCE_HTTP_PORT: number };
  const logger = givenLogger ?? createLogger(definition.name, common.LOG_LEVEL);
  const telemetry = await startTelemetry(definition.name, environment);
  const replica = new Replica(definition, config, common, logger);
  const server: HealthServer | undefined = http
    ? await startHealthServer({
        host: common.STANCE_HTTP_HOST,
        port: common.STANCE_HTTP_PORT,
        health: () => replica.health(),
        metrics: (request, response) => telemetry.prometheus.getMetricsRequestHandler(request, response),
      })
    : undefined;
  if (server !== undefined) logger.info({ url: server.url }, 'listening');
  replica.start();
  const stopped = closedAfter(replica.stopped, server);
  // Whoever does not wait for it learns of a failure from `active`, `state` or `stop`.
  stopped.catch(() => undefined);
  return {
    name: definition.name,
    url: server?.url,
    state: () => replica.state,
    health: () => replica.health(),
    active: replica.active,
    stopped,
    stop: () => {
      replica.stop();
      return stopped;
    },
  };
}

async function closedAfter(stopped: Promise<void>, server: HealthServer | undefined): Promise<void> {
  try {
    await stopped;
  } finally {
    await server?.close();
  }
}
