import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Afterwards } from '@stance/gateway-sdk';
import type { Admitted } from '../../access/access.js';
import type { LiveConnection, LiveConnections } from '../live-connections.js';
import { Carrier } from './carrier.js';
import type { Exchange, Surroundings } from './exchange.js';
import { HttpExchange } from './http-exchange.js';
import type { RelayLimits } from './limits.js';
import type { Peers } from './peers.js';
import type { RelayMetrics } from './relay-metrics.js';
import type { Route } from './select-route.js';
import { upstreamHeaders } from './upstream-headers.js';
import { Upstreams } from './upstreams.js';
import { WebSocketExchange } from './web-socket-exchange.js';

export interface ExchangesOptions {
  readonly routes: readonly Route[];
  readonly isTls: boolean;
  /** Headers that no upstream sees. */
  readonly proofs: ReadonlySet<string>;
  readonly peers: Peers;
  readonly live: LiveConnections;
  readonly limits: RelayLimits;
  readonly metrics: RelayMetrics;
  /** Ends a client's connection at once; not even what the kernel holds is sent. */
  readonly reset: (socket: Socket) => void;
  /** Keeps what a verdict warns of, and gives the id by which it is shown; undefined where it does not warn. */
  readonly warningId?: ((admission: Admitted) => string | undefined) | undefined;
  readonly onError: (error: unknown) => void;
}

/** Where somebody is let in to, and by what. */
export interface Entry {
  readonly request: IncomingMessage;
  readonly route: Route;
  readonly admission: Admitted;
}

/** What a relay carries. Each exchange is live under its grant from the moment it begins until its last byte. */
export class Exchanges {
  private readonly upstreams: Upstreams;
  private readonly carrier: Carrier;
  private readonly around: Surroundings;

  constructor(private readonly options: ExchangesOptions) {
    this.upstreams = new Upstreams(options.routes);
    this.carrier = new Carrier(options.limits.connectMs, (upstream) => this.upstreams.answered(upstream));
    const { limits, metrics, reset, onError } = options;
    const afterwards = new Afterwards();
    this.around = {
      limits,
      reset,
      later: (work) => void afterwards.run(work).catch(onError),
      onCut: (exchange, why) => metrics.wasCut(exchange, why),
      onFailed: this.failed,
      onOver: this.over,
    };
  }

  begin(entry: Entry, response: ServerResponse): void {
    const { request } = entry;
    // The headers of the client are gone after the next line.
    const isAsking = request.headers.expect !== undefined;
    this.prepare(entry, false);
    const exchange = new HttpExchange(request, response, this.upstreams.of(entry.route), this.around);
    this.register(exchange, entry);
    if (isAsking) response.writeContinue();
    this.carrier.carry(exchange);
  }

  /** `head`: what came behind the request already. */
  beginWebSocket(entry: Entry, head: Buffer): void {
    // It cannot begin on a connection that still owes an answer.
    if (this.options.peers.isAnswering(entry.request.socket)) return void entry.request.socket.destroy();
    this.prepare(entry, true);
    const exchange = new WebSocketExchange(entry.request, this.upstreams.of(entry.route), this.around);
    this.register(exchange, entry);
    this.carrier.carryWebSocket(exchange, head);
  }

  /** Cuts what is not over, as the gateway stops. */
  cutAll(): void {
    const { live } = this.options;
    for (const connection of [...live.all()]) {
      if (!this.isOurs(connection)) continue;
      live.closed(connection);
      connection.cut({ cause: 'closing', reasons: [] });
    }
  }

  /** Closes the connections that are kept for upstreams. */
  close(): void {
    this.upstreams.close();
  }

  private isOurs(connection: LiveConnection): boolean {
    const isExchange = connection instanceof HttpExchange || connection instanceof WebSocketExchange;
    return isExchange && this.upstreams.has(connection.upstream);
  }

  /** Makes the request what the upstream is sent. */
  private prepare({ request, admission }: Entry, isUpgrade: boolean): void {
    const { peers, isTls, proofs, warningId } = this.options;
    const { peerAddress, isFromListedProxy } = peers.evidenceOf(request);
    request.headers = upstreamHeaders(request.headers, {
      admission,
      warningId: warningId?.(admission),
      peerAddress,
      isFromListedProxy,
      isTls,
      isUpgrade,
      proofs,
    });
  }

  private register(exchange: Exchange, { admission }: Entry): void {
    this.options.live.add(admission.grantId, exchange);
    this.options.metrics.began(exchange);
  }

  private readonly over = (exchange: Exchange): void => {
    this.carrier.over(exchange);
    this.options.metrics.ended(exchange);
    this.options.live.closed(exchange);
  };

  private readonly failed = ({ upstream }: Exchange, error: Error): void => {
    this.options.metrics.answered('failed');
    const told = this.upstreams.failed(upstream, error);
    if (told !== undefined) this.options.onError(told);
  };
}
