import { ConfigurationInvalid, loadConfiguration } from './configuration.js';
import { startHealthServer, type Health } from './health-server.js';
import { createLogger, type Logger } from './log.js';
import type { Running } from './run-process.js';
import { configurationProblems, startService, type RunningService } from './run-service.js';
import type { ServiceDefinition } from './service.js';
import { COMMON_SETTINGS, httpPortSetting } from './settings.js';
import { startTelemetry } from './telemetry.js';

/** One of several services that share a process. */
export interface Member {
  /** Unlike those of the others: what it is called in `/readyz`. */
  readonly name: string;
  readonly definition: ServiceDefinition;
  readonly environment: NodeJS.ProcessEnv;
  /** Whether it keeps the process from being ready. Default: while it is not ready itself. */
  readonly isServing?: (health: Health) => boolean;
}

export interface TogetherOptions {
  /** What the process is called in telemetry. */
  readonly name: string;
  /** Default of `STANCE_HTTP_PORT`. */
  readonly httpPort: number;
  /** What all of them share: where the process listens, how it logs. */
  readonly environment: NodeJS.ProcessEnv;
  readonly createServiceLogger?: ((service: string, level: string) => Logger) | undefined;
}

export interface RunningTogether extends Running {
  /** Where `/readyz` answers, with every member's answer by its name. */
  readonly url: string;
  readonly services: readonly RunningService[];
  /** Resolves when every service is active; rejects with the first failure. */
  readonly active: Promise<void>;
  /** Resolves when all have stopped; one that fails stops the others and rejects. */
  readonly stopped: Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts services in this process, in their order, behind one health server. Throws `ConfigurationInvalid` with the problems
 * of all of them, before any is started.
 */
export async function startTogether(members: readonly Member[], options: TogetherOptions): Promise<RunningTogether> {
  const { name, environment, createServiceLogger = createLogger } = options;
  const own = { settings: { ...COMMON_SETTINGS, STANCE_HTTP_PORT: httpPortSetting(options.httpPort) } };
  const problems = new Set([
    ...configurationProblems(own, environment),
    ...members.flatMap((member) => configurationProblems(member.definition, member.environment)),
  ]);
  if (problems.size > 0) throw new ConfigurationInvalid([...problems]);
  const config = loadConfiguration(own.settings, environment);
  const telemetry = await startTelemetry(name, environment);
  const services: RunningService[] = [];
  const server = await startHealthServer({
    host: config.STANCE_HTTP_HOST,
    port: config.STANCE_HTTP_PORT,
    health: () => healthOf(members, services),
    metrics: (request, response) => telemetry.prometheus.getMetricsRequestHandler(request, response),
  });
  const stop = async () => {
    // All at once: what one still writes while its reader is gone waits in its stream.
    await Promise.allSettled(services.map((service) => service.stop()));
    await server.close();
  };
  try {
    for (const { definition, environment: given } of members) {
      const logger = createServiceLogger(definition.name, config.LOG_LEVEL);
      services.push(await startService(definition, { environment: given, http: false, logger }));
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
  return { url: server.url, services, active, stopped, stop };
}

function healthOf(members: readonly Member[], services: readonly RunningService[]): Health {
  const details: Record<string, Health> = {};
  let ready = services.length === members.length;
  for (const [index, service] of services.entries()) {
    const member = members[index];
    const health = service.health();
    details[member?.name ?? service.name] = health;
    ready &&= member?.isServing?.(health) ?? health.ready;
  }
  return { ready, state: ready ? 'ready' : 'not ready', details };
}
