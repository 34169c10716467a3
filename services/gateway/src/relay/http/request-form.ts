import type { IncomingMessage } from 'node:http';

/** Why a request is not even looked at, and what its sender is answered. */
export interface Refusal {
  readonly status: 400 | 404 | 405 | 502 | 504;
  readonly why: string;
}

/** What a request has to have before anything else is asked. */
export interface WellFormed {
  readonly host: string;
}

type Form = Pick<IncomingMessage, 'method' | 'httpVersion' | 'rawHeaders'>;

/** What must never be taken away on the word of a Connection header: the upstream would read another request. */
const FRAMING = new Set(['host', 'content-length', 'transfer-encoding']);
/** Of the names that matter here: no other name needs to be read. */
const LENGTHS = new Set([...FRAMING, 'connection'].map((name) => name.length));

/**
 * Refuses what two servers could take for different requests (RFC 9112, 11.2), beyond what Node's parser refuses already.
 * Pure.
 */
export function readForm({ method, httpVersion, rawHeaders }: Form): WellFormed | Refusal {
  if (httpVersion !== '1.1' && httpVersion !== '1.0') return bad('Only HTTP/1.1 and HTTP/1.0 are spoken here.');
  if (method === 'TRACE' || method === 'CONNECT') return { status: 405, why: `${method} is not carried.` };
  const seen: Record<string, string> = {};
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const written = rawHeaders[at] ?? '';
    if (!LENGTHS.has(written.length)) continue;
    const name = written.toLowerCase();
    const value = rawHeaders[at + 1] ?? '';
    if (FRAMING.has(name)) {
      if (name in seen) return bad(`There is more than one ${name} header.`);
      seen[name] = value;
    } else if (name === 'connection' && namesFraming(value)) {
      return bad('The Connection header names what belongs to the request itself.');
    }
  }
  return framed(seen, httpVersion);
}

function framed(seen: Readonly<Record<string, string>>, httpVersion: string): WellFormed | Refusal {
  const { host, 'content-length': length, 'transfer-encoding': encoding } = seen;
  if (host === undefined) return bad('There is no Host header.');
  if (encoding === undefined) return { host };
  if (length !== undefined) return bad('There are both a Content-Length and a Transfer-Encoding.');
  if (encoding.toLowerCase() !== 'chunked') return bad('The only Transfer-Encoding that is carried is chunked.');
  return httpVersion === '1.1' ? { host } : bad('HTTP/1.0 has no Transfer-Encoding.');
}

/** Why a request to speak something else is not carried; undefined for a WebSocket. Pure. */
export function upgradeProblem({ method, httpVersion, headers }: IncomingMessage): Refusal | undefined {
  if (headers.upgrade?.toLowerCase() !== 'websocket') return bad('The only upgrade that is carried is websocket.');
  if (method !== 'GET' || httpVersion !== '1.1') return bad('A WebSocket begins with GET and HTTP/1.1.');
  const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) !== 0;
  return hasBody ? bad('A WebSocket begins without a body.') : undefined;
}

function namesFraming(connection: string): boolean {
  return connection.split(',').some((token) => FRAMING.has(token.trim().toLowerCase()));
}

function bad(why: string): Refusal {
  return { status: 400, why };
}
