import { PROOF_TIMEOUT_MS } from '../../prove-in-time.js';

/** What a TCP relay bounds; times in milliseconds. */
export interface TcpRelayLimits {
  /** Connections of one listener, those that are still to be proved included. */
  readonly maxConnections: number;
  readonly handshakeTimeoutMs: number;
  readonly proofTimeoutMs: number;
  readonly connectTimeoutMs: number;
  /** Silence after which the other side is probed; one that does not answer is gone 10 s later. */
  readonly keepAliveMs: number;
  /** Silence after which a connection is ended that one side has ended already. */
  readonly halfOpenMs: number;
}

export const DEFAULT_LIMITS: TcpRelayLimits = {
  maxConnections: 20_000,
  handshakeTimeoutMs: 10_000,
  proofTimeoutMs: PROOF_TIMEOUT_MS,
  connectTimeoutMs: 10_000,
  keepAliveMs: 30_000,
  halfOpenMs: 5 * 60_000,
};

/** Told when connections are turned away because there are too many: somebody opens them, or another replica is needed. */
export class TcpRelayFull extends Error {
  override readonly name = 'TcpRelayFull';
}
