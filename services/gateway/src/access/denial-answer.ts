import type { ServerResponse } from 'node:http';
import type { Denial } from '@stance/contracts';
import type { NotAdmitted } from './access.js';
import { denialPage } from './denial-page.js';
import { PAGE_STYLE_SOURCE } from './denial-page-style.js';

/** The id of a denial, for proxies that drop the body: `GET /denied/<id>` shows it again. */
const DENIAL_HEADER = 'x-stance-denial';
/** The id of a warning, on answers that let somebody in: `GET /denied/<id>` shows a page about it. */
export const WARNING_HEADER = 'x-stance-warning';

/** An HTTP answer, whoever carries it: a server, a relay, or a proxy that is told it by gRPC. Header names in lower case. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What whoever is not let in gets: a page where `accept` names HTML, JSON otherwise. 401 where nothing proves a device. */
export function denialAnswer(denial: Denial, outcome: NotAdmitted['outcome'], accept: string | undefined): HttpAnswer {
  const { effect, reasons, denialId } = denial;
  const { headers, ...answer } = wantsPage(accept)
    ? pageAnswer(outcome === 'unproved' ? 401 : 403, denial)
    : jsonAnswer(outcome === 'unproved' ? 401 : 403, { effect, reasons, denialId });
  const challenge = outcome === 'unproved' ? { 'www-authenticate': 'Stance' } : undefined;
  return { ...answer, headers: { ...headers, [DENIAL_HEADER]: denialId, ...challenge } };
}

/** The answer to `GET /denied/<id>`. */
export function deniedAnswer(
  method: string | undefined,
  denial: Denial | undefined,
  accept: string | undefined,
): HttpAnswer {
  if (method !== 'GET' && method !== 'HEAD') {
    const { headers, ...answer } = jsonAnswer(405, { error: 'a denial can only be read' });
    return { ...answer, headers: { ...headers, allow: 'GET, HEAD' } };
  }
  if (denial === undefined) return jsonAnswer(404, { error: 'there is no such denial, or it is too old' });
  return wantsPage(accept) ? pageAnswer(200, denial) : jsonAnswer(200, denial);
}

export function jsonAnswer(status: number, body: unknown): HttpAnswer {
  return {
    status,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' },
    body: JSON.stringify(body),
  };
}

/** Sends an answer; headers that the response has already stay. */
export function writeAnswer(response: ServerResponse, { status, headers, body }: HttpAnswer): void {
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

function pageAnswer(status: number, denial: Denial): HttpAnswer {
  return {
    status,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-language': 'en',
      'cache-control': 'no-store',
      'content-security-policy': `default-src 'none'; style-src ${PAGE_STYLE_SOURCE}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
    },
    body: denialPage(denial),
  };
}

/** Browsers name HTML; programs do not, or name anything. */
function wantsPage(accept: string | undefined): boolean {
  const ranges = (accept ?? '').toLowerCase().split(',');
  return ranges.some((range) => {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim());
    return type === 'text/html' && !parameters.some((parameter) => /^q=0(?:\.0*)?$/.test(parameter));
  });
}
