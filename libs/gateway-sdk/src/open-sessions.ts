import { randomUUID } from 'node:crypto';
import { SessionEnded, SessionStarted, UnusableId, type Cause, type DataOf, type EventOf } from '@stance/contracts';
import type { Announcer } from './announcer.js';
import { inEnforcementSpan } from './enforcement-span.js';
import { reactionMs, type Enforced } from './reaction.js';
import { SessionRegistry } from './session-registry.js';
import {
  DEFAULT_LIFETIME_MS,
  MAX_LIFETIME_MS,
  SessionInvalid,
  TooManySessions,
  type EndCause,
  type Revocation,
  type Session,
  type SessionRequest,
} from './session.js';

export interface OpenSessionsOptions {
  readonly gateway: string;
  readonly now: () => number;
  readonly maxSessions: number;
  readonly onRevoked: (session: Session, revocation: Revocation) => void | Promise<void>;
  readonly onExpired: (session: Session) => void | Promise<void>;
  readonly onEnforced: (enforced: Enforced) => void;
  readonly onTrouble: (message: string, error: unknown) => void;
}

/** `started` and `ended` outlive the session by this much, so that no reader misses them. */
const AFTERLIFE_SECONDS = 60 * 60;

/**
 * The open sessions of a gateway: each leaves the registry once, by whichever comes first, and whoever takes it out tells
 * its end. Sessions of the gateway's other replicas, and of its own past life, come in from the stream.
 */
export class OpenSessions {
  readonly registry = new SessionRegistry();
  /** Marks our own events: their echo from the stream brings nothing back. */
  private readonly instance = randomUUID();
  private readonly starting = new Map<string, Promise<boolean>>();
  private readonly ending = new Map<string, Promise<void>>();
  private staged: Map<string, Session> | undefined = new Map();

  constructor(
    private readonly announcer: Pick<Announcer, 'announce'>,
    private readonly options: OpenSessionsOptions,
  ) {}

  /**
   * Opens a session. It counts from now on, and is told to the engine in the background.
   * Throws {@link SessionInvalid} or {@link TooManySessions}.
   */
  start(request: SessionRequest): Session {
    const { deviceId, resource, user, proof, enforcement, lifetimeMs = DEFAULT_LIFETIME_MS, context } = request;
    if (!(lifetimeMs >= 1_000 && lifetimeMs <= MAX_LIFETIME_MS)) {
      throw new SessionInvalid(`a session lives from 1 s to 7 d, not ${lifetimeMs} ms`);
    }
    if (this.registry.size >= this.options.maxSessions) {
      throw new TooManySessions(`${this.options.maxSessions} sessions are open: end some, or raise maxSessions`);
    }
    const startedAt = this.options.now();
    const session: Session = {
      sessionId: randomUUID(),
      deviceId,
      resource,
      ...(user !== undefined && { user }),
      enforcement,
      ...(proof !== undefined && { proof }),
      startedAt,
      expiresAt: startedAt + lifetimeMs,
    };
    const announced = this.announceStart(session, context, request.traceparent);
    this.registry.add(session);
    this.starting.set(session.sessionId, announced);
    void announced.then(() => this.starting.delete(session.sessionId));
    return session;
  }

  /** Ends a session; returns false when it is not open. */
  end(sessionId: string, cause: Exclude<EndCause, 'revoked'>): boolean {
    const session = this.registry.remove(sessionId);
    if (session === undefined) return false;
    this.follow(session, this.announceEnd(session, cause, {}));
    return true;
  }

  /** Revokes a session; returns false when it is not open: a repeat is nothing. */
  revoke(sessionId: string, revocation: Revocation): boolean {
    const session = this.registry.remove(sessionId);
    if (session === undefined) return false;
    this.follow(session, this.enforce(session, revocation));
    return true;
  }

  /** Ends what reached the end of its lifetime. */
  expire(): void {
    for (const { sessionId } of this.registry.due(this.options.now())) {
      const session = this.registry.remove(sessionId);
      if (session === undefined) continue;
      this.follow(session, this.finishExpired(session));
    }
  }

  /** From here on, started and ended sessions are collected until {@link loaded}: the stream is read from its start. */
  loading(): void {
    this.staged = new Map();
  }

  /** The stream has been read; returns the sessions that came in and were not known. */
  loaded(): Session[] {
    const staged = this.staged;
    this.staged = undefined;
    return [...(staged?.values() ?? [])].filter((session) => this.takeIn(session));
  }

  /** A session that the stream says was started; returns it when it is open here from now on, and was not before. */
  started(event: EventOf<typeof SessionStarted>): Session | undefined {
    if (event.id.startsWith(this.idPrefix)) return undefined;
    const session = sessionOf(event.data);
    if (this.staged !== undefined) {
      this.staged.set(session.sessionId, session);
      return undefined;
    }
    return this.takeIn(session) ? session : undefined;
  }

  /** A session that the stream says is over. If it was another replica that ended it, our part is still to be done. */
  ended(event: EventOf<typeof SessionEnded>): void {
    const { sessionId, cause } = event.data;
    this.staged?.delete(sessionId);
    const session = this.registry.remove(sessionId);
    if (session === undefined) return;
    const { txn, traceparent, observedat } = event;
    const revocation = { reasons: [], revisions: { posture: 0, policy: 0 }, cause: { txn, traceparent, observedat } };
    if (cause === 'revoked')
      this.follow(
        session,
        this.callBack(session, withObserved(revocation)).then(() => undefined),
      );
    if (cause === 'expired') this.follow(session, this.tellExpired(session));
  }

  /** Resolves when everything told so far is stored, or given up because the announcer was stopped. */
  async settled(): Promise<void> {
    while (this.starting.size + this.ending.size > 0) {
      await Promise.all([...this.starting.values(), ...this.ending.values()]);
    }
  }

  private takeIn(session: Session): boolean {
    return !this.ending.has(session.sessionId) && this.registry.add(session);
  }

  private follow(session: Session, ending: Promise<void>): void {
    this.ending.set(session.sessionId, ending);
    void ending.then(() => this.ending.delete(session.sessionId));
  }

  private async enforce(session: Session, revocation: Revocation): Promise<void> {
    await inEnforcementSpan(session, revocation.cause.traceparent, async (traceparent) => {
      const enforcedAt = await this.callBack(session, revocation);
      await this.announceEnd(session, 'revoked', { ...revocation.cause, traceparent }, enforcedAt);
    });
  }

  /** When the gateway had done its part; `undefined` when that failed. */
  private async callBack(session: Session, revocation: Revocation): Promise<number | undefined> {
    try {
      await this.options.onRevoked(session, revocation);
    } catch (error) {
      this.options.onTrouble(`session ${session.sessionId} was revoked, but ending it failed`, error);
      return undefined;
    }
    const enforcedAt = this.options.now();
    try {
      this.options.onEnforced({ session, enforcedAt, reactionMs: reactionMs(revocation.observedAt, enforcedAt) });
    } catch (error) {
      this.options.onTrouble(`the reaction time of session ${session.sessionId} was not taken`, error);
    }
    return enforcedAt;
  }

  private async finishExpired(session: Session): Promise<void> {
    await this.tellExpired(session);
    await this.announceEnd(session, 'expired', {});
  }

  private async tellExpired(session: Session): Promise<void> {
    try {
      await this.options.onExpired(session);
    } catch (error) {
      this.options.onTrouble(`session ${session.sessionId} expired, but ending it failed`, error);
    }
  }

  private announceStart(
    session: Session,
    context: SessionRequest['context'],
    traceparent: string | undefined,
  ): Promise<boolean> {
    const data = SessionStarted.data.safeParse({
      ...session,
      gateway: this.options.gateway,
      startedAt: new Date(session.startedAt).toISOString(),
      expiresAt: new Date(session.expiresAt).toISOString(),
      ...(context !== undefined && { context }),
    });
    if (!data.success) throw new SessionInvalid(data.error.issues.map(({ message }) => message).join('; '));
    try {
      return this.announcer.announce({
        contract: SessionStarted,
        data: data.data,
        id: `${this.idPrefix}started:${session.sessionId}`,
        cause: { traceparent },
        ttlSeconds: ttlOf(session),
      });
    } catch (error) {
      if (error instanceof UnusableId) throw new SessionInvalid(error.message, { cause: error });
      throw error;
    }
  }

  private async announceEnd(session: Session, cause: EndCause, causedBy: Cause, enforcedAt?: number): Promise<void> {
    const endedAt = new Date(enforcedAt ?? this.options.now()).toISOString();
    // Nobody reads of an end before the start.
    await this.starting.get(session.sessionId);
    const { sessionId, deviceId, resource, enforcement } = session;
    await this.announcer.announce({
      contract: SessionEnded,
      data: {
        gateway: this.options.gateway,
        deviceId,
        sessionId,
        resource,
        cause,
        endedAt,
        enforcement,
        ...(enforcedAt !== undefined && { enforcedAt: endedAt }),
      },
      id: `${this.idPrefix}ended:${sessionId}`,
      cause: causedBy,
      ttlSeconds: ttlOf(session),
    });
  }

  private get idPrefix(): string {
    return `gateway:${this.instance}:`;
  }
}

function ttlOf({ startedAt, expiresAt }: Session): number {
  return Math.ceil((expiresAt - startedAt) / 1_000) + AFTERLIFE_SECONDS;
}

function sessionOf(data: DataOf<typeof SessionStarted>): Session {
  const { sessionId, deviceId, resource, user, enforcement, proof, startedAt, expiresAt } = data;
  return {
    sessionId,
    deviceId,
    resource,
    ...(user !== undefined && { user }),
    enforcement,
    ...(proof !== undefined && { proof }),
    startedAt: Date.parse(startedAt),
    expiresAt: Date.parse(expiresAt),
  };
}

function withObserved(revocation: Revocation): Revocation {
  const { observedat } = revocation.cause;
  return observedat === undefined ? revocation : { ...revocation, observedAt: observedat };
}
