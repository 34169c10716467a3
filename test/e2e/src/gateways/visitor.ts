import { once } from 'node:events';
import { request, type Agent, type RequestOptions } from 'node:https';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { KeyedCertificate } from '@stance/testing';

export interface Asking {
  /** The request target, as it is written. */
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly body?: string;
  /** Of the device. */
  readonly certificate?: KeyedCertificate;
  readonly agent?: Agent;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** Whether the connection took up the TLS session of an earlier one. */
  readonly isResumed: boolean;
}

export interface WebSocketAnswer {
  readonly status: number;
  /** Open where the status is 101. */
  readonly socket: Socket;
}

/** Milliseconds that one answer may take: above the time-outs of the configurations, of which Traefik's 30 s is the longest. */
const ANSWER_MS = 40_000;

/** Somebody who wants something of the application at `wiki.example.com`, over TLS. */
export class Visitor {
  constructor(
    private readonly port: number,
    /** Who issued the certificate of the server, PEM. */
    private readonly ca: string,
  ) {}

  /** Rejects where the connection is refused or closed without an answer. */
  async ask(asking: Asking = {}): Promise<Answer> {
    const asked = request(this.optionsOf(asking));
    asked.end(asking.body);
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    const isResumed = (response.socket as TLSSocket).isSessionReused();
    let body = '';
    for await (const chunk of response) body += String(chunk);
    return { status: response.statusCode ?? 0, headers: response.headers, body, isResumed };
  }

  /** The status of the answer, or `refused` where there is none. */
  async statusOf(asking: Asking): Promise<number | 'refused'> {
    try {
      return (await this.ask(asking)).status;
    } catch (error) {
      // Too slow is not refused. Not by `instanceof`, which fails across the realms of a test runner.
      if (typeof error === 'object' && error !== null && 'name' in error && error.name === 'AbortError') throw error;
      return 'refused';
    }
  }

  async openWebSocket({ headers = {}, ...asking }: Asking): Promise<WebSocketAnswer> {
    const asked = request(
      this.optionsOf({
        ...asking,
        headers: {
          ...headers,
          connection: 'Upgrade',
          upgrade: 'websocket',
          'sec-websocket-version': '13',
          'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
        },
      }),
    );
    asked.end();
    const [response] = (await Promise.race([once(asked, 'upgrade'), once(asked, 'response')])) as [IncomingMessage];
    response.socket.on('error', () => response.socket.destroy());
    // Without a reader, neither side's end would be noticed.
    response.socket.resume();
    return { status: response.statusCode ?? 0, socket: response.socket };
  }

  private optionsOf({ path = '/', method = 'GET', headers = {}, certificate, agent }: Asking): RequestOptions {
    return {
      host: '127.0.0.1',
      port: this.port,
      servername: 'wiki.example.com',
      ca: this.ca,
      path,
      method,
      headers: { host: 'wiki.example.com', ...headers },
      agent: agent ?? false,
      signal: AbortSignal.timeout(ANSWER_MS),
      ...(certificate && { cert: certificate.certificate, key: certificate.key }),
    };
  }
}
