import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { AgentObserved, decodeEvent, STREAMS, subjectOf } from '@stance/contracts';
import { applyTopology, newTraceparent } from '@stance/jetstream';
import { startTestNats, waitFor, type TestNats } from '@stance/testing';

let nats: TestNats;
let connection: NatsConnection;
const collector: { server: Server; received: { path: string; body: Buffer }[] } = {
  server: createServer(),
  received: [],
};
beforeAll(async () => {
  nats = await startTestNats();
  connection = await nats.connect();
  await applyTopology(connection);
  collector.server.on('request', (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      collector.received.push({ path: request.url ?? '', body: Buffer.concat(chunks) });
      response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
    });
  });
  collector.server.listen(0, '127.0.0.1');
  await once(collector.server, 'listening');
});
afterAll(async () => {
  collector.server.close();
  collector.server.closeAllConnections();
  await nats.close();
});

const endpoint = () => `http://127.0.0.1:${(collector.server.address() as AddressInfo).port}`;
const fixture = fileURLToPath(new URL('fixtures/publishing-service.mjs', import.meta.url));

/** The fixture from its build, as operators run a service. */
function run(environment: NodeJS.ProcessEnv) {
  const child = spawn(process.execPath, [fixture], {
    env: { PATH: process.env['PATH'], NATS_URL: nats.url, STANCE_HTTP_PORT: '0', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines: Record<string, unknown>[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(JSON.parse(line)));
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const ended = once(child, 'close').then(([code]: unknown[]) => code);
  const said = (message: string) =>
    waitFor(() => lines.find(({ msg }) => msg === message), { what: `the line "${message}" (${errors})` });
  return { child, lines, ended, said, errors: () => errors };
}

async function storedTrace(agentId: string): Promise<string> {
  const manager = await jetstreamManager(connection);
  const subject = subjectOf(AgentObserved, { source: 'spec', agentId });
  const message = await manager.streams.getMessage(STREAMS.AGENTS.name, { last_by_subj: subject });
  return decodeEvent(AgentObserved, message?.data ?? Buffer.from(''), subject).traceparent ?? '';
}

describe('telemetry', () => {
  it('is off unless an endpoint is set: the trace goes on as it came, and there are metrics all the same', async () => {
    const traceparent = newTraceparent();
    const service = run({ TRACEPARENT: traceparent, AGENT: 'off' });
    await service.said('published');
    expect(await storedTrace('off')).toBe(traceparent);
    const { url } = await service.said('listening');
    const metrics = await fetch(`${String(url)}/metrics`);
    expect([metrics.status, metrics.headers.get('content-type')]).toEqual([200, expect.stringMatching(/^text\/plain/)]);
    service.child.kill('SIGTERM');
    expect(await service.ended).toBe(0);
    expect(collector.received).toEqual([]);
  });

  it('sends its spans where OTEL_EXPORTER_OTLP_ENDPOINT says, in the trace that the event is in', async () => {
    const traceparent = newTraceparent();
    const traceId = traceparent.split('-')[1] ?? '';
    const service = run({ TRACEPARENT: traceparent, AGENT: 'on', OTEL_EXPORTER_OTLP_ENDPOINT: endpoint() });
    await service.said('published');
    // At once: what is still to be sent is sent before the process ends.
    service.child.kill('SIGTERM');
    expect(await service.ended).toBe(0);
    const stored = (await storedTrace('on')).split('-');
    expect(stored[1]).toBe(traceId);
    const spans = Buffer.concat(collector.received.filter(({ path }) => path === '/v1/traces').map(({ body }) => body));
    expect(spans.includes(Buffer.from(traceId, 'hex'))).toBe(true);
    // The event names the span that published it, a child of the one that it came with.
    expect(stored[2]).not.toBe(traceparent.split('-')[2]);
    expect(spans.includes(Buffer.from(stored[2] ?? '', 'hex'))).toBe(true);
    expect(spans.includes('publish stance.agent.observed.v1')).toBe(true);
    expect(spans.includes('sentinelone-poller')).toBe(true);
  });

  it('never keeps a process from ending when the endpoint does not answer', async () => {
    const service = run({
      TRACEPARENT: newTraceparent(),
      AGENT: 'away',
      // A port where nothing listens.
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9',
    });
    await service.said('published');
    const killedAt = performance.now();
    service.child.kill('SIGTERM');
    await service.ended;
    expect(performance.now() - killedAt).toBeLessThan(15_000);
  });
});

describe('a process', () => {
  it('with a wrong configuration names every problem and exits with 2', async () => {
    const service = run({ NATS_URL: '', LOG_LEVEL: 'loud', STANCE_HTTP_PORT: '-1' });
    expect(await service.ended).toBe(2);
    expect(service.errors()).toMatch(/^sentinelone-poller: the configuration has 5 problems:\n/);
    for (const name of ['NATS_URL', 'LOG_LEVEL', 'STANCE_HTTP_PORT', 'TRACEPARENT', 'AGENT']) {
      expect(service.errors()).toContain(`\n  - ${name} `);
    }
    expect(service.errors()).not.toContain('    at ');
  });

  it('that fails says why in one line and exits with 1', async () => {
    const taken = new URL(endpoint()).port;
    const service = run({ TRACEPARENT: newTraceparent(), AGENT: 'x', STANCE_HTTP_PORT: taken });
    expect(await service.ended).toBe(1);
    expect(service.errors()).toMatch(/^sentinelone-poller: port \d+ on 127.0.0.1 is in use by another process: .*\n$/);
  });

  it('ends at SIGINT as well, with its last lines written', async () => {
    const service = run({ TRACEPARENT: newTraceparent(), AGENT: 'int' });
    await service.said('active');
    service.child.kill('SIGINT');
    expect([await service.ended, service.errors()]).toEqual([0, '']);
    expect(service.lines.map(({ msg }) => msg)).toEqual(['listening', 'loading', 'published', 'active']);
  });
});
