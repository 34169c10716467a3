import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import type { ListenerTls } from '../../listener-tls.js';
import { Transports } from '../transports.js';

/** A client's connection, ready to be read: with TLS, after the handshake. */
export interface Arrival {
  /** What is read and written. */
  readonly socket: Socket;
  /** Ends it at once; not even what the kernel holds for the client is sent. */
  readonly reset: () => void;
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

export interface ArrivalServer {
  readonly server: Server;
  readonly transports: Transports;
}

/** A server that hands over every connection; with TLS, those whose handshake succeeds in time. */
export function arrivalServer(
  tls: ListenerTls | undefined,
  { handshakeTimeoutMs, keepAliveMs }: ArrivalLimits,
  onArrival: (arrival: Arrival) => void,
): ArrivalServer {
  const options = { ...BOTH_HALVES, keepAliveInitialDelay: keepAliveMs };
  const server = tls
    ? createTlsServer({ ...options, ...tls, handshakeTimeout: handshakeTimeoutMs })
    : createServer(options);
  const transports = new Transports(server);
  const arrivalOn = (socket: Socket) => ({
    socket,
    reset: () => transports.reset(socket),
    peerAddress: socket.remoteAddress,
  });
  if (tls === undefined) {
    server.on('connection', (socket: Socket) => onArrival(arrivalOn(socket)));
    return { server, transports };
  }
  // Node tells of a handshake that failed or took too long, and leaves the connection as it is.
  server.on('tlsClientError', (_error, socket: TLSSocket) => socket.destroy());
  server.on('secureConnection', (socket: TLSSocket) => {
    if (socket.destroyed) return;
    // A second handshake could bring another certificate.
    socket.disableRenegotiation();
    const certificate = socket.getPeerX509Certificate()?.raw;
    onArrival({ ...arrivalOn(socket), ...(certificate && { certificate }) });
  });
  return { server, transports };
}
