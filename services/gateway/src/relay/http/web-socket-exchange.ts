import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Cut } from '../live-connections.js';
import { failureOf, type Exchange, type ExchangeEvents } from './exchange.js';
import type { RelayLimits } from './limits.js';
import { answerRefusal, responseOn } from './refusal-answer.js';
import { resetUpstream, UpstreamTimeout, type Upstream } from './upstream.js';
import { closeFrame, FrameCursor } from './web-socket-frames.js';

/** RFC 6455, 7.4.1: the gateway goes away; a policy was violated. */
const GOING_AWAY = 1001;
const POLICY_VIOLATION = 1008;
/** Until the system asks a silent peer whether it is there, in milliseconds. */
const KEEP_ALIVE_MS = 30_000;

export interface WebSocketExchangeOptions extends ExchangeEvents {
  readonly request: IncomingMessage;
  readonly upstream: Upstream;
  readonly limits: RelayLimits;
  /** Ends the client's connection at once; not even what the kernel holds is sent. */
  readonly reset: (socket: Socket) => void;
}

/** A WebSocket, from the request that asks for it. */
export class WebSocketExchange implements Exchange {
  readonly kind = 'websocket';
  readonly request: IncomingMessage;
  readonly upstream: Upstream;
  readonly client: Socket;
  private readonly fromUpstream = new FrameCursor();
  private readonly timer: NodeJS.Timeout;
  private upstreamRequest: ClientRequest | undefined;
  private upstreamSocket: Socket | undefined;
  private isOver = false;

  constructor(private readonly options: WebSocketExchangeOptions) {
    const { request, upstream, limits } = options;
    this.request = request;
    this.upstream = upstream;
    this.client = request.socket;
    this.client.setTimeout(0);
    this.client.once('close', () => this.end());
    const late = () => this.fail(new UpstreamTimeout(`no answer to an upgrade within ${limits.upgradeMs} ms`));
    this.timer = setTimeout(late, limits.upgradeMs);
  }

  /** The request to the upstream is on its way. */
  sent(upstreamRequest: ClientRequest): void {
    this.upstreamRequest = upstreamRequest;
    upstreamRequest.once('response', () => clearTimeout(this.timer));
    upstreamRequest.once('upgrade', (_response, socket: Socket) => {
      clearTimeout(this.timer);
      this.upstreamSocket = socket;
    });
  }

  /** Both sides are joined; what the upstream sends passes here on its way. */
  opened(upstreamSocket: Socket): void {
    const { client, fromUpstream } = this;
    const { webSocketIdleMs, halfOpenMs } = this.options.limits;
    upstreamSocket.on('data', (chunk: Buffer) => fromUpstream.push(chunk));
    for (const socket of [client, upstreamSocket]) socket.setKeepAlive(true, KEEP_ALIVE_MS);
    client.setTimeout(webSocketIdleMs, () => client.destroy());
    client.once('end', () => destroyLater(client, halfOpenMs));
    upstreamSocket.once('end', () => destroyLater(client, halfOpenMs));
    upstreamSocket.once('close', () => this.endClient());
  }

  fail(error: Error): void {
    this.upstreamRequest?.destroy();
    if (this.isOver || this.client.destroyed) return;
    this.options.onFailed(this, error);
    if (this.upstreamSocket === undefined && this.client.writable) {
      answerRefusal(this.request, responseOn(this.request), failureOf(error));
    } else this.client.destroy();
  }

  cut(why: Cut): void {
    const { client, upstreamSocket } = this;
    this.options.onCut(this, why);
    if (upstreamSocket === undefined) {
      this.options.reset(client);
      return this.end();
    }
    upstreamSocket.unpipe(client);
    client.unpipe(upstreamSocket);
    if (this.fromUpstream.isBetweenFrames && client.writable) this.sayFarewell(why);
    else this.options.reset(client);
    // Nothing passes any more. Where many are cut at once, all clients hear of it before time is spent on the other side.
    this.end(() => void setImmediate(() => setImmediate(resetUpstream, upstreamSocket)));
  }

  private sayFarewell(why: Cut): void {
    const { client } = this;
    const farewell = setTimeout(() => this.options.reset(client), this.options.limits.farewellMs);
    client.once('close', () => clearTimeout(farewell)).once('end', () => client.destroy());
    const code = why.cause === 'closing' ? GOING_AWAY : POLICY_VIOLATION;
    client.end(closeFrame(code, why.reasons[0]?.message ?? ''));
    // What it still sends is dropped: a connection closed over unread bytes loses the frame just written.
    client.resume();
  }

  /** Gives the client what the upstream sent last. */
  private endClient(): void {
    if (this.isOver) return;
    this.client.destroySoon();
    destroyLater(this.client, this.options.limits.halfOpenMs);
  }

  private end(endUpstream = () => this.destroyUpstream()): void {
    if (this.isOver) return;
    this.isOver = true;
    clearTimeout(this.timer);
    endUpstream();
    this.options.onOver(this);
  }

  private destroyUpstream(): void {
    this.upstreamRequest?.destroy();
    this.upstreamSocket?.destroy();
  }
}

function destroyLater(socket: Socket, ms: number): void {
  const timer = setTimeout(() => socket.destroy(), ms);
  socket.once('close', () => clearTimeout(timer));
}
