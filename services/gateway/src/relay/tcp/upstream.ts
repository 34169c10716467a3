import { connect, type Socket } from 'node:net';
import type { TcpRelay } from '../../file/relays.js';

/** Thrown when the upstream cannot be reached: start it, or name where it is under tcp[].upstream in STANCE_GATEWAY_FILE. */
export class UpstreamUnreachable extends Error {
  override readonly name = 'UpstreamUnreachable';
}

export interface UpstreamLimits {
  /** Looking up its name included. */
  readonly connectTimeoutMs: number;
  readonly keepAliveMs: number;
}

/** Connects; undefined where `signal` says first that nobody wants it any more. Throws {@link UpstreamUnreachable}. */
export async function connectUpstream(
  { host, port }: TcpRelay['upstream'],
  { connectTimeoutMs, keepAliveMs }: UpstreamLimits,
  signal: AbortSignal,
): Promise<Socket | undefined> {
  if (signal.aborted) return undefined;
  const socket = connect({
    host,
    port,
    allowHalfOpen: true,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: keepAliveMs,
  });
  return new Promise((resolve, reject) => {
    const settle = (done: () => void) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      done();
    };
    const fail = (why: string, cause?: unknown) => {
      socket.destroy();
      settle(() => reject(new UpstreamUnreachable(`the upstream ${host}:${port} ${why}`, { cause })));
    };
    const onAbort = () => {
      socket.destroy();
      settle(() => resolve(undefined));
    };
    const timer = setTimeout(() => fail(`does not answer within ${connectTimeoutMs} ms`), connectTimeoutMs);
    signal.addEventListener('abort', onAbort, { once: true });
    socket.on('error', (error) => fail(`cannot be reached: ${error.message}`, error));
    socket.once('connect', () => settle(() => resolve(socket)));
  });
}
