import type { JsMsg } from '@nats-io/jetstream';
import type { Subscription } from '@nats-io/transport-node';
import {
  BreakGlassUsed,
  decodeEvent,
  DecisionChanged,
  encodeToken,
  EngineReported,
  filterOf,
  SessionEnded,
  SessionRevoked,
  SessionStarted,
  SessionsUsed,
  STREAMS,
  subjectOf,
  UnreadableEvent,
  type Cause,
  type DataOf,
  type EventContract,
  type EventOf,
} from '@stance/contracts';
import { Announcer } from './announcer.js';
import { DecisionCache } from './decision-cache.js';
import { EngineWatch } from './engine-watch.js';
import { causeOf, keysOrNothing, revocationOf } from './events.js';
import { FollowedStream } from './followed-stream.js';
import { observeGateway } from './gateway-metrics.js';
import type { GatewayHealth, GatewayOptions } from './gateway-options.js';
import { LapseWatch } from './lapse-watch.js';
import { Link } from './link.js';
import { OpenSessions } from './open-sessions.js';
import { reactionHistogram } from './reaction.js';
import { RevocationFloors } from './revocation-floors.js';
import { RevokedEarly } from './revoked-early.js';
import {
  MIN_LIFETIME_MS,
  SessionDenied,
  type AccessRequest,
  type EndCause,
  type Revocation,
  type LiveSessions,
  type Session,
  type SessionRequest,
} from './session.js';
import { SetBackWatch, type DecisionStream } from './set-back-watch.js';
import { UsageReports } from './usage-reports.js';
import { rulingOn, verdictOf, type Verdict } from './verdict.js';

/** So that two reports in a row may get lost before a session in use elsewhere counts as idle. */
const REPORTS_PER_IDLE_LIMIT = 4;
const MAX_USAGE_REPORT_MS = 60_000;

/** Connects a gateway; resolves when its decisions, revocations and open sessions are loaded. See {@link Gateway}. */
export async function connectGateway(options: GatewayOptions): Promise<Gateway> {
  const gateway = new Gateway(options);
  await gateway.loaded;
  return gateway;
}

/**
 * A gateway's side of Stance: answers from memory who may reach what, keeps the register of open sessions, and has them
 * ended when access ends.
 *
 * Denies by default. At start that lasts until everything is loaded and the engine has reported once (it does every 5 s).
 * Without a link to NATS it keeps its last decisions, each until its own review time, all until the engine has been
 * silent for `maxSilenceMs`; then it denies, and recovers by itself.
 */
export class Gateway {
  /** Resolves when everything stored has been read. */
  readonly loaded: Promise<void>;
  private readonly name: string;
  private readonly now: () => number;
  private readonly onTrouble: (message: string, error: unknown) => void;
  private readonly link: Link;
  private readonly cache = new DecisionCache();
  private readonly floors = new RevocationFloors();
  private readonly revokedEarly = new RevokedEarly<Revocation>();
  private readonly engine: EngineWatch;
  private readonly setBack = new SetBackWatch();
  private readonly announcer: Announcer;
  private readonly sessions: OpenSessions;
  private readonly streams: { sessions: FollowedStream; decisions?: FollowedStream; revocations?: FollowedStream };
  private readonly expiring: NodeJS.Timeout;
  private readonly reports: Subscription;
  private readonly usage: UsageReports | undefined;
  private closing: Promise<void> | undefined;
  private readonly endObservation: () => void;

  constructor(private readonly options: GatewayOptions) {
    const { maxIdleMs = Infinity, live } = options;
    this.name = options.gateway;
    this.now = options.now ?? Date.now;
    this.onTrouble = options.onTrouble ?? (() => undefined);
    this.link = new Link(options.connection);
    this.engine = new EngineWatch({
      maxSilenceMs: options.maxSilenceMs ?? 300_000,
      maxBehindMs: options.maxBehindMs ?? 5_000,
    });
    this.announcer = new Announcer(this.link, { now: this.now, onTrouble: this.onTrouble });
    const recordReaction = reactionHistogram(this.name);
    this.sessions = new OpenSessions(this.announcer, {
      gateway: this.name,
      now: this.now,
      maxSessions: options.maxSessions ?? 3_000_000,
      oneEach: options.oneSessionEach ?? false,
      hasOthers: () => this.usage?.hasOthers ?? false,
      maxIdleMs,
      onRevoked: options.onRevoked ?? (() => undefined),
      onExpired: options.onExpired ?? (() => undefined),
      onEndedElsewhere: options.onEndedElsewhere ?? (() => undefined),
      onEnforced: (enforced) => {
        recordReaction(enforced);
        options.onEnforced?.(enforced);
      },
      onTrouble: this.onTrouble,
    });
    // Who cannot hear the other replicas does not know what they serve.
    const isInUse = ({ sessionId }: Session) => !this.link.connected || (live?.has(sessionId) ?? false);
    const lapses = live && this.watchLapses(live);
    this.expiring = setInterval(() => {
      this.sessions.expire(isInUse);
      lapses?.look(this.now());
    }, options.expireEveryMs ?? 1_000);
    this.reports = this.listenToEngine();
    if (maxIdleMs !== Infinity) this.usage = this.tellUsage(maxIdleMs, live);
    this.streams = { sessions: this.followSessions() };
    this.loaded = this.load();
    this.endObservation = observeGateway(this.name, () => this.health(), this.now);
  }

  /**
   * Whether a device may reach a resource now. An answer from memory; never throws. While a denial is held back, it is
   * allowed where exactly this device, resource and user have an open session.
   */
  decide(request: AccessRequest): Verdict {
    return this.verdictOn(request, () => this.findSession(request) !== undefined);
  }

  /**
   * Opens a session: it counts at once and is announced in the background, until the server has confirmed it.
   * Throws {@link SessionDenied} unless `decide` allows it and no denial is held back, `SessionInvalid`, or `TooManySessions`.
   */
  startSession(request: SessionRequest): Session {
    const verdict = this.verdictOn(request, () => false);
    if (!verdict.allowed) throw new SessionDenied(verdict.reasons);
    return this.sessions.start(request);
  }

  /** The open session of exactly this device, resource, user and proof, of any replica. */
  findSession(request: AccessRequest): Session | undefined {
    return this.sessions.registry.find(request, this.now());
  }

  /** The same, and it counts as used now. */
  useSession(request: AccessRequest): Session | undefined {
    // Where nothing ends for idleness, nobody asks what was used.
    return this.usage === undefined ? this.findSession(request) : this.sessions.registry.use(request, this.now());
  }

  /** Ends a session that its user or its lifetime ended; announced in the background. False when it is not open. */
  endSession(sessionId: string, cause: Exclude<EndCause, 'revoked'> = 'closed'): boolean {
    return this.sessions.end(sessionId, cause);
  }

  /** Ends a session as closed unless it was used since, here or at another replica; returns whether it did. */
  endUnused(sessionId: string, since: number): boolean {
    const usedAt = this.sessions.registry.usedAt(sessionId);
    return usedAt !== undefined && usedAt <= since && this.sessions.end(sessionId, 'closed');
  }

  /**
   * Takes up a session that another replica closed while its connections are carried here: another one for the rest of its
   * time, judged as of somebody who is in. Undefined where nothing allows it any more. Throws `TooManySessions`.
   */
  reopenSession(session: Session): Session | undefined {
    const lifetimeMs = session.expiresAt - this.now();
    if (lifetimeMs < MIN_LIFETIME_MS || !this.verdictOn(session, () => true).allowed) return undefined;
    return this.findSession(session) ?? this.sessions.start({ ...session, lifetimeMs });
  }

  sessionsOf(by: { deviceId: string } | { user: string } | { resource: string }): readonly Session[] {
    const { registry } = this.sessions;
    if ('deviceId' in by) return registry.ofDevice(by.deviceId);
    return 'user' in by ? registry.ofUser(by.user) : registry.ofResource(by.resource);
  }

  health(): GatewayHealth {
    const state = this.engine.state(this.now());
    const { sessions, decisions, revocations } = this.streams;
    return {
      connected: this.link.connected,
      trustedUntil: state === 'fresh' ? this.engine.trustedUntil : undefined,
      loaded: sessions.loaded && (decisions?.loaded ?? false) && (revocations?.loaded ?? false),
      engineHeardAt: this.engine.heardAt,
      trusted: state === 'fresh',
      behind: state === 'behind',
      decisions: this.cache.size,
      sessions: this.sessions.registry.size,
    };
  }

  /**
   * Records that somebody was let in at this gateway whatever the policy says; resolves to whether it is stored, after
   * outages too: false only when the gateway was closed before. `useId` must be unique for ever.
   */
  recordBreakGlass(use: Omit<DataOf<typeof BreakGlassUsed>, 'gateway'>): Promise<boolean> {
    const id = `gateway:${this.name}:break-glass:${use.useId}`;
    return this.announcer.announce({ contract: BreakGlassUsed, data: { ...use, gateway: this.name }, id, cause: {} });
  }

  /** Resolves when all that was announced so far is stored. */
  async flushed(): Promise<void> {
    await this.sessions.settled();
  }

  /**
   * Stops, and waits up to `deadlineMs` (default 5,000) for what is still to be announced. Open sessions stay open: the
   * next start takes them up again.
   */
  close({ deadlineMs = 5_000 } = {}): Promise<void> {
    return (this.closing ??= this.shutDown(deadlineMs));
  }

  private verdictOn(request: AccessRequest, isInSession: () => boolean): Verdict {
    const { deviceId, resource } = request;
    const now = this.now();
    return verdictOf(
      {
        decision: this.cache.get(deviceId),
        floor: this.floors.get(deviceId, resource),
        engine: this.engine.state(now),
        isInSession,
        now,
      },
      resource,
      request,
    );
  }

  private async shutDown(deadlineMs: number): Promise<void> {
    clearInterval(this.expiring);
    this.endObservation();
    this.usage?.stop();
    if (!this.reports.isClosed()) this.reports.unsubscribe();
    const { sessions, decisions, revocations } = this.streams;
    await Promise.all([sessions.stop(), decisions?.stop(), revocations?.stop()]);
    const deadline = setTimeout(() => this.announcer.stop(), deadlineMs);
    await this.sessions.settled();
    clearTimeout(deadline);
    this.announcer.stop();
  }

  /** Sessions first: decisions and revocations then find what they end, those from before a restart as well. */
  private async load(): Promise<void> {
    await this.streams.sessions.loadedOnce;
    if (this.closing !== undefined) return;
    this.streams.decisions = this.followDecisions();
    await this.streams.decisions.loadedOnce;
    if (this.closing !== undefined) return;
    this.streams.revocations = this.followRevocations();
    await this.streams.revocations.loadedOnce;
  }

  private listenToEngine(): Subscription {
    return this.link.connection.subscribe(subjectOf(EngineReported, { gateway: this.name }), {
      callback: (error, message) => {
        if (error !== null) return this.onTrouble('the engine cannot be listened to', error);
        const report = this.read(EngineReported, message);
        if (report === undefined) return;
        this.engine.heard(report.data.decidedUpTo, this.now(), this.isOfOurStream(report.data.decisionStream));
        if (this.engine.isWaiting) this.streams.decisions?.look();
      },
    });
  }

  /**
   * Whether the engine writes to the stream that the decisions here come from. A copy stays as it was when its original is
   * made anew or set back: what it holds is then no longer what the engine has decided.
   */
  private isOfOurStream(engines: DecisionStream | undefined): boolean {
    const { decisions } = this.streams;
    // An engine of an earlier version does not say, and reading the original needs no word of it.
    if (engines === undefined) return !(decisions?.isCopy ?? false);
    if (this.setBack.heard(engines)) return false;
    return decisions?.originalCreated === undefined || engines.created === decisions.originalCreated;
  }

  private watchLapses(live: LiveSessions): LapseWatch {
    const { lapseMs = 10_000, onLapsed = () => undefined } = this.options;
    return new LapseWatch({
      afterMs: lapseMs,
      live,
      sessionOf: (sessionId) => this.sessions.registry.get(sessionId),
      verdictOn: (session) => this.verdictOn(session, () => true),
      onLapsed,
    });
  }

  private tellUsage(maxIdleMs: number, live: LiveSessions | undefined): UsageReports {
    return new UsageReports(this.link, {
      gateway: this.name,
      replica: this.sessions.replica,
      everyMs: this.options.tellUseEveryMs ?? Math.min(maxIdleMs / REPORTS_PER_IDLE_LIMIT, MAX_USAGE_REPORT_MS),
      now: this.now,
      takeUsed: () => this.sessions.registry.takeUsed(),
      inUse: () => live?.ids() ?? [],
      onUsedElsewhere: (sessionId) => this.sessions.registry.touch(sessionId, this.now()),
      read: (message) => this.read(SessionsUsed, message),
      onTrouble: this.onTrouble,
    });
  }

  private followSessions(): FollowedStream {
    return this.follow({
      stream: STREAMS.SESSIONS.name,
      filter: `stance.session.*.v1.${encodeToken(this.name)}.>`,
      onLoading: () => this.sessions.loading(),
      onMessage: (message) => this.onSession(message),
      onLoaded: () => this.sessions.loaded().forEach((session) => this.examine(session)),
    });
  }

  private followDecisions(): FollowedStream {
    return this.follow({
      stream: STREAMS.DECISIONS.name,
      filter: filterOf(DecisionChanged, { gateway: this.name }),
      onMessage: (message) => this.onDecision(message),
      onReached: (sequence) => this.engine.reached(sequence),
      isAwaited: () => this.engine.isWaiting,
      onReplaced: () => {
        this.cache.clear();
        this.floors.clear();
        this.engine.startOver();
        this.setBack.startOver();
        // What revocations ask of decisions was cleared with them.
        this.streams.revocations?.reload();
      },
    });
  }

  private followRevocations(): FollowedStream {
    return this.follow({
      stream: STREAMS.REVOCATIONS.name,
      filter: filterOf(SessionRevoked, { gateway: this.name }),
      onMessage: (message) => this.onRevocation(message),
    });
  }

  private follow(
    options: Omit<ConstructorParameters<typeof FollowedStream>[1], 'onTrouble' | 'lookEveryMs'>,
  ): FollowedStream {
    const { lookEveryMs } = this.options;
    return new FollowedStream(this.link, {
      ...options,
      onTrouble: this.onTrouble,
      ...(lookEveryMs !== undefined && { lookEveryMs }),
    });
  }

  private onSession(message: JsMsg): void {
    if (message.subject.startsWith(`${SessionStarted.subjectPrefix}.`)) {
      const event = this.read(SessionStarted, message);
      const session = event === undefined ? undefined : this.sessions.started(event);
      if (session !== undefined) this.examine(session);
    } else {
      const event = this.read(SessionEnded, message);
      if (event !== undefined) this.sessions.ended(event);
    }
  }

  private onDecision(message: JsMsg): void {
    this.setBack.held(message.seq, message.time.getTime());
    const event = this.read(DecisionChanged, message);
    if (event === undefined) {
      const deviceId = keysOrNothing(DecisionChanged, message.subject)?.deviceId;
      if (deviceId !== undefined) this.cache.applyUnreadable(deviceId, message.seq);
      return;
    }
    const { deviceId, postureRevision: posture, policyRevision: policy } = event.data;
    // While loading, more of what was stored before may still come.
    if (this.streams.decisions?.loaded) this.engine.reached(message.seq);
    if (!this.cache.apply(event.data, message.seq)) return;
    this.floors.settle(deviceId, { posture, policy });
    for (const session of this.sessions.registry.ofDevice(deviceId)) this.revokeIfDenied(session, causeOf(event));
  }

  private onRevocation(message: JsMsg): void {
    const event = this.read(SessionRevoked, message);
    if (event === undefined) return this.onUnreadableRevocation(message.subject);
    const { deviceId, resource, sessionId, reasons, postureRevision: posture, policyRevision: policy } = event.data;
    const revisions = { posture, policy };
    this.floors.raise(deviceId, resource, revisions, this.cache.get(deviceId));
    const revocation = revocationOf(reasons, revisions, causeOf(event));
    if (!this.sessions.revoke(sessionId, revocation)) this.revokedEarly.add(sessionId, revocation);
  }

  /** Only the engine writes there, and the subject names the session: it ends. */
  private onUnreadableRevocation(subject: string): void {
    const sessionId = keysOrNothing(SessionRevoked, subject)?.sessionId;
    if (sessionId === undefined) return;
    const reason = { code: 'evaluation-error', message: 'The revocation of this session could not be read.' } as const;
    this.sessions.revoke(sessionId, revocationOf([reason], { posture: 0, policy: 0 }, {}));
  }

  /** A session that another replica or an earlier life of this one started: it may have been revoked meanwhile. */
  private examine(session: Session): void {
    const early = this.revokedEarly.take(session.sessionId);
    if (early !== undefined) this.sessions.revoke(session.sessionId, early);
    else if (this.cache.get(session.deviceId) !== undefined) this.revokeIfDenied(session, {});
  }

  private revokeIfDenied({ sessionId, deviceId, resource, ...asker }: Session, cause: Cause): void {
    const decision = this.cache.get(deviceId);
    // An unreadable decision denies what is asked from now on; it is no order to cut.
    if (decision === undefined || !decision.readable) return;
    const { effect, enforced, reasons } = rulingOn(decision, resource, asker);
    if (effect !== 'deny' || !enforced) return;
    const revisions = { posture: decision.posture, policy: decision.policy };
    this.sessions.revoke(sessionId, revocationOf(reasons, revisions, cause));
  }

  private read<Contract extends EventContract>(
    contract: Contract,
    message: { readonly data: Uint8Array; readonly subject: string },
  ): EventOf<Contract> | undefined {
    try {
      return decodeEvent(contract, message.data, message.subject);
    } catch (error) {
      if (!(error instanceof UnreadableEvent)) throw error;
      this.onTrouble(`${message.subject.slice(0, 200)} holds no ${contract.name}`, error);
      return undefined;
    }
  }
}
