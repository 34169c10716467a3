import { ConfigurationInvalid, type Settings } from './configuration.js';
import { startService, type RunningService } from './run-service.js';
import type { ServiceDefinition } from './service.js';
import { stopTelemetry } from './telemetry.js';

/** The oldest Node.js that Stance runs on. */
const MINIMUM_NODE = 24;

/** A process that is one service: runs until a signal, exits 2 for a wrong configuration, 1 for a failure. */
export async function runService<S extends Settings>(definition: ServiceDefinition<S>): Promise<void> {
  await runProcess(definition.name, () => startService(definition));
}

/** What a process runs: one service, or several together. */
export type Running = Pick<RunningService, 'stop' | 'stopped'>;

/** Runs a process until a signal; see {@link runService}. */
export async function runProcess(name: string, start: () => Promise<Running>): Promise<void> {
  if (Number(process.versions.node.split('.')[0]) < MINIMUM_NODE) {
    process.stderr.write(
      `Stance needs Node.js ${MINIMUM_NODE} or newer, this is ${process.versions.node}: run it with npm, which brings one\n`,
    );
    process.exit(2);
  }
  try {
    const running = await start();
    stopOnSignals(() => running.stop());
    await running.stopped;
    process.exitCode = 0;
  } catch (error) {
    process.stderr.write(`${name}: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = error instanceof ConfigurationInvalid ? 2 : 1;
  }
  await stopTelemetry().catch((error: unknown) => process.stderr.write(`${name}: telemetry: ${String(error)}\n`));
  // Everything is closed; what may linger (a socket that never connected) must not keep the process.
  process.exit();
}

/** Signals that follow the first this closely are the same one: a terminal sends Ctrl-C to npm and to us, and npm passes it on. */
const SAME_SIGNAL_MS = 1_000;

/** Calls `stop` on the first SIGINT or SIGTERM; a second one, a moment later, ends the process at once. */
export function stopOnSignals(stop: () => Promise<void>): void {
  let askedAt: number | undefined;
  const onSignal = () => {
    if (askedAt === undefined) {
      askedAt = performance.now();
      // Whoever waits for `stopped` hears of a failure.
      stop().catch(() => undefined);
    } else if (performance.now() - askedAt > SAME_SIGNAL_MS) {
      process.exit(130);
    }
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
}
