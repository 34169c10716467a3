import { reset, type Arrival } from './arrivals.js';

/** How long a client that is sent away may take to notice, in milliseconds. */
const PATIENCE_MS = 1_000;

/** Closes in order, with TLS as TLS wants it; what the client still sends is dropped. After a second it is reset. */
export function dismiss(arrival: Arrival): void {
  const { socket } = arrival;
  const timer = setTimeout(() => reset(arrival), PATIENCE_MS);
  socket.once('close', () => clearTimeout(timer));
  socket.resume();
  socket.end();
}
