import type { Io } from './io.js';
import { runStance } from './program.js';

/** Runs `stance` with the arguments of a command line; resolves to the exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  // The reader of a pipe is gone, as in `stance watch | head -1`: there is nobody left to write for.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(0);
  });
  const { env, stdout, stderr } = process;
  const io: Io = {
    env,
    cwd: process.cwd(),
    stdout,
    stderr,
    stdin: () => process.stdin,
    interruption: abortedBySignals,
  };
  return runStance(argv, io);
}

function abortedBySignals(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => controller.abort());
  return controller.signal;
}
