import { startNatsServer, type NatsServer, type StartNatsServerOptions } from '@stance/nats-server';

/** How a server ends: as Kubernetes lets it go (`lame duck`, then by itself), in order at once, or as by a crash. */
export type ServerEnd = 'lame duck' | 'shutdown' | 'kill';

/** One server of a cluster. */
export interface ClusterServer {
  readonly name: string;
  readonly url: string;
  /** Resolves when the process has ended. */
  end(how: ServerEnd): Promise<void>;
  /** Starts again on the same ports and data; resolves when it answers, which is before it has caught up. */
  start(): Promise<void>;
}

/** Milliseconds that a server in lame duck mode may take: its clients leave one second after the other. */
const LAME_DUCK_MS = 60_000;

/** Thrown when a server does not end in its time. */
class ServerDoesNotEnd extends Error {
  override readonly name = 'ServerDoesNotEnd';
}

/** Runs it from the local binary. Throws what `startNatsServer` throws. */
export async function startClusterServer(
  name: string,
  options: Omit<StartNatsServerOptions, 'name' | 'onExit'>,
): Promise<ClusterServer> {
  let exited = Promise.withResolvers<void>();
  const server = await startNatsServer({ ...options, name, onExit: () => exited.resolve() });
  return {
    name,
    url: server.url.replace('nats:', 'tls:'),
    end: (how) => {
      if (how === 'kill') return server.kill();
      return how === 'shutdown' ? server.stop() : leave(server, exited.promise);
    },
    start: async () => {
      exited = Promise.withResolvers<void>();
      await server.restart();
    },
  };
}

/** SIGUSR2 is lame duck mode (NATS documentation, "Signals"): clients are told, leaders hand over, then it exits. */
async function leave({ pid }: NatsServer, exited: Promise<void>): Promise<void> {
  process.kill(pid, 'SIGUSR2');
  let limit: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    limit = setTimeout(() => reject(new ServerDoesNotEnd(`in lame duck mode for ${LAME_DUCK_MS} ms`)), LAME_DUCK_MS);
  });
  try {
    await Promise.race([exited, tooLate]);
  } finally {
    clearTimeout(limit);
  }
}
