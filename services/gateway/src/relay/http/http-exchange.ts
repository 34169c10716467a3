import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http';
import type { Cut } from '../live-connections.js';
import { failureOf, metClosing, type Exchange, type Surroundings } from './exchange.js';
import { answerRefusal, hasBody } from './refusal-answer.js';
import type { Upstream } from './upstream.js';

/** A request and its response: a page, a download, an upload, a stream of events. */
export class HttpExchange implements Exchange {
  readonly kind = 'http';
  place: Exchange['place'];
  private upstreamRequest: ClientRequest | undefined;
  private isOver = false;
  private wasRepeated = false;

  constructor(
    readonly request: IncomingMessage,
    readonly response: ServerResponse,
    readonly upstream: Upstream,
    private readonly around: Surroundings,
  ) {
    const { limits } = around;
    response.once('close', () => this.end());
    response.on('timeout', () => this.timeOut());
    if (!hasBody(request)) return;
    request.socket.setTimeout(limits.bodyMs);
    request.once('end', () => request.socket.setTimeout(limits.idleMs));
  }

  /** The request to the upstream is on its way. */
  sent(upstreamRequest: ClientRequest): void {
    this.upstreamRequest = upstreamRequest;
    if (this.isOver) upstreamRequest.destroy();
  }

  /** True where nothing was done upstream, and the same request may be sent again; once. */
  mayRepeat(error: Error): boolean {
    const isSafe = ['GET', 'HEAD', 'OPTIONS'].includes(this.request.method ?? '') && !hasBody(this.request);
    const may = isSafe && !this.wasRepeated && !this.isOver && !this.response.headersSent;
    if (!may || !metClosing(this.upstreamRequest, error)) return false;
    this.wasRepeated = true;
    return true;
  }

  fail(error: Error): void {
    this.upstreamRequest?.destroy();
    if (this.isOver || this.response.writableEnded || isGone(this.request)) return;
    this.around.onFailed(this, error);
    // A response that breaks off must not look like a complete one.
    if (this.response.headersSent) this.request.socket.destroy();
    else answerRefusal(this.request, this.response, failureOf(error));
  }

  cut(why: Cut): void {
    this.around.reset(this.request.socket);
    this.upstreamRequest?.destroy();
    this.end();
    this.around.onCut(this, why);
  }

  /** Nothing came or went for too long. */
  private timeOut(): void {
    const { request, around } = this;
    if (!request.complete && request.socket.timeout === around.limits.bodyMs && this.isUpstreamSlow()) {
      // It is not the client who keeps its body waiting.
      request.socket.setTimeout(around.limits.idleMs);
      return;
    }
    this.upstreamRequest?.destroy();
    const isAnswerable = !this.response.headersSent && this.request.complete;
    if (!isAnswerable) return void this.request.socket.destroy();
    answerRefusal(this.request, this.response, { status: 504, why: 'The application does not answer in time.' });
  }

  private isUpstreamSlow(): boolean {
    return this.upstreamRequest === undefined || this.upstreamRequest.writableNeedDrain;
  }

  private end(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.around.onOver(this);
  }
}

/** Then it is the client that broke off. */
function isGone({ socket, errored }: IncomingMessage): boolean {
  return socket.destroyed || errored !== null;
}
