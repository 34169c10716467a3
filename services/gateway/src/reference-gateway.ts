import type { NatsConnection } from '@nats-io/transport-node';
import { Gateway, type Enforced, type Revocation, type Session } from '@stance/gateway-sdk';
import type { Logger } from '@stance/service-kit';
import { Access, EMERGENCY_GRANT, type Emergency } from './access/access.js';
import { DenialFinder } from './access/denial-finder.js';
import { denialAnswer, writeAnswer } from './access/denial-answer.js';
import { Denials } from './access/denials.js';
import { BreakGlass } from './break-glass/break-glass.js';
import { ExtAuthzServer } from './ext-authz/ext-authz-server.js';
import type { GatewayFile } from './file/gateway-file.js';
import { AuthorizeServer } from './forward-auth/authorize-server.js';
import type { IdentityProver } from './identity/identity-prover.js';
import { TrustedProxies } from './identity/trusted-proxies.js';
import { Lingering } from './lingering.js';
import { HttpRelayServer, type HttpRelayServerOptions } from './relay/http/http-relay-server.js';
import { proofHeaders } from './relay/http/upstream-headers.js';
import { LiveConnections } from './relay/live-connections.js';
import { TcpRelayServer, type TcpRelayServerOptions } from './relay/tcp/tcp-relay-server.js';

export interface ReferenceGatewayOptions {
  readonly file: GatewayFile;
  readonly connection: NatsConnection;
  readonly maxSilenceMs: number;
  readonly prover: IdentityProver;
  readonly logger: Logger;
}

/** Where requests and connections come in. */
interface Door {
  readonly name: string;
  /** Known while it is open. */
  readonly url: string | undefined;
  start(): Promise<void>;
  close(): Promise<void>;
}

/** The gateway as one process runs it: its doors, what it carries, and the SDK that decides. */
export class ReferenceGateway {
  readonly gateway: Gateway;
  readonly denials: Denials;
  private readonly live: LiveConnections;
  private readonly connectionsCut = new WeakMap<Session, number>();
  private readonly lingering: Lingering;
  private readonly toldDenials = new WeakSet<object>();
  private readonly breakGlass: BreakGlass | undefined;
  private readonly authorize: AuthorizeServer;
  private readonly others: readonly Door[];

  constructor(private readonly options: ReferenceGatewayOptions) {
    const { file, connection, maxSilenceMs, logger } = options;
    this.live = new LiveConnections(
      (grantId) => this.lingering.begin(grantId),
      (error) => logger.error({ err: error }, 'a connection could not be cut'),
    );
    this.gateway = new Gateway({
      connection,
      gateway: file.name,
      maxSilenceMs,
      oneSessionEach: true,
      maxIdleMs: file.sessions.idle,
      live: { has: (sessionId) => this.live.has(sessionId), ids: () => this.sessionsCarried() },
      tellUseEveryMs: tellUseEvery(file.sessions),
      onRevoked: (session, revocation) => this.cut(session, revocation),
      onEnforced: (enforced) => this.tellCut(enforced),
      onExpired: ({ sessionId }) => void this.live.cut(sessionId, { cause: 'expired', reasons: [] }),
      onLapsed: (sessionId, reasons) => void this.live.cut(sessionId, { cause: 'lapsed', reasons }),
      onEndedElsewhere: (session, successor) => this.carryOn(session, successor),
      onTrouble: (message, error) => logger.warn({ err: error }, message),
    });
    this.lingering = new Lingering({
      forMs: file.sessions.linger,
      isLive: (grantId) => this.live.has(grantId),
      end: (grantId, since) => this.gateway.endUnused(grantId, since),
    });
    this.denials = new Denials(file.name);
    this.breakGlass = file.breakGlass === undefined ? undefined : this.createBreakGlass(file.breakGlass);
    const access = this.createAccess();
    const finder = new DenialFinder(this.denials, connection);
    this.authorize = new AuthorizeServer({
      ...this.shared(access),
      file,
      findDenial: (denialId) => finder.find(denialId),
    });
    this.others = this.createDoors(access);
  }

  /** Throws ListenFailed or ListenerTlsUnusable. */
  async start(): Promise<void> {
    await this.breakGlass?.start();
    for (const door of [this.authorize, ...this.others]) {
      await door.start();
      this.options.logger.info({ url: door.url, gateway: this.options.file.name }, door.name);
    }
  }

  /** Sessions stay open: the next start takes them up again. */
  async close(): Promise<void> {
    this.lingering.stop();
    await Promise.all([this.authorize, ...this.others].map((door) => door.close()));
    this.breakGlass?.stop();
  }

  /** For `/readyz`. */
  health(): { ready: boolean; details: Record<string, unknown> } {
    const { loaded, trusted, engineHeardAt, trustedUntil, ...rest } = this.gateway.health();
    const breakGlass = this.breakGlass?.health();
    return {
      // Whoever an entry lets in has to reach this replica, all the more when the engine is silent.
      ready: loaded && (trusted || (breakGlass?.active.length ?? 0) > 0),
      details: {
        gateway: this.options.file.name,
        url: this.authorize.url ?? null,
        otherUrls: this.others.flatMap(({ url }) => url ?? []),
        loaded,
        trusted,
        engineHeardAt: timeOf(engineHeardAt),
        trustedUntil: timeOf(trustedUntil),
        ...rest,
        liveConnections: this.live.size,
        ...(breakGlass !== undefined && { breakGlass }),
        ...(this.options.prover.inventoryProblem !== undefined && { inventory: this.options.prover.inventoryProblem }),
      },
    };
  }

  private createAccess(): Access {
    const { file, logger } = this.options;
    return new Access({
      gateway: this.gateway,
      emergency: this.breakGlass ?? NO_EMERGENCY,
      lifetimeMs: file.sessions.lifetime,
      onReportedDenial: ({ deviceId, user, resource }, { reasons }) => {
        logger.warn(
          { deviceId, user, resource, reasons },
          'let in a device that the policy denies: nothing is enforced here',
        );
      },
    });
  }

  private createBreakGlass(file: string): BreakGlass {
    return new BreakGlass({
      file,
      gateway: this.options.file.name,
      record: (use) => this.gateway.recordBreakGlass(use),
      onEnded: (grantId) => void this.live.cut(grantId, { cause: 'expired', reasons: [] }),
      logger: this.options.logger,
    });
  }

  private shared(access: Access) {
    const { prover, logger } = this.options;
    const onError = (error: unknown) =>
      logger.error({ err: error }, error instanceof Error ? error.message : 'answering failed, so that it was denied');
    return { prover, access, denials: this.denials, live: this.live, onError };
  }

  private createDoors(access: Access): Door[] {
    const { file } = this.options;
    const relayed = {
      ...this.shared(access),
      deviceCa: file.device.certificate?.ca,
      proofs: proofHeaders(file),
      proxies: new TrustedProxies(file.trustedProxies),
    };
    return [
      ...(file.grpc === undefined ? [] : [new ExtAuthzServer({ ...this.shared(access), file, grpc: file.grpc })]),
      ...file.relays.map((relay) => {
        const { answerDenial, warningId } = this;
        return new HttpRelayServer({ ...relayed, relay, answerDenial, warningId });
      }),
      ...file.tcp.map((relay) => new TcpRelayServer({ ...relayed, relay, onDenied: this.tellDenial })),
    ];
  }

  private readonly answerDenial: HttpRelayServerOptions['answerDenial'] = ({ headers }, response, admission) => {
    const denial = this.denials.record(admission.asker, admission.reasons);
    writeAnswer(response, denialAnswer(denial, admission.outcome, headers.accept));
  };

  private readonly warningId: HttpRelayServerOptions['warningId'] = (admission) =>
    this.denials.recordWarning(admission)?.denialId;

  private readonly tellDenial: TcpRelayServerOptions['onDenied'] = (denial, peerAddress) => {
    // Who insists is told the same denial, and the log knows it already.
    if (this.toldDenials.has(denial)) return;
    this.toldDenials.add(denial);
    this.options.logger.info({ ...denial, peerAddress }, 'a connection is denied');
  };

  /** What was really done counts: a session may have no connection here, or live behind a proxy that keeps its own. */
  private cut(session: Session, { reasons }: Revocation): 'cut' | 'next-request' {
    const connections = this.live.cut(session.sessionId, { cause: 'revoked', reasons });
    this.connectionsCut.set(session, connections);
    return connections > 0 ? 'cut' : 'next-request';
  }

  private tellCut({ session, revocation, reactionMs }: Enforced): void {
    const { sessionId, deviceId, resource, user } = session;
    const { reasons, cause } = revocation;
    const connections = this.connectionsCut.get(session);
    this.options.logger.info(
      { sessionId, deviceId, resource, user, reasons, connections, reactionMs, txn: cause.txn },
      'session revoked',
    );
  }

  /** Another replica ended a session that is carried here: its connections go on under another one, if that is allowed. */
  private carryOn(session: Session, successor: Session | undefined): void {
    if (!this.live.has(session.sessionId)) return;
    if (successor !== undefined) return this.live.move(session.sessionId, successor.sessionId);
    const reopened = this.reopen(session);
    if (reopened !== undefined) return this.live.move(session.sessionId, reopened.sessionId);
    this.live.cut(session.sessionId, { cause: 'lapsed', reasons: this.gateway.decide(session).reasons });
  }

  private reopen(session: Session): Session | undefined {
    try {
      return this.gateway.reopenSession(session);
    } catch (error) {
      this.options.logger.error({ err: error, sessionId: session.sessionId }, 'a session could not be taken over');
      return undefined;
    }
  }

  private *sessionsCarried(): Iterable<string> {
    for (const grantId of this.live.ids()) if (!grantId.startsWith(EMERGENCY_GRANT)) yield grantId;
  }
}

/** Often enough that a replica whose last connection was closed knows of those that others carry before it ends the session. */
function tellUseEvery({ idle, linger }: GatewayFile['sessions']): number {
  return Math.max(1_000, Math.min(idle / 4, linger / 2, 60_000));
}

const NO_EMERGENCY: Emergency = { admit: () => undefined };

function timeOf(milliseconds: number | undefined): string | null {
  return milliseconds === undefined ? null : new Date(milliseconds).toISOString();
}
