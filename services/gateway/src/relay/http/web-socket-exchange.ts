import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Cut } from '../live-connections.js';
import { failureOf, type Exchange, type Surroundings } from './exchange.js';
import { answerRefusal, responseOn } from './refusal-answer.js';
import { resetUpstream, UpstreamTimeout, type Upstream } from './upstream.js';
import { closeFrame, FrameCursor } from './web-socket-frames.js';

/** RFC 6455, 7.4.1: the gateway goes away; a policy was violated. */
const GOING_AWAY = 1001;
const POLICY_VIOLATION = 1008;
/** What the client is told where no policy says more. */
const WITHOUT_REASON: Readonly<Record<Cut['cause'], string>> = {
  revoked: 'Access has ended.',
  expired: 'The time of this access is over.',
  lapsed: 'Access cannot be confirmed any more.',
  closing: 'The gateway stops.',
};
/** Until the system asks a silent peer whether it is there, in milliseconds. */
const KEEP_ALIVE_MS = 30_000;

/** A WebSocket, from the request that asks for it. */
export class WebSocketExchange implements Exchange {
  readonly kind = 'websocket';
  place: Exchange['place'];
  readonly client: Socket;
  private readonly fromUpstream = new FrameCursor();
  private readonly timer: NodeJS.Timeout;
  private upstreamRequest: ClientRequest | undefined;
  private upstreamSocket: Socket | undefined;
  private isOver = false;

  constructor(
    readonly request: IncomingMessage,
    readonly upstream: Upstream,
    private readonly around: Surroundings,
  ) {
    const { limits } = around;
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
    const { webSocketIdleMs, halfOpenMs } = this.around.limits;
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
    this.around.onFailed(this, error);
    if (this.upstreamSocket === undefined && this.client.writable) {
      answerRefusal(this.request, responseOn(this.request), failureOf(error));
    } else this.client.destroy();
  }

  /** Nothing passes any more from here on; the upstream hears of it once all clients have that are cut at the same time. */
  cut(why: Cut): void {
    const { client, upstreamSocket, around } = this;
    if (upstreamSocket === undefined) {
      around.reset(client);
      this.end();
    } else {
      upstreamSocket.unpipe(client);
      client.unpipe(upstreamSocket);
      if (this.fromUpstream.isBetweenFrames && client.writable) this.sayFarewell(why);
      else around.reset(client);
      this.end(() => around.later(() => resetUpstream(upstreamSocket)));
    }
    around.onCut(this, why);
  }

  private sayFarewell(why: Cut): void {
    const { client } = this;
    const farewell = setTimeout(() => this.around.reset(client), this.around.limits.farewellMs);
    client.once('close', () => clearTimeout(farewell)).once('end', () => client.destroy());
    const code = why.cause === 'closing' ? GOING_AWAY : POLICY_VIOLATION;
    client.end(closeFrame(code, why.reasons[0]?.message ?? WITHOUT_REASON[why.cause]));
    // What it still sends is dropped: a connection closed over unread bytes loses the frame just written.
    client.resume();
  }

  /** Gives the client what the upstream sent last. */
  private endClient(): void {
    if (this.isOver) return;
    this.client.destroySoon();
    destroyLater(this.client, this.around.limits.halfOpenMs);
  }

  private end(endUpstream = () => this.destroyUpstream()): void {
    if (this.isOver) return;
    this.isOver = true;
    clearTimeout(this.timer);
    endUpstream();
    this.around.onOver(this);
  }

  private destroyUpstream(): void {
    this.upstreamRequest?.destroy();
    this.upstreamSocket?.destroy();
  }
}

function destroyLater(socket: Socket, ms: number): void {
  if (socket.destroyed) return;
  const timer = setTimeout(() => socket.destroy(), ms);
  socket.once('close', () => clearTimeout(timer));
}
