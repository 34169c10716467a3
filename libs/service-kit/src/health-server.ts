import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Thrown when the port is taken or may not be listened on. */
export class PortUnavailable extends Error {
  override readonly name = 'PortUnavailable';
}

/** What a service says of itself: `state` in a word, `ready` when it may be relied upon. */
export interface Health {
  readonly ready: boolean;
  readonly state: string;
  readonly details?: Record<string, unknown>;
}

export interface HealthServer {
  readonly url: string;
  readonly close: () => Promise<void>;
}

/** Serves `/livez` (200 while the process can answer), `/readyz` (200 or 503, with the reason) and `/metrics`. */
export async function startHealthServer(options: {
  host: string;
  port: number;
  health: () => Health;
  metrics: (request: IncomingMessage, response: ServerResponse) => void;
}): Promise<HealthServer> {
  const server = createServer((request, response) => {
    const path = request.url?.split('?')[0];
    if (path === '/livez') return json(response, 200, { status: 'live' });
    if (path === '/metrics') return options.metrics(request, response);
    if (path === '/readyz') {
      const health = options.health();
      return json(response, health.ready ? 200 : 503, health);
    }
    return json(response, 404, { error: 'there is /livez, /readyz and /metrics' });
  });
  await listen(server, options.host, options.port);
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${options.host.includes(':') ? `[${options.host}]` : options.host}:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Listens, or throws {@link PortUnavailable} saying which port and what to do. */
export async function listen(server: Server, host: string, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'EADDRINUSE' ? 'is in use by another process' : `cannot be used (${error.message})`;
      reject(
        new PortUnavailable(
          `port ${port} on ${host} ${why}: set STANCE_HTTP_PORT to another one, or stop what uses it`,
        ),
      );
    });
    server.listen(port, host, resolve);
  });
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
