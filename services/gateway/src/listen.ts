import type { Server } from 'node:net';

/** Thrown when the gateway cannot listen where its file says: name another port there, or stop what uses it. */
export class ListenFailed extends Error {
  override readonly name = 'ListenFailed';
}

export interface ListeningPlace {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
}

/** Listens; `setting` is where the gateway file names the place, for the advice. Throws {@link ListenFailed}. */
export async function listen(server: Server, { host, port }: ListeningPlace, setting = 'listen'): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException) => {
      const why = error.code === 'EADDRINUSE' ? 'is in use by another process' : `cannot be used (${error.message})`;
      const advice = `name another one under ${setting} in STANCE_GATEWAY_FILE, or stop what uses it`;
      reject(new ListenFailed(`port ${port} on ${host} ${why}: ${advice}`, { cause: error }));
    };
    server.once('error', failed);
    server.listen(port, host, () => {
      server.off('error', failed);
      resolve();
    });
  });
}

/** Where a server listens, as in `127.0.0.1:9180` or `[::1]:9180`; undefined where it does not. */
export function addressOf(server: Server): string | undefined {
  const bound = server.address();
  if (bound === null || typeof bound === 'string') return undefined;
  return `${bound.family === 'IPv6' ? `[${bound.address}]` : bound.address}:${bound.port}`;
}
