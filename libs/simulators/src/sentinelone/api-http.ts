import type { IncomingMessage, ServerResponse } from 'node:http';
import { ApiRefusal, forbidden, refusalJson, serverFailure, tooManyRequests, unauthorised } from './api-errors.js';
import type { AnswerFault, Faults } from './faults.js';
import type { PageShifts } from './page-shifts.js';
import { API_PREFIX, TenantApi } from './tenant-api.js';
import type { ObjectAnswer, RowsAnswer } from './tenant-api.js';
import type { RequestLog } from './request-log.js';
import type { TenantClock } from './timestamps.js';

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
    private readonly shifts: PageShifts,
    private readonly clock: TenantClock,
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
    const struck = { path, lists: TenantApi.lists(path), hasCursor: url.searchParams.has('cursor') };
    const shift = this.faults.takeShift(struck);
    if (shift !== undefined) this.shifts.apply(shift, url.searchParams);
    const fault = this.faults.take(struck);
    if (fault?.kind === 'hang') return;
    if (fault?.kind === 'connection-reset') {
      request.socket.destroy();
      return;
    }
    const reply = () => this.#reply(request, path, url.searchParams, fault);
    const respond = (answer: Reply) => {
      response.setHeader('date', new Date(this.#nowMs()).toUTCString());
      send(response, answer, fault);
    };
    if (fault?.kind !== 'slow') {
      respond(reply());
      return;
    }
    const early = fault.asOfRequest ? reply() : undefined;
    const timer = setTimeout(() => respond(early ?? reply()), fault.delayMs);
    response.once('close', () => clearTimeout(timer));
  }

  #reply(request: IncomingMessage, path: string, parameters: URLSearchParams, fault: AnswerFault | undefined): Reply {
    try {
      if (fault !== undefined) strike(fault, this.#nowMs());
      if (fault?.kind === 'html') {
        return {
          status: fault.status ?? 200,
          body: '<!DOCTYPE html><html><head><title>Sign in</title></head><body></body></html>',
          contentType: 'text/html; charset=utf-8',
        };
      }
      if (fault?.kind === 'error-body') return { status: 200, body: refusalJson(serverFailure(500, null)) };
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

  #rowsBody(answer: RowsAnswer, parameters: URLSearchParams, fault: AnswerFault | undefined): string {
    const { nextCursor, endCursor, totalItems } = answer;
    switch (fault?.kind) {
      case 'missing-pagination':
        return `{"data":${dataText(answer)},"errors":null}`;
      case 'missing-cursor':
        return rowsBody(answer, { totalItems });
      case 'plain-cursor':
        return rowsBody(answer, {
          nextCursor: nextCursor === null ? null : decodeURIComponent(nextCursor),
          totalItems,
        });
      case 'total-zero':
        return rowsBody(answer, { nextCursor, totalItems: 0 });
      case 'empty-page':
        if (fault.keepsCursor) return rowsBody({ ...answer, rows: [] }, { nextCursor: endCursor, totalItems });
        return rowsBody({ ...answer, rows: [] }, { nextCursor: null, totalItems: 0 });
      case 'repeated-cursor':
        return rowsBody(answer, { nextCursor: encodeURIComponent(parameters.get('cursor') ?? ''), totalItems });
      case 'extra-last-page':
        if (nextCursor !== null || endCursor === null) return rowsBody(answer, { nextCursor, totalItems });
        this.faults.spend(fault);
        return rowsBody(answer, { nextCursor: endCursor, totalItems });
      default:
        return rowsBody(answer, { nextCursor, totalItems });
    }
  }

  #nowMs(): number {
    return this.clock.now() / 1000;
  }
}

function rowsBody(
  answer: RowsAnswer,
  pagination: { readonly nextCursor?: string | null; readonly totalItems: number },
): string {
  return `{"data":${dataText(answer)},"pagination":${JSON.stringify(pagination)},"errors":null}`;
}

function dataText({ rows, allSites }: RowsAnswer): string {
  const list = `[${rows.join(',')}]`;
  return allSites === undefined ? list : `{"allSites":${JSON.stringify(allSites)},"sites":${list}}`;
}

function objectBody({ data }: ObjectAnswer): string {
  return JSON.stringify({ data, errors: null });
}

/** Throws the refusal that a fault stands for, if it is one. */
function strike(fault: AnswerFault, nowMs: number): void {
  if (fault.kind === 'rate-limited') {
    const { retryAfterSeconds = 1, asDate = false } = fault;
    if (retryAfterSeconds === null) throw tooManyRequests(null);
    throw tooManyRequests(
      asDate ? new Date(nowMs + retryAfterSeconds * 1000).toUTCString() : String(retryAfterSeconds),
    );
  }
  if (fault.kind === 'server-error') throw serverFailure(fault.status ?? 500, fault.retryAfterSeconds ?? null);
  if (fault.kind === 'unauthorized') throw unauthorised();
  if (fault.kind === 'forbidden') throw forbidden(null);
}

function send(response: ServerResponse, reply: Reply, fault: AnswerFault | undefined): void {
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
