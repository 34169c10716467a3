import type { Arrival } from './arrivals.js';

/** How long a client that is sent away may take to notice, in milliseconds. */
const PATIENCE_MS = 1_000;

/** Closes in order, with TLS as TLS wants it; what the client still sends is dropped. After a second it is reset. */
export function dismiss({ socket, reset }: Pick<Arrival, 'socket' | 'reset'>): void {
  const timer = setTimeout(reset, PATIENCE_MS);
  socket.once('close', () => clearTimeout(timer));
  socket.resume();
  socket.end();
}
