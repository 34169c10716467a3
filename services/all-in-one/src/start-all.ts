import { audit } from '@stance/audit';
import { configSync } from '@stance/config-sync';
import { deviceMatcher } from '@stance/device-matcher';
import { gateway } from '@stance/gateway';
import { policyEngine } from '@stance/policy-engine';
import { postureStore } from '@stance/posture-store';
import { sentinelonePoller } from '@stance/sentinelone-poller';
import {
  COMMON_SETTINGS,
  ConfigurationInvalid,
  configurationProblems,
  createLogger,
  httpPortSetting,
  loadConfiguration,
  startHealthServer,
  startService,
  startTelemetry,
  type Health,
  type Logger,
  type RunningService,
  type ServiceDefinition,
} from '@stance/service-kit';

/** In the order in which they start; each finds the others by their streams alone. */
const SERVICES: readonly ServiceDefinition[] = [
  audit,
  policyEngine,
  postureStore,
  deviceMatcher,
  configSync,
  gateway,
  sentinelonePoller,
];

export interface AllServices {
  readonly url: string;
  readonly services: readonly RunningService[];
  /** Resolves when every service is active; rejects with the first failure. */
  readonly active: Promise<void>;
  /** Resolves when all have stopped; one that fails stops the others and rejects. */
  readonly stopped: Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts every service in this process, behind one health server. Throws `ConfigurationInvalid` with the problems of all of
 * them, before any is started.
 */
export async function startAll(
  environment: NodeJS.ProcessEnv,
  createServiceLogger: (service: string, level: string) => Logger = createLogger,
): Promise<AllServices> {
  const own = { settings: { ...COMMON_SETTINGS, STANCE_HTTP_PORT: httpPortSetting(9100) } };
  const problems = new Set([own, ...SERVICES].flatMap((service) => configurationProblems(service, environment)));
  if (problems.size > 0) throw new ConfigurationInvalid([...problems]);
  const config = loadConfiguration(own.settings, environment);
  const telemetry = await startTelemetry('stance', environment);
  const services: RunningService[] = [];
  const server = await startHealthServer({
    host: config.STANCE_HTTP_HOST,
    port: config.STANCE_HTTP_PORT,
    health: () => healthOf(services),
    metrics: (request, response) => telemetry.prometheus.getMetricsRequestHandler(request, response),
  });
  const stop = async () => {
    // All at once: what one still writes while its reader is gone waits in its stream.
    await Promise.allSettled(services.map((service) => service.stop()));
    await server.close();
  };
  try {
    for (const definition of SERVICES) {
      const logger = createServiceLogger(definition.name, config.LOG_LEVEL);
      services.push(await startService(definition, { environment, http: false, logger }));
    }
  } catch (error) {
    await stop();
    throw error;
  }
  const stopped = Promise.all(services.map((service) => service.stopped)).then(
    () => undefined,
    async (error: unknown) => {
      await stop();
      throw error;
    },
  );
  const active = Promise.all(services.map((service) => service.active)).then(() => undefined);
  // Whoever waits for only one of them learns of a failure from that one.
  stopped.catch(() => undefined);
  active.catch(() => undefined);
  return {
    url: server.url,
    services,
    active,
    stopped,
    stop,
  };
}

function healthOf(services: readonly RunningService[]): Health {
  const health = Object.fromEntries(services.map((service) => [service.name, service.health()]));
  const ready = services.length === SERVICES.length && Object.entries(health).every(isServing);
  return { ready, state: ready ? 'ready' : 'not ready', details: health };
}

/** A refused file leaves the last good one in force: a typo in it must not take the gateway beside it out of service. */
function isServing([name, { ready, state }]: [string, Health]): boolean {
  return ready || (name === configSync.name && state === 'active');
}
