import type { IncomingMessage, ServerResponse } from 'node:http';
import { ApiRefusal, forbidden, refusalJson, serverFailure, tooManyRequests, unauthorised } from './api-errors.js';
import type { Fault, Faults } from './faults.js';
import { API_PREFIX, TenantApi } from './tenant-api.js';
import type { ObjectAnswer, RowsAnswer } from './tenant-api.js';
import type { RequestLog } from './request-log.js';

interface Reply {
  readonly status: number;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly contentType?: string;
}

const JSON_TYPE = 'application/json';

/** Speaks the API over HTTP and lets scripted faults strike. */
export class ApiHttp {
  constructor(
    private readonly api: TenantApi,
    private readonly faults: Faults,
    private readonly log: RequestLog,
  ) {}

  handle(request: IncomingMessage, response: ServerResponse, url: URL): void {
    const path = url.pathname.slice(API_PREFIX.length);
    response.once('close', () => {
      this.log.add({
        path,
        query: url.search,
        status: response.headersSent ? response.statusCode : null,
        at: Date.now(),
      });
    });
    const fault = this.faults.take({ path, lists: TenantApi.lists(path), hasCursor: url.searchParams.has('cursor') });
    if (fault?.kind === 'hang') return;
    if (fault?.kind === 'connection-reset') {
      request.socket.destroy();
      return;
    }
    const respond = () => send(response, this.#reply(request, path, url.searchParams, fault), fault);
    if (fault?.kind !== 'slow') {
      respond();
      return;
    }
    const timer = setTimeout(respond, fault.delayMs);
    response.once('close', () => clearTimeout(timer));
  }

  #reply(request: IncomingMessage, path: string, parameters: URLSearchParams, fault: Fault | undefined): Reply {
    try {
      if (fault !== undefined) strike(fault);
      if (fault?.kind === 'html') {
        return {
          status: fault.status ?? 200,
          body: '<!DOCTYPE html><html><head><title>Sign in</title></head><body></body></html>',
          contentType: 'text/html; charset=utf-8',
        };
      }
      if (request.method !== 'GET')
        throw new ApiRefusal(404, {
          code: 4040010,
          title: 'Resource not found',
          detail: `${request.method ?? ''} ${path}`,
        });
      const answer = this.api.answer({ path, parameters, authorization: request.headers.authorization });
      return {
        status: 200,
        body: answer.kind === 'object' ? objectBody(answer) : this.#rowsBody(answer, parameters, fault),
      };
    } catch (error) {
      if (!(error instanceof ApiRefusal)) throw error;
      return { status: error.status, body: refusalJson(error), headers: error.headers };
    }
  }

  #rowsBody(answer: RowsAnswer, parameters: URLSearchParams, fault: Fault | undefined): string {
    const plain = rowsBody(answer.rows, { nextCursor: answer.nextCursor, totalItems: answer.totalItems });
    switch (fault?.kind) {
      case 'missing-pagination':
        return `{"data":[${answer.rows.join(',')}],"errors":null}`;
      case 'empty-page':
        return rowsBody([], { nextCursor: null, totalItems: 0 });
      case 'repeated-cursor':
        return rowsBody(answer.rows, {
          nextCursor: encodeURIComponent(parameters.get('cursor') ?? ''),
          totalItems: answer.totalItems,
        });
      case 'extra-last-page':
        if (answer.nextCursor !== null || answer.endCursor === null) return plain;
        this.faults.spend(fault);
        return rowsBody(answer.rows, { nextCursor: answer.endCursor, totalItems: answer.totalItems });
      default:
        return plain;
    }
  }
}

function rowsBody(
  rows: readonly string[],
  pagination: { readonly nextCursor: string | null; readonly totalItems: number },
): string {
  return `{"data":[${rows.join(',')}],"pagination":${JSON.stringify(pagination)},"errors":null}`;
}

function objectBody({ data }: ObjectAnswer): string {
  return JSON.stringify({ data, errors: null });
}

/** Throws the refusal that a fault stands for, if it is one. */
function strike(fault: Fault): void {
  if (fault.kind === 'rate-limited')
    throw tooManyRequests(fault.retryAfterSeconds === undefined ? 1 : fault.retryAfterSeconds);
  if (fault.kind === 'server-error') throw serverFailure(fault.status ?? 500, fault.retryAfterSeconds ?? null);
  if (fault.kind === 'unauthorized') throw unauthorised();
  if (fault.kind === 'forbidden') throw forbidden(null);
}

function send(response: ServerResponse, reply: Reply, fault: Fault | undefined): void {
  const body = Buffer.from(
    fault?.kind === 'invalid-json' ? reply.body.slice(0, Math.floor(reply.body.length / 2)) : reply.body,
  );
  response.writeHead(reply.status, {
    'content-type': reply.contentType ?? JSON_TYPE,
    'content-length': body.length,
    ...reply.headers,
  });
  if (fault?.kind !== 'truncated-body') {
    response.end(body);
    return;
  }
  response.write(body.subarray(0, Math.floor(body.length / 2)), () => response.destroy());
}
