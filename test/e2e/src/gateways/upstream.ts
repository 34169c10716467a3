import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

/** A request as the application saw it. */
export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** The application behind the gateway: notes what reaches it, takes WebSockets and keeps them open. */
export class Upstream {
  readonly seen: SeenRequest[] = [];
  readonly webSockets = new Set<Socket>();
  private readonly server = createServer(
    (request, response) => void this.note(request).then(() => response.end('the wiki')),
  );

  private constructor() {
    this.server.on('upgrade', (request: IncomingMessage, socket: Socket) => this.takeWebSocket(request, socket));
  }

  static async start(): Promise<Upstream> {
    const upstream = new Upstream();
    upstream.server.listen(0, '127.0.0.1');
    await once(upstream.server, 'listening');
    return upstream;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get last(): SeenRequest | undefined {
    return this.seen.at(-1);
  }

  async close(): Promise<void> {
    for (const socket of this.webSockets) socket.destroy();
    this.server.close();
    this.server.closeAllConnections();
    await once(this.server, 'close');
  }

  private async note(request: IncomingMessage): Promise<void> {
    const { method = '', url: path = '', headers } = request;
    let body = '';
    for await (const chunk of request) body += String(chunk);
    this.seen.push({ method, path, headers, body });
  }

  /** RFC 6455, 4.2.2. */
  private takeWebSocket(request: IncomingMessage, socket: Socket): void {
    const { method = '', url: path = '', headers } = request;
    this.seen.push({ method, path, headers, body: '' });
    const key = `${headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
    const accept = createHash('sha1').update(key).digest('base64');
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
    this.webSockets.add(socket);
    socket.on('error', () => socket.destroy());
    // Sockets of an HTTP server stay half open otherwise.
    socket.once('end', () => socket.end());
    socket.once('close', () => this.webSockets.delete(socket));
    socket.resume();
  }
}
