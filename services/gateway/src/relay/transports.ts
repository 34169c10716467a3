import type { Server, Socket } from 'node:net';
import { Server as TlsServer } from 'node:tls';
import { reset } from './reset.js';

/** The TCP connections of a listener: below TLS there is another socket than the one that is read, and only it can be reset. */
export class Transports {
  /** What is read of each that is open; the transport itself as long as there is no TLS. */
  private readonly readFrom = new Map<Socket, Socket>();
  private readonly below = new WeakMap<Socket, Socket>();
  /** Those whose handshake is under way, by both ends: one connection at a time has them. */
  private readonly shaking = new Map<string, Socket>();

  constructor(server: Server) {
    const isTls = server instanceof TlsServer;
    server.on('connection', (transport: Socket) => this.opened(transport, isTls));
    if (isTls) server.on('secureConnection', (socket: Socket) => this.secured(socket));
  }

  get size(): number {
    return this.readFrom.size;
  }

  /** Ends a connection at once: not even what the kernel still holds for the client is sent. */
  reset(socket: Socket): void {
    reset(socket, this.below.get(socket));
  }

  /** Ends all of them so, those included whose handshake is not over. */
  resetAll(): void {
    for (const [transport, socket] of this.readFrom) reset(socket, transport);
  }

  private opened(transport: Socket, isTls: boolean): void {
    this.readFrom.set(transport, transport);
    const ends = isTls ? endsOf(transport) : undefined;
    if (ends !== undefined) this.shaking.set(ends, transport);
    transport.once('close', () => {
      this.readFrom.delete(transport);
      if (ends !== undefined && this.shaking.get(ends) === transport) this.shaking.delete(ends);
    });
  }

  private secured(socket: Socket): void {
    const ends = endsOf(socket);
    const transport = this.shaking.get(ends);
    // Whose client is gone already names no end.
    if (transport === undefined) return void socket.destroy();
    this.shaking.delete(ends);
    this.below.set(socket, transport);
    this.readFrom.set(transport, socket);
  }
}

/** A listener on all addresses may have one remote port twice, at two of its own. */
function endsOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;
}
