import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import type { ListenerTls } from '../../listener-tls.js';

/** A client's connection, ready to be read: with TLS, after the handshake. */
export interface Arrival {
  /** What is read and written. */
  readonly socket: Socket;
  /** The TCP connection below it (without TLS, the same): only there can it be reset. */
  readonly transport: Socket;
  readonly peerAddress: string | undefined;
  /** The client's certificate (DER), whose key it has. */
  readonly certificate?: Uint8Array;
}

export interface ArrivalLimits {
  readonly handshakeTimeoutMs: number;
  readonly keepAliveMs: number;
}

/** Either side may end its half: SSH and databases do. */
const BOTH_HALVES = { allowHalfOpen: true, noDelay: true, keepAlive: true } as const;

/** A server that hands over every connection; with TLS, those whose handshake succeeds in time. */
export function arrivalServer(
  tls: ListenerTls | undefined,
  { handshakeTimeoutMs, keepAliveMs }: ArrivalLimits,
  onArrival: (arrival: Arrival) => void,
): Server {
  const options = { ...BOTH_HALVES, keepAliveInitialDelay: keepAliveMs };
  if (tls === undefined) {
    return createServer(options, (socket) => {
      onArrival({ socket, transport: socket, peerAddress: socket.remoteAddress });
    });
  }
  const server = createTlsServer({ ...options, ...tls, handshakeTimeout: handshakeTimeoutMs });
  const transports = new Map<string, Socket>();
  server.on('connection', (transport: Socket) => {
    const peer = peerOf(transport);
    transports.set(peer, transport);
    transport.once('close', () => {
      if (transports.get(peer) === transport) transports.delete(peer);
    });
  });
  // Node tells of a handshake that failed or took too long, and leaves the connection as it is.
  server.on('tlsClientError', (_error, socket: TLSSocket) => socket.destroy());
  server.on('secureConnection', (socket: TLSSocket) => {
    // A second handshake could bring another certificate.
    socket.disableRenegotiation();
    const transport = transports.get(peerOf(socket));
    if (transport === undefined) {
      socket.destroy();
      return;
    }
    const certificate = socket.getPeerX509Certificate()?.raw;
    onArrival({ socket, transport, peerAddress: socket.remoteAddress, ...(certificate && { certificate }) });
  });
  return server;
}

/** One connection of a listener at a time has it. */
function peerOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}

/**
 * Ends it at once: not even what the kernel still holds for the client is sent, unless its end is being sent already. Called
 * again it does nothing.
 */
export function reset({ socket, transport }: Pick<Arrival, 'socket' | 'transport'>): void {
  // An error of what is being destroyed says nothing more.
  socket.on('error', () => undefined);
  if (transport.destroyed) return;
  // While it is being shut down it cannot be reset (libuv: EINVAL), and Node would leave it open if it were tried.
  if (isShuttingDown(socket)) socket.destroy();
  // TLS above it closes by itself. Destroying that too crashes Node 24 when something was written in the same turn.
  else transport.resetAndDestroy();
}

function isShuttingDown({ writableEnded, writableLength, writableFinished }: Socket): boolean {
  return writableEnded && writableLength === 0 && !writableFinished;
}
