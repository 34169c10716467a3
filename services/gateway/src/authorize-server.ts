import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { metrics } from '@opentelemetry/api';
import { traceparent, type Reason } from '@stance/contracts';
import { authorize, decisionHeader, reasonOf, type Answer, type AuthorizerOptions } from './authorize.js';
import { denialPage } from './denial-page.js';
import { Denials, type DenialLimits } from './denials.js';
import type { GatewayFile } from './gateway-file.js';
import { routeOf } from './route.js';
import { TrustedProxies } from './trusted-proxies.js';

/** Thrown when the gateway cannot listen where its file says: name another port there, or stop what uses it. */
export class ListenFailed extends Error {
  override readonly name = 'ListenFailed';
}

export interface AuthorizeServerOptions {
  readonly file: GatewayFile;
  readonly gateway: AuthorizerOptions['gateway'];
  readonly onError: (error: unknown) => void;
  /** A device is let in that the policy denies, as the gateway only reports; once a session. */
  readonly onReportedDenial?: AuthorizerOptions['onReportedDenial'];
  readonly now?: () => number;
  readonly denials?: DenialLimits;
}

/** Request line and headers together, in bytes; more is answered with 431. */
const MAX_HEADER_BYTES = 16 * 1024;
/** A body is never read; one of at most this size is skipped, a larger one ends the connection. */
const MAX_SKIPPED_BODY_BYTES = 64 * 1024;
/** Longer than proxies keep idle connections (nginx 60 s), so that it is they who close them. */
const KEEP_ALIVE_MS = 75_000;

/** Answers proxies that ask whether to let a request through (forward-auth). Whatever goes wrong is a denial. */
export class AuthorizeServer {
  private readonly server: Server;
  private readonly proxies: TrustedProxies;
  private readonly denials: Denials;
  private readonly authorizer: AuthorizerOptions;
  private readonly answered = metrics.getMeter('@stance/gateway').createCounter('stance.gateway.authorizations', {
    description: 'Answers to proxies by outcome',
    unit: '{request}',
  });

  constructor(private readonly options: AuthorizeServerOptions) {
    const { file, gateway, now, denials, onReportedDenial = () => undefined } = options;
    this.proxies = new TrustedProxies(file.trustedProxies);
    this.denials = new Denials(file.name, now, denials);
    this.authorizer = { ...file, gateway, lifetimeMs: file.sessions.lifetime, onReportedDenial };
    this.server = createServer(
      {
        maxHeaderSize: MAX_HEADER_BYTES,
        headersTimeout: 10_000,
        requestTimeout: 30_000,
        keepAliveTimeout: KEEP_ALIVE_MS,
      },
      (request, response) => this.handle(request, response),
    );
    // Node drops headers past its limit without a word, and a second identity with them; their size is bounded instead.
    this.server.maxHeadersCount = 0;
  }

  /** Where it listens; after {@link start}. */
  get url(): string {
    const { address, port, family } = this.server.address() as AddressInfo;
    return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
  }

  /** Throws {@link ListenFailed}. */
  async start(): Promise<void> {
    const { host, port } = this.options.file.listen;
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', (error: NodeJS.ErrnoException) => {
        const why = error.code === 'EADDRINUSE' ? 'is in use by another process' : `cannot be used (${error.message})`;
        const advice = 'name another one under listen in STANCE_GATEWAY_FILE, or stop what uses it';
        reject(new ListenFailed(`port ${port} on ${host} ${why}: ${advice}`, { cause: error }));
      });
      this.server.listen(port, host, resolve);
    });
    this.server.on('error', this.options.onError);
  }

  /** Finishes what is being answered, then closes every connection. */
  async close(): Promise<void> {
    if (!this.server.listening) return;
    await new Promise<void>((resolve) => {
      this.server.close(() => resolve());
      // Answers are given at once: a connection still open is idle, or slow on purpose.
      setImmediate(() => this.server.closeAllConnections());
    });
  }

  private handle(request: IncomingMessage, response: ServerResponse): void {
    try {
      if (hasLargeBody(request)) response.setHeader('connection', 'close');
      this.route(request, response);
    } catch (error) {
      this.options.onError(error);
      if (response.headersSent) response.destroy();
      else this.deny(request, response, {}, [reasonOf('evaluation-error', 'The gateway could not decide.')]);
    }
  }

  private route(request: IncomingMessage, response: ServerResponse): void {
    const route = routeOf(request.url ?? '');
    if (route.to === 'authorize') this.tell(request, response, this.answerTo(request, route.resource));
    else if (route.to === 'denied') this.showDenial(request, response, route.denialId);
    else sendJson(response, 404, { error: 'there is /authorize and /denied/<id>' });
  }

  private answerTo(request: IncomingMessage, resourceInPath: string | undefined): Answer {
    const { rawHeaders, socket } = request;
    return authorize(
      {
        rawHeaders,
        isFromListedProxy: this.proxies.has(socket),
        resourceInPath,
        traceparent: () => traceparent.safeParse(request.headers['traceparent']).data,
      },
      this.authorizer,
    );
  }

  private tell(request: IncomingMessage, response: ServerResponse, answer: Answer): void {
    this.answered.add(1, { outcome: isReportedDenial(answer) ? 'let-through' : answer.outcome });
    if (answer.outcome === 'denied') return this.deny(request, response, answer.key, answer.reasons);
    if (answer.outcome === 'unproved') {
      response.setHeader('www-authenticate', 'Stance');
      return send(request, response, 401, answer.reasons, undefined);
    }
    const { key, verdict } = answer;
    response.writeHead(200, {
      'x-stance-device': key.deviceId,
      ...(key.user !== undefined && { 'x-stance-user': key.user }),
      'x-stance-decision': decisionHeader(verdict),
      'content-length': '0',
    });
    response.end();
  }

  private deny(
    request: IncomingMessage,
    response: ServerResponse,
    key: Parameters<Denials['record']>[0],
    reasons: readonly Reason[],
  ): void {
    const { denialId } = this.denials.record(key, reasons);
    response.setHeader('x-stance-denial', denialId);
    send(request, response, 403, reasons, denialId);
  }

  private showDenial(request: IncomingMessage, response: ServerResponse, denialId: string): void {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD');
      return sendJson(response, 405, { error: 'a denial can only be read' });
    }
    const denial = this.denials.get(denialId);
    if (denial === undefined) return sendJson(response, 404, { error: 'there is no such denial, or it is too old' });
    if (wantsPage(request)) return sendPage(response, 200, denialPage(denial));
    return sendJson(response, 200, denial);
  }
}

function send(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  reasons: readonly Reason[],
  denialId: string | undefined,
): void {
  if (wantsPage(request)) sendPage(response, status, denialPage({ denialId, reasons }));
  else sendJson(response, status, { effect: 'deny', reasons, ...(denialId !== undefined && { denialId }) });
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(JSON.stringify(body));
}

function sendPage(response: ServerResponse, status: number, page: string): void {
  response.writeHead(status, {
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-store',
    'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    'x-content-type-options': 'nosniff',
  });
  response.end(page);
}

/** Browsers name HTML; programs do not, or name anything. */
function wantsPage(request: IncomingMessage): boolean {
  return request.headers.accept?.toLowerCase().includes('text/html') ?? false;
}

function hasLargeBody({ headers }: IncomingMessage): boolean {
  if (headers['transfer-encoding'] !== undefined) return true;
  return Number(headers['content-length'] ?? 0) > MAX_SKIPPED_BODY_BYTES;
}

/** Let in only because the gateway reports and does not enforce. */
function isReportedDenial(answer: Answer): boolean {
  return answer.outcome === 'allowed' && answer.verdict.effect === 'deny';
}
