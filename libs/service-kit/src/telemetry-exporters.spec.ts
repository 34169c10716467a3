import { once } from 'node:events';
import { createServer } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import type { AddressInfo, Server } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { metricExporter, spanExporter } from './telemetry-exporters.js';
import type { OtlpProtocol } from './telemetry-settings.js';

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
  delete process.env['OTEL_EXPORTER_OTLP_ENDPOINT'];
});

async function listening(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A collector that says by which protocol it was sent something: the path and the content type of the request. */
async function collector(
  protocol: OtlpProtocol,
): Promise<{ readonly url: string; readonly received: Promise<string> }> {
  const { promise: received, resolve } = Promise.withResolvers<string>();
  if (protocol === 'grpc') {
    const server = createHttp2Server();
    server.on('stream', (stream, headers) => {
      resolve(`${headers[':path']} ${headers['content-type']}`);
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      // An empty message.
      stream.end(Buffer.from([0, 0, 0, 0, 0]));
    });
    closing.push(() => server.close());
    return { url: await listening(server), received };
  }
  const server = createServer((request, response) => {
    resolve(`${request.url} ${request.headers['content-type']}`);
    request.resume().on('end', () => response.end());
  });
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: await listening(server), received };
}

describe('spans are sent', () => {
  it.each<[OtlpProtocol, string]>([
    ['http/protobuf', '/v1/traces application/x-protobuf'],
    ['http/json', '/v1/traces application/json'],
    ['grpc', '/opentelemetry.proto.collector.trace.v1.TraceService/Export application/grpc'],
  ])('by %s', async (protocol, expected) => {
    const { url, received } = await collector(protocol);
    process.env['OTEL_EXPORTER_OTLP_ENDPOINT'] = url;
    const provider = new TracerProvider({
      spanProcessors: [new SimpleSpanProcessor({ exporter: await spanExporter(protocol) })],
    });
    provider.getTracer('spec').startSpan('a').end();
    await expect(received).resolves.toBe(expected);
    await provider.shutdown();
  });
});

describe('metrics are sent', () => {
  it.each<[OtlpProtocol, string]>([
    ['http/protobuf', '/v1/metrics application/x-protobuf'],
    ['http/json', '/v1/metrics application/json'],
    ['grpc', '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export application/grpc'],
  ])('by %s', async (protocol, expected) => {
    const { MeterProvider, PeriodicExportingMetricReader } = await import('@opentelemetry/sdk-metrics');
    const { url, received } = await collector(protocol);
    process.env['OTEL_EXPORTER_OTLP_ENDPOINT'] = url;
    const reader = new PeriodicExportingMetricReader({ exporter: await metricExporter(protocol) });
    const provider = new MeterProvider({ readers: [reader] });
    provider.getMeter('spec').createCounter('a').add(1);
    await provider.forceFlush();
    await expect(received).resolves.toBe(expected);
    await provider.shutdown();
  });
});
