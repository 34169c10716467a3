import type { Socket } from 'node:net';

/**
 * Ends a connection at once: not even what the kernel still holds for the other side is sent, unless its end is being sent
 * already. `transport` is the TCP connection below TLS; without TLS, `socket` itself. Called again it does nothing.
 */
export function reset(socket: Socket, transport: Socket = socket): void {
  // An error of what is being destroyed says nothing more.
  socket.on('error', ignore);
  if (transport.destroyed) return;
  // While it is being shut down it cannot be reset (libuv: EINVAL), and Node would leave it open if it were tried.
  if (isShuttingDown(socket)) socket.destroy();
  // TLS above it closes by itself. Destroying that too crashes Node 24 when something was written in the same turn.
  else transport.resetAndDestroy();
}

function isShuttingDown({ writableEnded, writableLength, writableFinished }: Socket): boolean {
  return writableEnded && writableLength === 0 && !writableFinished;
}

function ignore(): void {}
