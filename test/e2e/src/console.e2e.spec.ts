import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { SourceReported, STREAMS, type DataOf } from '@stance/contracts';
import { startSentinelOneTenant, type Fault, type SentinelOneTenant } from '@stance/simulators';
import { temporaryFolder, waitFor, type ServiceProcess, type TemporaryFolder } from '@stance/testing';

import { factsOf, settled } from './facts.js';
import { machines, PIPELINE, Stack } from './stack.js';

/** More than one page of the console's, so that sweeps follow a cursor. */
const AGENTS = 1_050;
/**
 * Percent of them that a sweep may retire. A fault that comes or goes in the middle of a sweep leaves out the second page, or a
 * hundred agents that are asked for by their ids: that has to be too many, or they would be taken for gone.
 */
const RETIREMENT_LIMIT = '1';

type Report = DataOf<typeof SourceReported>;

let folder: TemporaryFolder;
let stack: Stack;
let other: SentinelOneTenant;
let token: string;
let poller: ServiceProcess;

beforeAll(async () => {
  folder = await temporaryFolder();
  token = join(folder.path, 'token');
  const environment = { SENTINELONE_SWEEP_INTERVAL: '1s', SENTINELONE_RETIREMENT_LIMIT: RETIREMENT_LIMIT };
  stack = await Stack.start({ fleet: machines(AGENTS), environment });
  await writeFile(token, stack.tenant.token);
  const services = PIPELINE.filter((name) => name !== 'sentinelone-poller');
  await stack.run(services);
  await stack.publishPolicy();
  await stack.enroll(1);
  // Broken connections are tried again at growing intervals for up to 15 s: a console of their own has them meanwhile.
  other = await startSentinelOneTenant({ fleet: 1, rateLimits: false });
  other.faults.script({ kind: 'truncated-body', times: 1_000 });
  stack.spawn('sentinelone-poller', { SENTINELONE_SOURCE: 'truncated', SENTINELONE_URL: other.url });
  poller = stack.spawn('sentinelone-poller', { SENTINELONE_API_TOKEN: '', SENTINELONE_API_TOKEN_FILE: token });
  await poller.logged('sweep complete', 30_000);
  await settled(stack);
}, 120_000);

afterAll(async () => {
  await stack?.close();
  await other?.close();
  await folder?.remove();
});

/** The source's reports from a sequence on; resolves once one of them is as asked. */
async function report(
  after: number,
  is: (report: Report) => boolean,
  { source = 'sentinelone', timeoutMs = 15_000 } = {},
): Promise<{ report: Report; sequence: number }> {
  const look = async () => {
    const reports = await factsOf(stack, SourceReported, { only: { source }, after });
    const found = reports.find(({ data }) => is(data));
    if (found === undefined)
      throw new Error(`reports: ${reports.map(({ data }) => JSON.stringify([data.state, data.error])).join()}`);
    return { report: found.data, sequence: found.sequence };
  };
  return waitFor(look, { what: 'the report of the source', timeoutMs, intervalMs: 50 });
}

const known = async () => ({
  agents: await stack.lastSequence(STREAMS.AGENTS),
  postures: await stack.lastSequence(STREAMS.POSTURE),
});

describe('a malformed answer of the console marks the source degraded, changes no posture, and is got over', () => {
  test.each<[Fault['kind'], Fault, RegExp]>([
    ['invalid-json', { kind: 'invalid-json' }, /not valid JSON/],
    ['html', { kind: 'html' }, /HTML page/],
    ['missing-pagination', { kind: 'missing-pagination' }, /does not say how to go on/],
    ['repeated-cursor', { kind: 'repeated-cursor' }, /the same cursor came twice/],
    ['empty-page', { kind: 'empty-page' }, /nobody is retired/],
    ['server-error', { kind: 'server-error', status: 503, retryAfterSeconds: 0 }, /failed with 503/],
    ['rate-limited', { kind: 'rate-limited', retryAfterSeconds: 0 }, /429/],
  ])('%s', async (_kind, fault, problem) => {
    const [before, mark] = [await known(), await stack.lastSequence(STREAMS.SOURCES)];
    stack.tenant.faults.script({ ...fault, times: 10_000 });
    const degraded = await report(mark, ({ state }) => state === 'degraded');
    expect(degraded.report.error).toBeDefined();
    expect(`${degraded.report.error?.title} ${degraded.report.error?.detail}`).toMatch(problem);

    stack.tenant.faults.clear();
    await report(degraded.sequence, ({ state, error }) => state === 'ok' && error === undefined);
    await settled(stack);
    expect(await known()).toEqual(before);
  });

  test('truncated-body', async () => {
    const source = 'truncated';
    const degraded = await report(0, ({ state }) => state === 'degraded', { source, timeoutMs: 30_000 });
    expect(degraded.report.error?.title).toMatch(/no answer from the console/);
    other.faults.clear();
    await report(degraded.sequence, ({ state }) => state === 'ok', { source, timeoutMs: 30_000 });
  }, 70_000);
});

test('a refused token pauses the source; a new one in its file counts at once', async () => {
  const mark = await stack.lastSequence(STREAMS.SOURCES);
  await writeFile(token, 'revoked-token');
  const paused = await report(mark, ({ state }) => state === 'paused');
  expect(paused.report).toMatchObject({
    pausedUntil: expect.any(String),
    error: { title: expect.stringMatching(/401/) },
  });

  // Without it, the source would stay paused for a minute.
  await writeFile(token, stack.tenant.token);
  await report(paused.sequence, ({ state }) => state === 'ok', { timeoutMs: 30_000 });
  expect(poller.errors).toBe('');
  expect(JSON.stringify(poller.lines)).not.toMatch(/revoked-token|simulated-token/);

  const agents = await stack.lastSequence(STREAMS.AGENTS);
  stack.infect('d0');
  await waitFor(async () => (await stack.lastSequence(STREAMS.AGENTS)) > agents, { what: 'the change to be observed' });
}, 70_000);
