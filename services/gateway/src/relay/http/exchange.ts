import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Cut, LiveConnection } from '../live-connections.js';
import type { RelayLimits } from './limits.js';
import type { Refusal } from './request-form.js';
import type { Upstream } from './upstream.js';

/** What somebody was let in for, from then on until its last byte: an HTTP exchange, or a WebSocket. */
export interface Exchange extends LiveConnection {
  readonly kind: 'http' | 'websocket';
  readonly request: IncomingMessage;
  readonly upstream: Upstream;
}

/** What all exchanges of a relay have around them. */
export interface Surroundings {
  readonly limits: RelayLimits;
  /** Ends a client's connection at once; not even what the kernel holds is sent. */
  readonly reset: (socket: Socket) => void;
  /** Does what can wait until everybody is cut that is to be. */
  readonly later: (work: () => void) => void;
  readonly onCut: (exchange: Exchange, why: Cut) => void;
  /** It is over, by itself or cut; told once. */
  readonly onOver: (exchange: Exchange) => void;
  /** Its upstream failed it; told once at most. */
  readonly onFailed: (exchange: Exchange, error: Error) => void;
}

/** What the sender is told of an upstream that fails. */
export function failureOf(error: Error): Refusal {
  const { name, code } = error as NodeJS.ErrnoException;
  return name === 'UpstreamTimeout' || code === 'ETIMEDOUT'
    ? { status: 504, why: 'The application does not answer in time.' }
    : { status: 502, why: 'The application cannot be reached.' };
}

/** The request to the upstream met a connection that the upstream was just closing: it was not read. */
export function metClosing(request: ClientRequest | undefined, error: Error): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return request?.reusedSocket === true && (code === 'ECONNRESET' || code === 'EPIPE');
}
