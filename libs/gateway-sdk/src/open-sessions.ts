import { randomUUID } from 'node:crypto';
import { SessionEnded, SessionStarted, UnusableId, type Cause, type DataOf, type EventOf } from '@stance/contracts';
import { Afterwards } from './afterwards.js';
import type { Announcer } from './announcer.js';
import { inEnforcementSpan, inTraceOf } from './enforcement-span.js';
import { reactionMs, type Enforced } from './reaction.js';
import { SessionRegistry } from './session-registry.js';
import {
  DEFAULT_LIFETIME_MS,
  MAX_LIFETIME_MS,
  MIN_LIFETIME_MS,
  SessionInvalid,
  TooManySessions,
  type EndCause,
  type Enforcement,
  type Revocation,
  type Session,
  type SessionRequest,
} from './session.js';

export interface OpenSessionsOptions {
  readonly gateway: string;
  readonly now: () => number;
  readonly maxSessions: number;
  /** One for each device, user, resource and proof: those that replicas opened at the same moment become one. */
  readonly oneEach: boolean;
  /** Whether other replicas serve sessions at the moment, as far as is known. */
  readonly hasOthers: () => boolean;
  /** Milliseconds; infinite for no limit. */
  readonly maxIdleMs: number;
  readonly onRevoked: (session: Session, revocation: Revocation) => Done | Promise<Done>;
  readonly onExpired: (session: Session) => void | Promise<void>;
  readonly onEndedElsewhere: (session: Session, successor: Session | undefined) => void;
  readonly onEnforced: (enforced: Enforced) => void;
  readonly onTrouble: (message: string, error: unknown) => void;
}

/** What a gateway says that it did; nothing for what the session says of itself. */
type Done = Enforcement | void;

/** Of a session that had no connection here, and may have had one elsewhere: a replica that had one tells first, and what is told first counts. */
const OTHERS_TELL_FIRST_MS = 1_000;

/** `started` and `ended` outlive the session by this much, so that no reader misses them. */
const AFTERLIFE_SECONDS = 60 * 60;

/**
 * The open sessions of a gateway: each leaves the registry once, by whichever comes first, and whoever takes it out tells
 * its end. Sessions of the gateway's other replicas, and of its own past life, come in from the stream.
 */
export class OpenSessions {
  readonly registry: SessionRegistry;
  /** Marks our own events: their echo from the stream brings nothing back. */
  readonly replica = randomUUID();
  private readonly starting = new Map<string, Promise<boolean>>();
  private readonly ending = new Map<string, Promise<void>>();
  private readonly afterwards = new Afterwards();
  private staged: Map<string, Session> | undefined = new Map();

  constructor(
    private readonly announcer: Pick<Announcer, 'announce'>,
    private readonly options: OpenSessionsOptions,
  ) {
    this.registry = new SessionRegistry(options.maxIdleMs);
  }

  /**
   * Opens a session. It counts from now on, and is told to the engine in the background.
   * Throws {@link SessionInvalid} or {@link TooManySessions}.
   */
  start(request: SessionRequest): Session {
    const { deviceId, resource, user, proof, enforcement, lifetimeMs = DEFAULT_LIFETIME_MS, context } = request;
    if (!(lifetimeMs >= MIN_LIFETIME_MS && lifetimeMs <= MAX_LIFETIME_MS)) {
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

  /** Ends what reached the end of its lifetime, or was not used for too long. */
  expire(isInUse: (session: Session) => boolean = () => false): void {
    for (const session of this.registry.due(this.options.now(), isInUse)) {
      if (this.registry.remove(session.sessionId) !== undefined) this.follow(session, this.finishExpired(session));
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
    if (cause === 'revoked') this.follow(session, this.enforceUntold(session, withObserved(revocation)));
    if (cause === 'expired') this.follow(session, this.tellExpired(session));
    // Where each connection has a session of its own, another one takes nobody's place.
    const successor = this.options.oneEach ? this.registry.find(session, this.options.now()) : undefined;
    if (cause === 'closed') this.tellEndedElsewhere(session, successor);
  }

  /** Resolves when everything told so far is stored, or given up because the announcer was stopped. */
  async settled(): Promise<void> {
    while (this.starting.size + this.ending.size > 0) {
      await Promise.all([...this.starting.values(), ...this.ending.values()]);
    }
  }

  /** Returns whether it is open here from now on, and was not before. */
  private takeIn(session: Session): boolean {
    if (this.ending.has(session.sessionId) || this.registry.get(session.sessionId) !== undefined) return false;
    const now = this.options.now();
    const other = this.options.oneEach ? this.registry.find(session, now) : undefined;
    if (other === undefined || session.expiresAt <= now) return this.registry.add(session, now);
    // Every replica picks the same one: the one that began first.
    if (isBefore(other, session)) {
      this.follow(session, this.announceEnd(session, 'closed', {}));
      return false;
    }
    this.registry.add(session, now);
    this.end(other.sessionId, 'closed');
    this.tellEndedElsewhere(other, session);
    return true;
  }

  private follow(session: Session, ending: Promise<unknown>): void {
    const ended = ending.then(() => void this.ending.delete(session.sessionId));
    this.ending.set(session.sessionId, ended);
  }

  /** Ends access at once; what there is to tell of it waits until all that is revoked in the meantime has ended too. */
  private async enforce(session: Session, revocation: Revocation): Promise<void> {
    const beganAt = this.options.now();
    const { traceparent } = revocation.cause;
    const done = await inTraceOf(traceparent, () => this.endAccess(session, revocation));
    const endedAt = done?.enforcedAt ?? this.options.now();
    const reaction = reactionMs(revocation.observedAt, endedAt);
    const ending = { gateway: this.options.gateway, revocation, beganAt, endedAt, reactionMs: reaction };
    await this.afterwards.run(() =>
      inEnforcementSpan(session, { ...ending, failed: done === undefined }, (own) => {
        this.tellEnforced(session, revocation, done);
        return this.announceEnd(session, 'revoked', { ...revocation.cause, traceparent: own }, done);
      }),
    );
  }

  /** Ends access to what another replica has told to be over. */
  private async enforceUntold(session: Session, revocation: Revocation): Promise<void> {
    const done = await this.endAccess(session, revocation);
    await this.afterwards.run(() => this.tellEnforced(session, revocation, done));
  }

  /** What the gateway did, and when that was done; `undefined` when that failed. Waits for nothing that it does not wait for. */
  private endAccess(session: Session, revocation: Revocation): Enforcing | undefined | Promise<Enforcing | undefined> {
    const enforced = (done: Done) => ({
      enforcement: done ?? session.enforcement,
      enforcedAt: this.options.now(),
    });
    const failed = (error: unknown) => {
      this.options.onTrouble(`session ${session.sessionId} was revoked, but ending it failed`, error);
      return undefined;
    };
    try {
      const done = this.options.onRevoked(session, revocation);
      return typeof done === 'object' ? done.then(enforced, failed) : enforced(done);
    } catch (error) {
      return failed(error);
    }
  }

  private tellEnforced(session: Session, revocation: Revocation, done: Enforcing | undefined): void {
    if (done === undefined) return;
    try {
      const reaction = reactionMs(revocation.observedAt, done.enforcedAt);
      this.options.onEnforced({ session, revocation, ...done, reactionMs: reaction });
    } catch (error) {
      this.options.onTrouble(`the reaction time of session ${session.sessionId} was not taken`, error);
    }
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

  private tellEndedElsewhere(session: Session, successor: Session | undefined): void {
    try {
      this.options.onEndedElsewhere(session, successor);
    } catch (error) {
      this.options.onTrouble(
        `session ${session.sessionId} was ended by another replica, and taking it over failed`,
        error,
      );
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

  private async announceEnd(session: Session, cause: EndCause, causedBy: Cause, done?: Enforcing): Promise<void> {
    const endedAt = new Date(done?.enforcedAt ?? this.options.now()).toISOString();
    // Nobody reads of an end before the start.
    await this.starting.get(session.sessionId);
    const { sessionId, deviceId, resource } = session;
    await this.announcer.announce({
      contract: SessionEnded,
      data: {
        gateway: this.options.gateway,
        deviceId,
        sessionId,
        resource,
        cause,
        endedAt,
        enforcement: done?.enforcement ?? session.enforcement,
        ...(done !== undefined && { enforcedAt: endedAt }),
      },
      id: `${this.idPrefix}ended:${sessionId}`,
      cause: causedBy,
      ...(this.mayOthersCut(session, done) && { delayMs: OTHERS_TELL_FIRST_MS }),
      ttlSeconds: ttlOf(session),
    });
  }

  /** Whether another replica may have cut what had no connection here. */
  private mayOthersCut({ enforcement }: Session, done: Enforcing | undefined): boolean {
    return done?.enforcement === 'next-request' && (enforcement === 'cut' || this.options.hasOthers());
  }

  private get idPrefix(): string {
    return `gateway:${this.replica}:`;
  }
}

interface Enforcing {
  readonly enforcement: Enforcement;
  /** Milliseconds since 1970. */
  readonly enforcedAt: number;
}

function isBefore(one: Session, other: Session): boolean {
  if (one.startedAt !== other.startedAt) return one.startedAt < other.startedAt;
  return one.sessionId < other.sessionId;
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
