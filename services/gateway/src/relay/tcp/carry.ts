import type { Socket } from 'node:net';
import { reset } from '../reset.js';
import type { Arrival } from './arrivals.js';

/**
 * Carries bytes both ways, as fast as the slower side reads; the end of one side's half is the end of the other's. Where one
 * side breaks off, the other is reset, so that nobody takes a part for the whole. Once one half has ended, a silence of
 * `halfOpenMs` ends the rest. Resolves when both are closed.
 */
export async function carry(client: Arrival, upstream: Socket, halfOpenMs: number): Promise<void> {
  const resetUpstream = () => reset(upstream);
  const onSilence = () => {
    client.reset();
    resetUpstream();
  };
  const onHalfEnd = () => {
    for (const socket of [client.socket, upstream]) socket.setTimeout(halfOpenMs, onSilence);
  };
  client.socket.once('end', onHalfEnd);
  upstream.once('end', onHalfEnd);
  const closed = Promise.all([closing(client.socket, resetUpstream), closing(upstream, client.reset)]);
  client.socket.pipe(upstream);
  upstream.pipe(client.socket);
  await closed;
}

/** Resolves when `socket` is closed; if not in order, the other side is reset. */
function closing(socket: Socket, resetOther: () => void): Promise<void> {
  return new Promise((resolve) => {
    const close = () => {
      if (!(socket.readableEnded && socket.writableFinished)) resetOther();
      resolve();
    };
    socket.on('error', () => undefined);
    if (socket.closed) close();
    else socket.once('close', close);
  });
}
