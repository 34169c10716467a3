import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { createProxyServer } from 'httpxy';
import type { Exchange } from './exchange.js';
import type { HttpExchange } from './http-exchange.js';
import { limitConnecting, type Upstream } from './upstream.js';
import { clientHeaders } from './upstream-headers.js';
import type { WebSocketExchange } from './web-socket-exchange.js';

/**
 * Moves the bytes, by httpxy. Of the two forks of http-proxy that are kept up it is the one without dependencies, and the one
 * that breaks the client's connection when an upstream breaks off: http-proxy-3 leaves that client waiting.
 */
export class Carrier {
  private readonly proxy = createProxyServer();
  private readonly carried = new WeakMap<IncomingMessage, HttpExchange | WebSocketExchange>();
  private readonly opening = new WeakMap<Socket, WebSocketExchange>();

  /** `onAnswered`: an upstream answers. */
  constructor(
    private readonly connectMs: number,
    onAnswered: (upstream: Upstream) => void,
  ) {
    const { proxy } = this;
    proxy.on('proxyReq', (upstreamRequest, request) => this.sent(request, upstreamRequest));
    proxy.on('proxyReqWs', (upstreamRequest, request) => this.sent(request, upstreamRequest));
    proxy.on('proxyRes', (upstreamResponse, request, response) => {
      const exchange = this.carried.get(request);
      if (exchange !== undefined) onAnswered(exchange.upstream);
      const headers = clientHeaders(upstreamResponse.headers);
      headers.connection = response.shouldKeepAlive ? 'keep-alive' : 'close';
      upstreamResponse.headers = headers;
    });
    proxy.on('open', (upstreamSocket) => this.opening.get(upstreamSocket)?.opened(upstreamSocket));
    proxy.on('error', (error, request) => this.failed(request, error));
  }

  carry(exchange: HttpExchange): void {
    this.carried.set(exchange.request, exchange);
    this.send(exchange);
  }

  carryWebSocket(exchange: WebSocketExchange, head: Buffer): void {
    const { request, client, upstream } = exchange;
    this.carried.set(request, exchange);
    const { target, agent } = upstream;
    this.proxy.ws(request, client, { target, agent }, head).catch((error: Error) => exchange.fail(error));
  }

  over(exchange: Exchange): void {
    this.carried.delete(exchange.request);
  }

  private send(exchange: HttpExchange): void {
    const { request, response, upstream } = exchange;
    const { target, agent } = upstream;
    this.proxy.web(request, response, { target, agent }).catch((error: Error) => exchange.fail(error));
  }

  private sent(request: IncomingMessage, upstreamRequest: Parameters<HttpExchange['sent']>[0]): void {
    const exchange = this.carried.get(request);
    if (exchange === undefined) return void upstreamRequest.destroy();
    limitConnecting(upstreamRequest, exchange.upstream, this.connectMs);
    if (exchange.kind === 'websocket') {
      upstreamRequest.once('upgrade', (_response, socket: Socket) => this.opening.set(socket, exchange));
    }
    exchange.sent(upstreamRequest);
  }

  private failed(request: IncomingMessage | undefined, error: Error): void {
    const exchange = request && this.carried.get(request);
    if (exchange === undefined) return;
    if (exchange.kind === 'http' && exchange.mayRepeat(error)) this.send(exchange);
    else exchange.fail(error);
  }
}
