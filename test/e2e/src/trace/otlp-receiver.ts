import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import { z } from 'zod';

/** A value of an attribute, as far as Stance uses them. */
const value = z
  .object({
    stringValue: z.string(),
    intValue: z.union([z.string(), z.number()]),
    doubleValue: z.number(),
    boolValue: z.boolean(),
  })
  .partial()
  .transform(
    ({ stringValue, intValue, doubleValue, boolValue }) => stringValue ?? intValue ?? doubleValue ?? boolValue,
  );

const attributes = z
  .array(z.object({ key: z.string(), value }))
  .default([])
  .transform((list) => Object.fromEntries(list.map(({ key, value: own }) => [key, own])));

const resource = z.object({ attributes });

const span = z.object({
  traceId: z.string(),
  spanId: z.string(),
  parentSpanId: z.string().default(''),
  name: z.string(),
  kind: z.number(),
  attributes,
  links: z.array(z.object({ traceId: z.string(), spanId: z.string() })).default([]),
  status: z.object({ code: z.number().default(0), message: z.string().optional() }).prefault({}),
});

const traces = z.object({
  resourceSpans: z.array(z.object({ resource, scopeSpans: z.array(z.object({ spans: z.array(span) })) })),
});

const points = z.object({ dataPoints: z.array(z.object({ attributes })) });

const metric = z.object({
  name: z.string(),
  description: z.string().default(''),
  unit: z.string().default(''),
  sum: points.extend({ isMonotonic: z.boolean().default(false) }).optional(),
  gauge: points.optional(),
  histogram: points.optional(),
});

const metrics = z.object({
  resourceMetrics: z.array(z.object({ resource, scopeMetrics: z.array(z.object({ metrics: z.array(metric) })) })),
});

/** A span as it was received, and the service that sent it. */
export interface ReceivedSpan extends z.infer<typeof span> {
  readonly service: string;
}

export interface ReceivedMetric extends z.infer<typeof metric> {
  readonly resource: Readonly<Record<string, unknown>>;
}

export const SPAN_FAILED = 2;

/** An OpenTelemetry collector as far as services see one: takes OTLP over HTTP as JSON, and keeps all of it. */
export class OtlpReceiver {
  readonly spans: ReceivedSpan[] = [];
  readonly metrics: ReceivedMetric[] = [];

  private constructor(private readonly server: Server) {}

  static async start(): Promise<OtlpReceiver> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const receiver = new OtlpReceiver(server);
    server.on('request', (request, response) => {
      void receiver.take(request).then((status) => response.writeHead(status).end('{}'));
    });
    return receiver;
  }

  /** What `OTEL_EXPORTER_OTLP_ENDPOINT` is to be. */
  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** The spans of one trace so far. */
  trace(traceId: string): ReceivedSpan[] {
    return this.spans.filter((received) => received.traceId === traceId);
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }

  private async take(request: IncomingMessage): Promise<number> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(Buffer.from(chunk as Uint8Array));
    const body: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'));
    if (request.url === '/v1/traces') {
      for (const { resource: from, scopeSpans } of traces.parse(body).resourceSpans) {
        const service = String(from.attributes['service.name']);
        this.spans.push(...scopeSpans.flatMap((scope) => scope.spans.map((one) => ({ ...one, service }))));
      }
      return 200;
    }
    if (request.url !== '/v1/metrics') return 404;
    for (const { resource: from, scopeMetrics } of metrics.parse(body).resourceMetrics) {
      const all = scopeMetrics.flatMap((scope) => scope.metrics);
      this.metrics.push(...all.map((one) => ({ ...one, resource: from.attributes })));
    }
    return 200;
  }
}
