import { PROOF_TIMEOUT_MS } from '../../prove-in-time.js';

/** What a relay allows of slow, half-open and too many clients. Times in milliseconds. */
export interface RelayLimits {
  /** Connections of one listener at the same time; more are closed as they come. */
  readonly connections: number;
  /** Request line and headers together, in bytes; more is answered with 431. */
  readonly headerBytes: number;
  /** For finding out who sends a request. */
  readonly proofMs: number;
  readonly tlsHandshakeMs: number;
  readonly headersMs: number;
  /** Between two pieces of a request's body. */
  readonly bodyMs: number;
  /** Without a byte either way an exchange is ended: with 504 as long as nothing was answered. */
  readonly idleMs: number;
  readonly webSocketIdleMs: number;
  /** Until the upstream's connection stands, TLS included; then 504. */
  readonly connectMs: number;
  /** Until the upstream has answered a WebSocket's upgrade; then 504. */
  readonly upgradeMs: number;
  /** After one side of a WebSocket has ended its half. */
  readonly halfOpenMs: number;
  /** For the last words (Close) to a client whose WebSocket is cut. */
  readonly farewellMs: number;
  /** For exchanges to end by themselves when the relay is closed. */
  readonly drainMs: number;
}

export const RELAY_LIMITS: RelayLimits = {
  connections: 20_000,
  headerBytes: 16 * 1_024,
  proofMs: PROOF_TIMEOUT_MS,
  tlsHandshakeMs: 10_000,
  headersMs: 10_000,
  bodyMs: 30_000,
  idleMs: 5 * 60_000,
  webSocketIdleMs: 60 * 60_000,
  connectMs: 10_000,
  upgradeMs: 30_000,
  halfOpenMs: 10_000,
  farewellMs: 1_000,
  drainMs: 5_000,
};
