import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { traceparent } from '@stance/contracts';
import { reasonOf, type Access, type Admitted, type NotAdmitted } from '../../access/access.js';
import type { HttpRelay } from '../../file/relays.js';
import type { Identity, Prover } from '../../identity/identity.js';
import type { TrustedProxies } from '../../identity/trusted-proxies.js';
import { addressOf, listen } from '../../listen.js';
import { proveInTime } from '../../prove-in-time.js';
import type { LiveConnections } from '../live-connections.js';
import { readListenerTls } from '../../listener-tls.js';
import { Transports } from '../transports.js';
import { Exchanges, type Entry } from './exchanges.js';
import { RELAY_LIMITS, type RelayLimits } from './limits.js';
import { relayListener } from './listener.js';
import { Peers } from './peers.js';
import { answerRefusal, responseOn, skipBody } from './refusal-answer.js';
import { RelayMetrics } from './relay-metrics.js';
import { readForm, upgradeProblem, type Refusal } from './request-form.js';
import { selectRoute, type Route } from './select-route.js';

export interface HttpRelayServerOptions {
  readonly relay: HttpRelay;
  /** Path of the CAs of the devices (`device.certificate.ca`): with it and TLS, clients are asked for a certificate. */
  readonly deviceCa?: string | undefined;
  /** {@link proofHeaders} of the gateway file: no upstream sees them. */
  readonly proofs: ReadonlySet<string>;
  readonly proxies: Pick<TrustedProxies, 'has'>;
  readonly prover: Prover;
  readonly access: Pick<Access, 'admit'>;
  readonly live: LiveConnections;
  /** Answers whoever is not let in as `/authorize` does. */
  readonly answerDenial: (request: IncomingMessage, response: ServerResponse, admission: NotAdmitted) => void;
  /** Keeps what a verdict warns of, and gives the id that the upstream is told; undefined where it does not warn. */
  readonly warningId?: ((admission: Admitted) => string | undefined) | undefined;
  readonly onError: (error: unknown) => void;
  /** Default: {@link RELAY_LIMITS}. */
  readonly limits?: Partial<RelayLimits>;
}

/** A request, and how it is answered or handed on. */
interface Arrival {
  readonly request: IncomingMessage;
  /** It asks to have its connection for itself. */
  readonly isTakeover: boolean;
  readonly answer: () => ServerResponse;
  /** Hands it on: nothing may come between this and the admission, as a revocation in the meantime would cut nothing. */
  readonly begin: (entry: Entry) => void;
}

/** Carries HTTP/1.1 and WebSockets of admitted devices to the upstreams of its routes, and cuts them. */
export class HttpRelayServer {
  readonly name = 'relaying HTTP';
  private readonly limits: RelayLimits;
  private readonly exchanges: Exchanges;
  private readonly metrics = new RelayMetrics();
  private readonly peers: Peers;
  private server: Server | undefined;
  private transports: Transports | undefined;

  constructor(private readonly options: HttpRelayServerOptions) {
    this.limits = { ...RELAY_LIMITS, ...options.limits };
    this.peers = new Peers(options.proxies);
    this.exchanges = new Exchanges({
      ...options,
      routes: options.relay.routes,
      isTls: options.relay.listen.tls !== undefined,
      peers: this.peers,
      limits: this.limits,
      metrics: this.metrics,
      reset: (socket) => this.transports?.reset(socket),
    });
  }

  /** Where it listens; undefined before {@link start} and after {@link close}. */
  get url(): string | undefined {
    return this.server && `${this.options.relay.listen.tls ? 'https' : 'http'}://${addressOf(this.server)}`;
  }

  /** How many clients are connected, busy or not. */
  get connections(): number {
    return this.transports?.size ?? 0;
  }

  /** Throws ListenFailed or ListenerTlsUnusable. */
  async start(): Promise<void> {
    const { relay, deviceCa, onError } = this.options;
    const tls = relay.listen.tls && readListenerTls(relay.listen.tls, deviceCa);
    const server = relayListener(this.limits, tls, {
      onRequest: (request, response) => this.receive(this.httpArrival(request, response)),
      onTakeover: (request, head) => this.receive(this.takeoverArrival(request, head)),
      onDropped: () => this.metrics.answered('dropped'),
    });
    this.transports = new Transports(server);
    await listen(server, relay.listen, 'relays[].listen');
    server.on('error', onError);
    this.server = server;
  }

  /** Takes nothing more; what is being carried has a while to end by itself, then it is cut. */
  async close(): Promise<void> {
    const { server } = this;
    if (server === undefined) return;
    this.server = undefined;
    const late = setTimeout(() => this.cutRest(), this.limits.drainMs);
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeIdleConnections();
    });
    clearTimeout(late);
    this.exchanges.close();
  }

  private cutRest(): void {
    this.exchanges.cutAll();
    setTimeout(() => this.transports?.resetAll(), this.limits.farewellMs);
  }

  private receive(arrival: Arrival): void {
    try {
      const { request } = arrival;
      if (this.peers.hasLast(request.socket)) return;
      // It asks for a connection on which another answer is still to be given.
      if (arrival.isTakeover && this.peers.isAnswering(request.socket)) return void request.socket.destroy();
      const place = this.placeOf(arrival);
      if ('status' in place) return this.refuse(arrival, place);
      const evidence = this.peers.evidenceOf(request);
      const identity = this.options.prover.prove(evidence);
      if (!(identity instanceof Promise)) return this.judge(arrival, place, identity);
      proveInTime({ prove: () => identity }, evidence, this.limits.proofMs)
        .then((proved) => this.judge(arrival, place, proved))
        .catch((error: unknown) => this.fail(arrival, error));
    } catch (error) {
      this.fail(arrival, error);
    }
  }

  /** Where the request goes, by what the configuration says of its host and path. */
  private placeOf({ request, isTakeover }: Arrival): { route: Route; target: string } | Refusal {
    const form = readForm(request);
    if ('status' in form) return form;
    const problem = isTakeover ? upgradeProblem(request) : undefined;
    if (problem !== undefined) return problem;
    const selection = selectRoute(this.options.relay.routes, { target: request.url ?? '', host: form.host });
    if (selection.outcome === 'refused') return { status: 400, why: selection.why };
    if (selection.outcome === 'nowhere') return { status: 404, why: 'Nothing is configured at this host and path.' };
    return selection;
  }

  private judge(arrival: Arrival, { route, target }: { route: Route; target: string }, identity: Identity): void {
    const { request } = arrival;
    // No session is opened for a client that is not there any more, or whose connection is about to be closed.
    if (request.socket.destroyed || this.peers.hasLast(request.socket)) return;
    const admission = this.options.access.admit(identity, route.resource, {
      enforcement: 'cut',
      traceparent: () => traceparent.safeParse(request.headers['traceparent']).data,
    });
    if (admission.outcome !== 'admitted') return this.deny(arrival, admission);
    this.metrics.judged(admission);
    request.url = target;
    arrival.begin({ request, route, admission });
  }

  private httpArrival(request: IncomingMessage, response: ServerResponse): Arrival {
    this.peers.answering(request.socket, response);
    return {
      request,
      isTakeover: false,
      answer: () => response,
      begin: (entry) => this.exchanges.begin(entry, response),
    };
  }

  private takeoverArrival(request: IncomingMessage, head: Buffer): Arrival {
    let response: ServerResponse | undefined;
    return {
      request,
      isTakeover: true,
      answer: () => (response ??= responseOn(request)),
      begin: (entry) => this.exchanges.beginWebSocket(entry, head),
    };
  }

  private refuse({ request, answer }: Arrival, refusal: Refusal): void {
    this.metrics.answered('refused');
    const response = answer();
    answerRefusal(request, response, refusal);
    this.peers.answered(request.socket, response);
  }

  private deny({ request, answer }: Arrival, admission: NotAdmitted): void {
    this.metrics.judged(admission);
    const response = answer();
    skipBody(request, response);
    this.peers.answered(request.socket, response);
    if (response.headersSent) request.socket.destroy();
    else this.options.answerDenial(request, response, admission);
  }

  /** Whatever goes wrong is a denial. */
  private fail(arrival: Arrival, error: unknown): void {
    this.options.onError(error);
    const reasons = [reasonOf('evaluation-error', 'The gateway could not decide.')];
    try {
      this.deny(arrival, { outcome: 'denied', asker: {}, reasons });
    } catch (second) {
      this.options.onError(second);
      arrival.request.socket.destroy();
    }
  }
}
