import type { Server, Socket } from 'node:net';

/** The TCP connections of a listener: below TLS there is another socket than the one that is read, and only it can be reset. */
export class Transports {
  private readonly byPeer = new Map<string, Socket>();

  constructor(server: Server) {
    server.on('connection', (transport: Socket) => {
      const peer = peerOf(transport);
      this.byPeer.set(peer, transport);
      transport.once('close', () => {
        if (this.byPeer.get(peer) === transport) this.byPeer.delete(peer);
      });
    });
  }

  get size(): number {
    return this.byPeer.size;
  }

  /** Ends a connection at once: not even what the kernel still holds for the client is sent. */
  reset(socket: Socket): void {
    const transport = this.byPeer.get(peerOf(socket));
    if (transport !== undefined && !transport.destroyed) transport.resetAndDestroy();
    socket.destroy();
  }

  resetAll(): void {
    for (const transport of this.byPeer.values()) transport.resetAndDestroy();
  }
}

/** One connection of a listener at a time has it. */
function peerOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
