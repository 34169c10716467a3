import { ServerResponse, type IncomingMessage } from 'node:http';
import { jsonAnswer, writeAnswer } from '../../access/denial-answer.js';
import type { Refusal } from './request-form.js';

/** Says why a request is not carried, to a person or to a program. */
export function answerRefusal(request: IncomingMessage, response: ServerResponse, { status, why }: Refusal): void {
  // What could be taken for two requests is followed by nothing that could be taken for one.
  if (status < 500 && status !== 404) response.setHeader('connection', 'close');
  skipBody(request, response);
  const answer = jsonAnswer(status, { error: why });
  const allow = status === 405 && { allow: 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS' };
  if (!request.headers.accept?.toLowerCase().includes('text/html')) {
    return writeAnswer(response, { ...answer, headers: { ...answer.headers, ...allow } });
  }
  const headers = { ...answer.headers, ...allow, 'content-type': 'text/html; charset=utf-8', ...PAGE_HEADERS };
  writeAnswer(response, { status, headers, body: page(status, why) });
}

/** To be called before anything is answered that does not read the body: whoever sends one slowly holds nothing for it. */
export function skipBody(request: IncomingMessage, response: ServerResponse): void {
  // Whoever waits for `100 Continue` may or may not send the body after this answer.
  const isToCome = request.headers.expect !== undefined || hasBody(request);
  if (!response.headersSent && isToCome) response.setHeader('connection', 'close');
}

export function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

/** To answer a request on the connection that it asked to have for itself (CONNECT, Upgrade); it is closed after that. */
export function responseOn(request: IncomingMessage): ServerResponse {
  const { socket } = request;
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(socket);
  response.once('finish', () => socket.destroySoon());
  return response;
}

const PAGE_HEADERS = { 'content-security-policy': "default-src 'none'; frame-ancestors 'none'" };

/** `why` is one of this gateway's own sentences. */
function page(status: number, why: string): string {
  const title = status >= 500 ? 'Not available' : 'Not carried';
  return (
    `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${title}</title>` +
    '<meta name="viewport" content="width=device-width, initial-scale=1"></head>' +
    `<body><h1>${title}</h1><p>${why}</p></body></html>`
  );
}
