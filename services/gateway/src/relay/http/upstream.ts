import { Agent as HttpAgent, type ClientRequest } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { isIP, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { reset } from '../reset.js';

/** Where requests go to, and the connections that are kept for them. */
export interface Upstream {
  readonly url: string;
  readonly target: { readonly protocol: string; readonly hostname: string; readonly port: string };
  readonly agent: HttpAgent;
}

/** An upstream's connection does not stand in time: look at its host, its port and the way there. */
export class UpstreamTimeout extends Error {
  override readonly name = 'UpstreamTimeout';
}

/** An upstream cannot be reached, or breaks off: start it, or name where it is under relays[].routes[].upstream. */
export class UpstreamFailed extends Error {
  override readonly name = 'UpstreamFailed';
}

/** As many connections as are needed; unused ones go before upstreams close them (Node's do after 5 s). */
const KEPT = { keepAlive: true, maxSockets: Infinity, maxFreeSockets: 256, timeout: 4_000 };

/** `url`: http or https, without a path. */
export function upstreamAt(url: string): Upstream {
  const { protocol, hostname: written, port } = new URL(url);
  const isTls = protocol === 'https:';
  const hostname = written.replace(/^\[(.*)\]$/, '$1');
  // Left to Node, the certificate would be checked against the Host header, which is the client's.
  const servername = isIP(hostname) === 0 ? hostname : '';
  return {
    url,
    target: { protocol, hostname, port: port || (isTls ? '443' : '80') },
    agent: isTls ? new HttpsAgent({ ...KEPT, servername }) : new HttpAgent(KEPT),
  };
}

/** Ends a request with {@link UpstreamTimeout} whose connection, TLS included, does not stand within `ms`. */
export function limitConnecting(request: ClientRequest, { target }: Upstream, ms: number): void {
  if (request.reusedSocket) return;
  const limit = (socket: Socket) => {
    if (request.reusedSocket) return;
    const timer = setTimeout(() => socket.destroy(new UpstreamTimeout(`no connection within ${ms} ms`)), ms);
    const stop = () => clearTimeout(timer);
    socket.once(target.protocol === 'https:' ? 'secureConnect' : 'connect', stop).once('close', stop);
  };
  if (request.socket === null) request.once('socket', limit);
  else limit(request.socket);
}

/** Ends an upstream's connection as one that is broken, not as one that is done. */
export function resetUpstream(socket: Socket): void {
  // What is below TLS cannot be reached from here.
  if (socket instanceof TLSSocket) socket.destroy();
  else reset(socket);
}
