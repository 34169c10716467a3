import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { traceparent } from '@stance/contracts';
import { reasonOf, type Access, type Admission, type NotAdmitted } from '../access/access.js';
import { decisionHeader } from '../access/decision-header.js';
import { denialAnswer, deniedAnswer, jsonAnswer, WARNING_HEADER, writeAnswer } from '../access/denial-answer.js';
import type { DenialFinder } from '../access/denial-finder.js';
import type { Denials } from '../access/denials.js';
import { headerValue } from '../access/header-value.js';
import { countAnswer } from '../answered.js';
import type { GatewayFile } from '../file/gateway-file.js';
import type { Identity, Prover } from '../identity/identity.js';
import { TrustedProxies } from '../identity/trusted-proxies.js';
import { addressOf, listen } from '../listen.js';
import { inTime } from '../prove-in-time.js';
import { readListenerTls } from '../listener-tls.js';
import { routeOf } from './route.js';

export interface AuthorizeServerOptions {
  readonly file: Pick<GatewayFile, 'listen' | 'trustedProxies' | 'resourceFrom'>;
  readonly prover: Prover;
  readonly access: Pick<Access, 'admit'>;
  readonly denials: Denials;
  /** What {@link denials}, or those of another replica, know under an id. */
  readonly findDenial: DenialFinder['find'];
  readonly onError: (error: unknown) => void;
}

/** A body is never read; one of at most this size is skipped, a larger one ends the connection. */
const MAX_SKIPPED_BODY_BYTES = 64 * 1024;
/** Proxies keep tens of connections each; more than this is nobody's proxy. */
const MAX_CONNECTIONS = 10_000;
const LIMITS = {
  /** Request line and headers together, in bytes; more is answered with 431. */
  maxHeaderSize: 16 * 1024,
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  /** How often Node looks for requests that do not come. */
  connectionsCheckingInterval: 2_000,
  /** Longer than proxies keep idle connections (nginx 60 s), so that it is they who close them. */
  keepAliveTimeout: 75_000,
  /** Proxies ask without a body: the stream that Node has for one takes a seventh of the time of a request. */
  optimizeEmptyRequests: true,
};

/** Answers proxies that ask whether to let a request through (forward-auth). Whatever goes wrong is a denial. */
export class AuthorizeServer {
  readonly name = 'answering proxies';
  private server: Server | undefined;
  private readonly proxies: TrustedProxies;

  constructor(private readonly options: AuthorizeServerOptions) {
    this.proxies = new TrustedProxies(options.file.trustedProxies);
  }

  /** Where it listens; undefined before {@link start} and after {@link close}. */
  get url(): string | undefined {
    return this.server && `${this.options.file.listen.tls ? 'https' : 'http'}://${addressOf(this.server)}`;
  }

  /** Throws ListenFailed or ListenerTlsUnusable. */
  async start(): Promise<void> {
    const { listen: place } = this.options.file;
    const server = this.createServer(place.tls);
    // Node drops headers past its limit without a word, and a second identity with them; their size is bounded instead.
    server.maxHeadersCount = 0;
    server.maxConnections = MAX_CONNECTIONS;
    await listen(server, place);
    server.on('error', this.options.onError);
    this.server = server;
  }

  /** Finishes what is being answered, then closes every connection. */
  async close(): Promise<void> {
    const { server } = this;
    if (server === undefined) return;
    this.server = undefined;
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      // Answers are given at once: a connection still open is idle, or slow on purpose.
      setImmediate(() => server.closeAllConnections());
    });
  }

  private createServer(tls: GatewayFile['listen']['tls']): Server {
    const answer = (request: IncomingMessage, response: ServerResponse) => this.handle(request, response);
    // Nobody is asked for a certificate: it would be the proxy's own.
    return tls === undefined
      ? createServer(LIMITS, answer)
      : createTlsServer({ ...LIMITS, ...readListenerTls(tls, undefined) }, answer);
  }

  private handle(request: IncomingMessage, response: ServerResponse): void {
    try {
      if (hasLargeBody(request)) response.setHeader('connection', 'close');
      this.route(request, response);
    } catch (error) {
      this.fail(request, response, error);
    }
  }

  private route(request: IncomingMessage, response: ServerResponse): void {
    const route = routeOf(request.url ?? '');
    if (route.to === 'authorize') this.authorize(request, response, route.resource);
    else if (route.to === 'denied') void this.showDenial(request, response, route.denialId);
    else writeAnswer(response, jsonAnswer(404, { error: 'there is /authorize and /denied/<id>' }));
  }

  private async showDenial(request: IncomingMessage, response: ServerResponse, denialId: string): Promise<void> {
    try {
      const denial = await this.options.findDenial(denialId);
      writeAnswer(response, deniedAnswer(request.method, denial, request.headers.accept));
    } catch (error) {
      this.fail(request, response, error);
    }
  }

  /** At once, unless a token's issuer has to be asked for its keys. */
  private authorize(request: IncomingMessage, response: ServerResponse, resourceInPath: string | undefined): void {
    const identity = this.options.prover.prove({
      rawHeaders: request.rawHeaders,
      peerAddress: request.socket.remoteAddress,
      isFromListedProxy: this.proxies.has(request.socket),
    });
    if (identity instanceof Promise) void this.tellLater(request, response, identity, resourceInPath);
    else this.tell(request, response, this.admit(request, identity, resourceInPath));
  }

  private async tellLater(
    request: IncomingMessage,
    response: ServerResponse,
    identity: Promise<Identity>,
    resourceInPath: string | undefined,
  ): Promise<void> {
    try {
      const proved = await inTime(identity);
      // Nobody is left to be let in.
      if (response.closed) return;
      this.tell(request, response, this.admit(request, proved, resourceInPath));
    } catch (error) {
      this.fail(request, response, error);
    }
  }

  private admit(request: IncomingMessage, identity: Identity, resourceInPath: string | undefined): Admission {
    const named = identity.outcome === 'proved' ? identity.resource : undefined;
    return this.options.access.admit(identity, this.options.file.resourceFrom === 'path' ? resourceInPath : named, {
      enforcement: 'next-request',
      traceparent: () => traceparent.safeParse(request.headers['traceparent']).data,
    });
  }

  private fail(request: IncomingMessage, response: ServerResponse, error: unknown): void {
    this.options.onError(error);
    if (response.headersSent) return void response.destroy();
    const reasons = [reasonOf('evaluation-error', 'The gateway could not decide.')];
    this.deny(request, response, { outcome: 'denied', asker: {}, reasons });
  }

  private tell(request: IncomingMessage, response: ServerResponse, answer: Admission): void {
    countAnswer(answer);
    if (answer.outcome !== 'admitted') return this.deny(request, response, answer);
    const { asker, verdict } = answer;
    const warning = this.options.denials.recordWarning(answer);
    const headers = ['x-stance-device', headerValue(asker.deviceId)];
    if (asker.user !== undefined) headers.push('x-stance-user', headerValue(asker.user));
    headers.push('x-stance-decision', decisionHeader(verdict));
    if (warning !== undefined) headers.push(WARNING_HEADER, warning.denialId);
    headers.push('content-length', '0');
    response.writeHead(200, headers);
    response.end();
  }

  private deny({ headers }: IncomingMessage, response: ServerResponse, refusal: NotAdmitted): void {
    const denial = this.options.denials.record(refusal.asker, refusal.reasons);
    writeAnswer(response, denialAnswer(denial, refusal.outcome, headers.accept));
  }
}

function hasLargeBody({ headers }: IncomingMessage): boolean {
  if (headers['transfer-encoding'] !== undefined) return true;
  return Number(headers['content-length'] ?? 0) > MAX_SKIPPED_BODY_BYTES;
}
