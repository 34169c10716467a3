import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Evidence } from '../../identity/identity.js';
import type { TrustedProxies } from '../../identity/trusted-proxies.js';

/** What is known of the connections that requests come on. */
export class Peers {
  private readonly certificates = new WeakMap<Socket, { readonly der: Uint8Array | undefined }>();
  private readonly last = new WeakSet<Socket>();
  private readonly owed = new WeakMap<Socket, number>();

  constructor(private readonly proxies: Pick<TrustedProxies, 'has'>) {}

  evidenceOf({ rawHeaders, socket }: IncomingMessage): Evidence {
    return {
      rawHeaders,
      peerAddress: socket.remoteAddress,
      isFromListedProxy: this.proxies.has(socket),
      connectionCertificate: socket instanceof TLSSocket ? this.certificateOf(socket) : undefined,
    };
  }

  /** A request came whose answer is still to be given. */
  answering(socket: Socket, response: ServerResponse): void {
    this.owed.set(socket, (this.owed.get(socket) ?? 0) + 1);
    response.once('close', () => this.owed.set(socket, (this.owed.get(socket) ?? 1) - 1));
  }

  /** The connection is closed after this answer: requests that came behind it already are not looked at. */
  answered(socket: Socket, response: ServerResponse): void {
    if (!response.shouldKeepAlive || response.getHeader('connection') === 'close') this.last.add(socket);
  }

  hasLast(socket: Socket): boolean {
    return this.last.has(socket);
  }

  isAnswering(socket: Socket): boolean {
    return (this.owed.get(socket) ?? 0) > 0;
  }

  private certificateOf(socket: TLSSocket): Uint8Array | undefined {
    let known = this.certificates.get(socket);
    if (known === undefined) {
      known = { der: socket.getPeerX509Certificate()?.raw };
      this.certificates.set(socket, known);
    }
    return known.der;
  }
}
