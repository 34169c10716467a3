import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { context, SpanStatusCode, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider, type ReadableSpan } from '@opentelemetry/sdk-trace';
import { SentinelOneClient, type RequestOutcome } from '@stance/sentinelone';
import { AnswerTrace } from './answer-trace.js';

const exporter = new InMemorySpanExporter();
const TOKEN = 'secret-token';

beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] }));
});
afterEach(() => exporter.reset());
afterAll(() => {
  trace.disable();
  context.disable();
});

const named = (name: string): ReadableSpan[] => exporter.getFinishedSpans().filter((span) => span.name === name);
const idOf = (span: ReadableSpan | undefined) => span?.spanContext().spanId;

describe('a request to the console', () => {
  let server: Server;
  let answers: { status: number; body: string }[] = [];
  let outcomes: RequestOutcome[] = [];
  const page = JSON.stringify({ data: [], pagination: { nextCursor: null, totalItems: 0 } });

  beforeAll(async () => {
    server = createServer((_, response) => {
      const { status = 500, body = '' } = answers.shift() ?? {};
      response.writeHead(status, { 'content-type': 'application/json' }).end(body);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  beforeEach(() => {
    outcomes = [];
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  const port = () => (server.address() as AddressInfo).port;
  const client = () =>
    new SentinelOneClient({
      baseUrl: `http://127.0.0.1:${port()}`,
      token: () => TOKEN,
      random: () => 0,
      onAttempt: (outcome) => outcomes.push(outcome),
    });

  it('is a span with one below it for each attempt, and both name what became of it', async () => {
    answers = [
      { status: 503, body: '{}' },
      { status: 200, body: page },
    ];
    const { traceparent } = await client().agentsPage({});
    const [request] = named('read agents');
    const [first, second] = named('GET /web/api/v2.1/agents');
    expect([first, second].map((span) => span?.parentSpanContext?.spanId)).toEqual([idOf(request), idOf(request)]);
    expect(first).toMatchObject({
      status: { code: SpanStatusCode.ERROR },
      attributes: { 'http.response.status_code': 503, 'error.type': '503' },
    });
    expect(second).toMatchObject({
      status: { code: SpanStatusCode.UNSET },
      attributes: {
        'http.request.method': 'GET',
        'http.response.status_code': 200,
        'http.request.resend_count': 1,
        'url.full': `http://127.0.0.1:${port()}/web/api/v2.1/agents`,
        'url.template': '/web/api/v2.1/agents',
        'server.address': '127.0.0.1',
        'server.port': port(),
      },
    });
    expect(request?.status.code).toBe(SpanStatusCode.UNSET);
    expect(traceparent).toBe(`00-${request?.spanContext().traceId}-${idOf(request)}-01`);
    expect(outcomes).toEqual(['unavailable', 'ok']);
  });

  it.each<[number, string, RequestOutcome, string]>([
    [401, '{}', 'refused', '401'],
    [403, '{}', 'refused', '403'],
    [200, '<html>', 'malformed', 'MalformedAnswer'],
    [418, '{}', 'failed', '418'],
  ])('that is answered %i %s is failed as a whole', async (status, body, outcome, type) => {
    answers = [{ status, body }];
    await expect(client().agentsPage({})).rejects.toThrow('/web/api/v2.1/agents');
    const failed = { status: { code: SpanStatusCode.ERROR }, attributes: { 'error.type': type } };
    expect(named('read agents')).toMatchObject([failed]);
    expect(named('GET /web/api/v2.1/agents')).toMatchObject([failed]);
    expect(outcomes).toEqual([outcome]);
  });

  it('that is given up by its caller has not failed', async () => {
    answers = [{ status: 200, body: page }];
    const abort = new AbortController();
    abort.abort(new Error('stopped'));
    await expect(client().agentsPage({}, { signal: abort.signal })).rejects.toThrow('stopped');
    expect(exporter.getFinishedSpans().map(({ status }) => status.code)).not.toContain(SpanStatusCode.ERROR);
  });

  it('tells neither the token nor what it asks for', async () => {
    answers = [{ status: 200, body: page }];
    await client().agentsPage({ filters: { updatedAt__gte: '2026-11-21T00:00:00Z' } });
    const text = JSON.stringify(
      exporter.getFinishedSpans().map(({ name, attributes, events }) => [name, attributes, events]),
    );
    expect(text).not.toContain(TOKEN);
    expect(text).not.toContain('updatedAt');
    expect(text).not.toContain('?');
  });
});

describe('what an answer shows', () => {
  const traceId = '0af7651916cd43dd8448eb211c80319c';
  const request = `00-${traceId}-b7ad6b7169203331-01`;
  const agent = (agentId: string) => ({ source: 'sentinelone', agentId });
  const observe = (answer: AnswerTrace, sight: Parameters<AnswerTrace['observe']>[1], id = 'a') =>
    answer.observe(agent(id), sight, (own) => Promise.resolve(own));

  it.each(['changed', 'gone'] as const)('goes on in its trace where an agent is %s', async (sight) => {
    const traceparent = await observe(new AnswerTrace(request), sight);
    expect(traceparent.split('-')[1]).toBe(traceId);
    expect(named('observe agent')).toMatchObject([
      {
        parentSpanContext: { spanId: 'b7ad6b7169203331' },
        attributes: {
          'stance.source': 'sentinelone',
          'stance.agent.id': 'a',
          'stance.sight': sight,
          'stance.trace.priority': 'always',
        },
      },
    ]);
  });

  it.each(['first', 'confirmed'] as const)(
    'is a trace of its own, linked to it, where an agent is seen %s',
    async (sight) => {
      const traceparent = await observe(new AnswerTrace(request), sight);
      expect(traceparent.split('-')[1]).not.toBe(traceId);
      const [span] = named('observe agent');
      expect(span?.parentSpanContext).toBeUndefined();
      expect(span).toMatchObject({
        attributes: { 'stance.trace.priority': 'routine' },
        links: [{ context: { traceId, spanId: 'b7ad6b7169203331' } }],
      });
    },
  );

  it('goes on in its trace for a few changes only: the others link to it', async () => {
    const answer = new AnswerTrace(request);
    for (let index = 0; index < 20; index += 1) await observe(answer, 'changed', String(index));
    const spans = named('observe agent');
    expect(spans.filter((span) => span.spanContext().traceId === traceId)).toHaveLength(16);
    const apart = spans.filter((span) => span.spanContext().traceId !== traceId);
    expect(new Set(apart.map((span) => span.spanContext().traceId)).size).toBe(4);
    expect(apart.map(({ links }) => links[0]?.context.traceId)).toEqual(apart.map(() => traceId));
  });
});
