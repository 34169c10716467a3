import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { ListenerTls } from '../../listener-tls.js';
import type { RelayLimits } from './limits.js';

/** What comes in. Nothing that comes is answered by Node itself, but what is no HTTP. */
export interface Arrivals {
  readonly onRequest: (request: IncomingMessage, response: ServerResponse) => void;
  /** CONNECT, or a request to speak something else on this connection. */
  readonly onTakeover: (request: IncomingMessage, head: Buffer) => void;
  readonly onDropped: () => void;
}

/** Longer than proxies keep idle connections (nginx 60 s), so that it is they who close them. */
const KEEP_ALIVE_MS = 75_000;
/** How often Node looks for requests whose headers do not come. */
const LOOK_MS = 2_000;

/** An HTTP/1.1 server, with TLS where `tls` is given, whose clients are slow only within limits. */
export function relayListener(limits: RelayLimits, tls: ListenerTls | undefined, arrivals: Arrivals): Server {
  const options = {
    maxHeaderSize: limits.headerBytes,
    headersTimeout: limits.headersMs,
    connectionsCheckingInterval: Math.min(LOOK_MS, limits.headersMs),
    // A long upload is no attack as long as it goes on: pieces that do not come are what is limited.
    requestTimeout: 0,
    keepAliveTimeout: KEEP_ALIVE_MS,
    insecureHTTPParser: false,
    noDelay: true,
  };
  const server =
    tls === undefined
      ? createServer(options)
      : createTlsServer({ ...options, ...tls, handshakeTimeout: limits.tlsHandshakeMs });
  // Node drops headers past its limit without a word, and a second identity with them; their size is bounded instead.
  server.maxHeadersCount = 0;
  server.maxConnections = limits.connections;
  server.timeout = limits.idleMs;
  server.on('request', arrivals.onRequest);
  server.on('checkContinue', arrivals.onRequest);
  for (const takeover of ['upgrade', 'connect'] as const) {
    server.on(takeover, (request: IncomingMessage, socket: Socket, head: Buffer) => {
      // From here on nobody else listens to it.
      socket.on('error', () => socket.destroy());
      arrivals.onTakeover(request, head);
    });
  }
  server.on('drop', arrivals.onDropped);
  // A second handshake could bring another certificate.
  server.on('secureConnection', (socket: TLSSocket) => socket.disableRenegotiation());
  return server;
}
