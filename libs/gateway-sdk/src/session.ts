import type { Cause, DataOf, DeviceProof, Reason, SessionEnded, SessionStarted } from '@stance/contracts';
import type { Revisions } from './decision-cache.js';

/** What a gateway can do to a session whose access ends: cut its connection, or refuse its next request. */
export type Enforcement = DataOf<typeof SessionStarted>['enforcement'];

/** Why a session is over. */
export type EndCause = DataOf<typeof SessionEnded>['cause'];

/** One device's use of one resource; open until it is ended, revoked or at the end of its lifetime. */
export interface Session {
  /** Never used twice. */
  readonly sessionId: string;
  readonly deviceId: string;
  readonly resource: string;
  readonly user?: string;
  readonly enforcement: Enforcement;
  /** How the device was proved; by its address where nothing is said. */
  readonly proof?: DeviceProof;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

/** Live connections of sessions, as far as this process carries them: a session that has one is in use. */
export interface LiveSessions {
  has(sessionId: string): boolean;
  ids(): Iterable<string>;
}

/** Who uses what. */
export interface SessionKey {
  readonly deviceId: string;
  readonly resource: string;
  readonly user?: string | undefined;
}

/** Who wants to use what, and how the device was proved: by its address where nothing is said. One session each is enough. */
export interface AccessRequest extends SessionKey {
  readonly proof?: DeviceProof | undefined;
}

export interface SessionRequest extends AccessRequest {
  readonly enforcement: Enforcement;
  /** Absolute lifetime in milliseconds; default 12 h, at most 7 d. */
  readonly lifetimeMs?: number;
  /** A few words for whoever looks at the session later, such as the client's address. */
  readonly context?: Readonly<Record<string, string>>;
  /** The request's trace, if it has one. */
  readonly traceparent?: string;
}

/** Why and since when a session is revoked. */
export interface Revocation {
  readonly reasons: readonly Reason[];
  readonly revisions: Revisions;
  /** When the observation that led to it was made, RFC 3339; reaction time counts from there. */
  readonly observedAt?: string;
  /** Of the event that revoked it; carried on to the session's end. */
  readonly cause: Cause;
}

export const DEFAULT_LIFETIME_MS = 12 * 60 * 60 * 1_000;
export const MIN_LIFETIME_MS = 1_000;
export const MAX_LIFETIME_MS = 7 * 24 * 60 * 60 * 1_000;

/** Thrown for a session that no policy allows now: ask `decide` before, and tell its reasons. */
export class SessionDenied extends Error {
  override readonly name = 'SessionDenied';
  constructor(readonly reasons: readonly Reason[]) {
    super(`access is denied: ${reasons.map(({ message }) => message).join(' ')}`);
  }
}

/** Thrown when the registry is full: end sessions, or raise `maxSessions`. */
export class TooManySessions extends Error {
  override readonly name = 'TooManySessions';
}

/** Thrown for a lifetime outside 1 s to 7 d, or ids that no event can carry. */
export class SessionInvalid extends Error {
  override readonly name = 'SessionInvalid';
}
