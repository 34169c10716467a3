import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { DiscardPolicy } from '@nats-io/jetstream';
import { headers } from '@nats-io/transport-node';
import { DeadLettered, SessionEnded, SessionStarted, STREAMS, type EventOf } from '@stance/contracts';
import { temporaryFolder, waitFor, type ServiceProcess, type TemporaryFolder } from '@stance/testing';

import { factsOf, settled } from './facts.js';
import { writeConfiguration } from './files.js';
import { machines, PIPELINE, Stack } from './stack.js';
import { documentedMetrics, metricNamesInCode, shapeOf } from './trace/documented-metrics.js';
import { OtlpReceiver, SPAN_FAILED, type ReceivedSpan } from './trace/otlp-receiver.js';
import { orphansOf, treeOf } from './trace/span-tree.js';

let folder: TemporaryFolder;
let receiver: OtlpReceiver;
let stack: Stack;
let services: readonly ServiceProcess[];
let authorizeUrl: string;

beforeAll(async () => {
  folder = await temporaryFolder();
  receiver = await OtlpReceiver.start();
  stack = await Stack.start({
    fleet: machines(3),
    environment: {
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_BSP_SCHEDULE_DELAY: '50',
      OTEL_METRIC_EXPORT_INTERVAL: '500',
      // Nothing but what is kept whatever is sampled.
      OTEL_TRACES_SAMPLER: 'parentbased_always_off',
      STANCE_TRACES_ROUTINE_RATIO: '0',
    },
  });
  services = await stack.run(['gateway', 'config-sync', ...PIPELINE], await writeConfiguration(folder.path, 3));
  authorizeUrl = `${String((await services[0]?.logged('answering proxies'))?.['url'])}/authorize`;
}, 120_000);

afterAll(async () => {
  await stack?.close();
  await receiver?.close();
  await folder?.remove();
});

/** Opens a session of a device at payroll; resolves when everything has come to rest. */
async function openSession(deviceId: string): Promise<string> {
  const ask = () => fetch(`${authorizeUrl}/payroll`, { headers: { 'X-Stance-Device': deviceId } });
  await waitFor(async () => (await ask()).status === 200, { what: `${deviceId} to be let in`, timeoutMs: 20_000 });
  const started = () => factsOf(stack, SessionStarted, { only: { gateway: 'edge', deviceId } });
  const [session] = await waitFor(async () => ((await started()).length > 0 ? started() : null), {
    what: 'the session to be announced',
  });
  await settled(stack);
  return session?.data.sessionId ?? '';
}

async function endOf(sessionId: string): Promise<EventOf<typeof SessionEnded>> {
  const look = async () => (await factsOf(stack, SessionEnded)).find(({ data }) => data.sessionId === sessionId);
  return waitFor(look, { what: `session ${sessionId} to end`, timeoutMs: 20_000 });
}

/** The spans of the trace that an event is in, once `isComplete`. */
async function traceOf(
  { traceparent = '' }: { readonly traceparent?: string | undefined },
  isComplete: (spans: readonly ReceivedSpan[]) => boolean,
): Promise<readonly ReceivedSpan[]> {
  const traceId = traceparent.split('-')[1] ?? '';
  const look = () => {
    const spans = receiver.trace(traceId);
    if (!isComplete(spans)) throw new Error(`there are ${spans.map(({ name }) => name).join(', ')}`);
    return true;
  };
  await waitFor(look, { what: 'the trace to be complete', timeoutMs: 15_000 });
  return receiver.trace(traceId);
}

const named = (spans: readonly ReceivedSpan[], name: string) => spans.filter((span) => span.name === name);

/** Audit records six facts of a revocation; each service sends its spans when it likes. */
const isWhole = (spans: readonly ReceivedSpan[]) =>
  named(spans, 'publish stance.audit.recorded.v1').length === 6 && orphansOf(spans).length === 0;

const linesOf = (text: string) => text.split('\n').filter((line) => line.trim() !== '');

/** The gateway acts on whichever comes first, the decision or the revocation: its spans are below either. */
const CUT = linesOf(`
gateway: enforce session.revoked
  gateway: publish stance.session.ended.v1
    audit: publish stance.audit.recorded.v1
`);

/** What follows from the posture, the cut left out. */
const DECIDED = linesOf(`
posture-store: publish stance.posture.changed.v1
  audit: publish stance.audit.recorded.v1
  policy-engine: process stance.posture.changed.v1
    policy-engine: publish stance.decision.changed.v1
      audit: publish stance.audit.recorded.v1
    policy-engine: publish stance.session.revoked.v1
      audit: publish stance.audit.recorded.v1
`);

/** What precedes the handling of the register. */
const OBSERVED = linesOf(`
sentinelone-poller: read agents
  sentinelone-poller: GET /web/api/v2.1/agents
  sentinelone-poller: observe agent
    sentinelone-poller: publish stance.agent.observed.v1
      audit: publish stance.audit.recorded.v1
      device-matcher: process stance.agent.observed.v1
        device-matcher: publish stance.agent.matched.v1
          audit: publish stance.audit.recorded.v1
`);

const below = (levels: number, lines: readonly string[]) => lines.map((line) => '  '.repeat(levels) + line);

function apart(tree: readonly string[]): { readonly cut: string[]; readonly rest: string[] } {
  const start = tree.findIndex((line) => line.endsWith('gateway: enforce session.revoked'));
  if (start === -1) return { cut: [], rest: [...tree] };
  const indent = tree[start]?.search(/\S/) ?? 0;
  return {
    cut: tree.slice(start, start + CUT.length).map((line) => line.slice(indent)),
    rest: tree.toSpliced(start, CUT.length),
  };
}

test('one revocation is one trace, from the request to the console to the cut, and nothing is missing', async () => {
  const sessionId = await openSession('d0');
  stack.infect('d0');
  const trace = await traceOf(await endOf(sessionId), isWhole);

  const { cut, rest } = apart(treeOf(trace));
  const matched = ['posture-store: process stance.agent.matched.v1', ...below(1, DECIDED)];
  expect(rest).toEqual([...OBSERVED, ...below(5, matched)]);
  expect(cut).toEqual(CUT);
  expect(trace.filter(({ status }) => status.code === SPAN_FAILED)).toEqual([]);

  const [request] = named(trace, 'GET /web/api/v2.1/agents');
  expect(request?.attributes).toMatchObject({
    'http.request.method': 'GET',
    'http.response.status_code': 200,
    'url.full': `${stack.tenant.url}/web/api/v2.1/agents`,
    'server.address': '127.0.0.1',
  });
  expect(named(trace, 'enforce session.revoked')[0]?.attributes).toMatchObject({
    'stance.gateway': 'edge',
    'stance.device.id': 'd0',
    'stance.session.id': sessionId,
    'stance.resource': 'payroll',
    'stance.reason.code': 'condition-false',
    'stance.reaction_ms': expect.anything(),
  });
  expect(named(trace, 'process stance.posture.changed.v1')[0]?.attributes).toMatchObject({
    'messaging.system': 'nats',
    'messaging.operation.type': 'process',
    'messaging.destination.template': 'stance.posture.changed.v1',
    'messaging.consumer.group.name': 'policy-engine_posture-changed',
    'stance.attempt': expect.anything(),
    'stance.settlement': 'ack',
  });
});

test('each attempt of what is tried again is a span of the same trace, and shows what became of it', async () => {
  const sessionId = await openSession('d1');
  const { name } = STREAMS.POSTURE;
  const { config } = await stack.manager.streams.info(name);
  await stack.manager.streams.update(name, { ...config, max_bytes: 1, discard: DiscardPolicy.New });
  const { lines } = stack.active('posture-store');
  const known = lines.length;
  stack.infect('d1');
  const line = await waitFor(() => lines.slice(known).find(({ msg }) => msg === 'trying again later'), {
    what: 'the posture store to be refused',
  });
  await stack.manager.streams.update(name, config);
  const trace = await traceOf(await endOf(sessionId), isWhole);

  const attempts = named(trace, 'process stance.agent.matched.v1').toSorted(byAttempt);
  expect(line).toMatchObject({ trace_id: attempts[0]?.traceId, span_id: attempts[0]?.spanId });
  const settlements = attempts.map(({ attributes }) => attributes['stance.settlement']);
  expect(settlements.length).toBeGreaterThan(1);
  expect(settlements).toEqual([...attempts.slice(1).map(() => 'retry'), 'ack']);
  expect(attempts.map(({ status }) => status.code === SPAN_FAILED)).toEqual(settlements.map((one) => one === 'retry'));

  const failed = below(
    5,
    attempts
      .slice(1)
      .flatMap(() => [
        'posture-store: process stance.agent.matched.v1',
        '  posture-store: publish stance.posture.changed.v1',
      ]),
  );
  const done = below(5, ['posture-store: process stance.agent.matched.v1', ...below(1, DECIDED)]);
  const { cut, rest } = apart(treeOf(trace));
  expect(rest).toEqual([...OBSERVED, ...failed, ...done]);
  expect(cut).toEqual(CUT);
});

test('what cannot be handled is a failed span, with its dead letter below it', async () => {
  const traceId = 'c0ffee00000000000000000000000001';
  const all = headers();
  all.set('traceparent', `00-${traceId}-00f067aa0ba902b7-00`);
  stack.connection.publish('stance.agent.observed.v1.sentinelone.broken', 'not an event', { headers: all });
  const [letter] = await waitFor(
    async () => {
      const letters = await factsOf(stack, DeadLettered);
      return letters.length > 0 ? letters : null;
    },
    { what: 'the dead letter', timeoutMs: 10_000 },
  );
  const isBuried = (spans: readonly ReceivedSpan[]) => named(spans, 'process stance.agent.observed.v1').length > 0;
  const trace = await traceOf({ traceparent: letter?.traceparent }, isBuried);

  const [handled] = named(trace, 'process stance.agent.observed.v1');
  const [buried] = named(trace, 'publish stance.dead');
  expect(handled).toMatchObject({
    service: 'device-matcher',
    traceId,
    parentSpanId: '00f067aa0ba902b7',
    status: { code: SPAN_FAILED },
    attributes: { 'stance.settlement': 'dead-letter', 'error.type': 'Unprocessable' },
  });
  expect(buried).toMatchObject({ service: 'device-matcher', parentSpanId: handled?.spanId });
});

test('nothing is sent that neither changes, fails nor ends access, where no sampler asks for more', async () => {
  const isReasonless = (spans: readonly ReceivedSpan[]) =>
    !spans.some(
      ({ attributes, status }) => attributes['stance.trace.priority'] === 'always' || status.code === SPAN_FAILED,
    );
  // The span that is the reason may be on its way from another service than the rest.
  await waitFor(
    () => {
      const reasonless = [...Map.groupBy(receiver.spans, ({ traceId }) => traceId).values()].filter(isReasonless);
      if (reasonless.length > 0) throw new Error(`without a reason: ${JSON.stringify(reasonless.map(treeOf))}`);
      return true;
    },
    { what: 'every trace to have a reason' },
  );
  const text = JSON.stringify(receiver.spans);
  expect(text).not.toContain(stack.tenant.token);
  expect(text).not.toContain('updatedAt__gte');
});

/** The metrics that Prometheus reads from every service: names with labels, as `stance_source_agents{source="sentinelone"}`. */
async function series(): Promise<string[]> {
  const pages = await Promise.all(services.map(async ({ url }) => (await fetch(`${url}/metrics`)).text()));
  return pages.flatMap((page) => page.split('\n').filter((line) => line.startsWith('stance_')));
}

test('metrics are the same by Prometheus and by OTLP, and no label tells a device, an agent, a session or a user', async () => {
  const sessions = await factsOf(stack, SessionStarted);
  const ids = new Set([
    ...machines(3).flatMap(({ serialNumber }, index) => [serialNumber, `d${index}`, stack.agentOf(`d${index}`)]),
    ...sessions.flatMap(({ data }) => [data.sessionId, data.user ?? data.sessionId]),
  ]);
  // Before it is asked for: what is first counted in between is not on the page yet.
  const sent = new Set(receiver.metrics.map(({ name }) => name.replaceAll('.', '_')));
  const lines = await series();
  const values = lines.flatMap((line) => [...line.matchAll(/="([^"]*)"/g)].map(([, value = '']) => value));
  expect(values.length).toBeGreaterThan(50);
  expect(
    values.filter((value) => ids.has(value) || sessions.some(({ data }) => value.includes(data.sessionId))),
  ).toEqual([]);

  const told = new Set(lines.map((line) => line.split('{')[0] ?? ''));
  // Prometheus adds what the unit is, and `_total` to what is counted.
  const missing = [...sent].filter((name) => ![...told].some((own) => own.startsWith(name)));
  expect(missing).toEqual([]);
  for (const { resource } of receiver.metrics) {
    expect(resource).toMatchObject({
      'service.version': expect.any(String),
      'service.instance.id': expect.any(String),
    });
  }
});

test('docs/telemetry.md describes every metric as it is sent, and none that no code knows', async () => {
  const documented = await documentedMetrics();
  for (const metric of receiver.metrics) {
    const { kind, labels } = shapeOf(metric);
    const { name, unit, description } = metric;
    const service = String(metric.resource['service.name']);
    const { by = [], labels: known = [], ...row } = documented.get(name) ?? {};
    expect({ name, ...row }).toEqual({ name, kind, unit, description });
    expect({ name, unknown: labels.filter((label) => !known.includes(label)) }).toEqual({ name, unknown: [] });
    expect({ name, by }).toEqual({ name, by: expect.arrayContaining([service]) });
  }
  const names = await metricNamesInCode();
  expect([...documented.keys()].filter((name) => !names.has(name))).toEqual([]);
  expect([...names].filter((name) => !documented.has(name))).toEqual([]);
});

function byAttempt(one: ReceivedSpan, other: ReceivedSpan): number {
  return Number(one.attributes['stance.attempt']) - Number(other.attributes['stance.attempt']);
}
