import type { NatsConnection } from '@nats-io/transport-node';
import type { Reason } from '@stance/contracts';
import type { OpenSessionsOptions } from './open-sessions.js';
import type { Enforced } from './reaction.js';
import type { LiveSessions } from './session.js';

/** How a gateway is embedded: what it listens to, its limits, and what it calls. */
export interface GatewayOptions {
  /** Stays open when the gateway is closed; give it endless reconnection. */
  readonly connection: NatsConnection;
  /** The audience whose decisions and sessions these are; all replicas of one enforcement point share it. */
  readonly gateway: string;
  /** Without a report of the engine for this long everything is denied; default 300,000 ms (5 min). */
  readonly maxSilenceMs?: number;
  /** How long the cache may be short of what the engine reports, before everything is denied; default 5,000 ms. */
  readonly maxBehindMs?: number;
  /** Open sessions, at most; default 3,000,000. */
  readonly maxSessions?: number;
  /** Milliseconds since 1970; default `Date.now`. */
  readonly now?: () => number;
  /** Not used for so long, a session ends; default no limit. Replicas tell each other what is in use. */
  readonly maxIdleMs?: number;
  /** Between two such reports; default a quarter of `maxIdleMs`, at most 60,000 ms. */
  readonly tellUseEveryMs?: number;
  /** The live connections that this process carries: a session that has one is in use, and is watched for {@link onLapsed}. */
  readonly live?: LiveSessions;
  /**
   * Nothing has allowed a live connection for `lapseMs` (default 10,000), although nobody revoked it: the decision is past its
   * review time, the engine is silent, or the session is not open any more. Close what is carried; an open session stays open.
   * Told again at each look while something is carried still.
   */
  readonly onLapsed?: (sessionId: string, reasons: readonly Reason[]) => void;
  readonly lapseMs?: number;
  /**
   * One open session for each device, user, resource and proof: of those that replicas open at the same moment the first
   * stays. Default false: a session for each connection is as good.
   */
  readonly oneSessionEach?: boolean;
  /** Between two looks for sessions at their end and at the streams' leaders; default 1,000 and 5,000 ms. */
  readonly expireEveryMs?: number;
  readonly lookEveryMs?: number;
  /**
   * Ends a session that is revoked; called once for each. `enforcedAt` is when it returns, or its promise resolves. May say
   * what was really done; otherwise it is what the session says of itself.
   */
  readonly onRevoked?: OpenSessionsOptions['onRevoked'];
  /** Ends a session that reached its lifetime, or was not used for too long. */
  readonly onExpired?: OpenSessionsOptions['onExpired'];
  /**
   * Another replica ended a session as closed; `successor` is the one that takes its place, where there is one. What is
   * carried here goes on under the successor, or under a new session.
   */
  readonly onEndedElsewhere?: OpenSessionsOptions['onEndedElsewhere'];
  /** Called after a revocation was enforced, with the reaction time; it is recorded as a histogram as well. */
  readonly onEnforced?: (enforced: Enforced) => void;
  /** What goes wrong and heals by itself: for a log. */
  readonly onTrouble?: (message: string, error: unknown) => void;
}

export interface GatewayHealth {
  readonly connected: boolean;
  /** When everything is denied unless the engine is heard before, in milliseconds since 1970; while `trusted`. */
  readonly trustedUntil: number | undefined;
  /** Everything stored before the start has been read. */
  readonly loaded: boolean;
  /** Milliseconds since 1970. */
  readonly engineHeardAt: number | undefined;
  /** Nothing is allowed before this is true; see `EngineState`. */
  readonly trusted: boolean;
  /** The engine has decided what has not arrived here for too long. */
  readonly behind: boolean;
  /** Devices with a decision. */
  readonly decisions: number;
  readonly sessions: number;
}
