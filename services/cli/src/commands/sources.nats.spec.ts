import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { NatsConnection } from '@nats-io/transport-node';
import { AgentMatched, OperatorActed, SourceReported } from '@stance/contracts';
import { startTestNats, waitFor, type TestNats } from '@stance/testing';
import { stance, startStance, type RunOptions } from '../fixtures/captured-io.js';
import { agent, FactWriter, OBSERVED_AT, source } from '../fixtures/facts.js';
import { freshTopology } from '../fixtures/fresh-topology.js';
import { readLog } from '../read-table.js';

let nats: TestNats;
let connection: NatsConnection;
let facts: FactWriter;

const refusedSweep = {
  startedAt: OBSERVED_AT,
  absent: 4_000,
  present: 10_000,
  limit: 1_000,
  examples: ['101', '102'],
  digest: 'a'.repeat(64),
};
const HOUR_MS = 3_600_000;

beforeAll(async () => {
  nats = await startTestNats();
  connection = await nats.connect();
});
beforeEach(async () => {
  await freshTopology(connection);
  facts = new FactWriter(connection);
});
afterAll(async () => {
  await nats.close();
});

const run = (argv: string[], options: RunOptions = {}) =>
  stance(['sources', ...argv], { env: { NATS_URL: nats.url, NO_COLOR: '1' }, ...options });
const approvals = async () => (await readLog(connection, OperatorActed)).events.map(({ data }) => data);

describe('sources', () => {
  test('shows the sweep under way: how many, how fast, how long', async () => {
    const progress = { startedAt: OBSERVED_AT, read: 12_000, total: 100_000, perSecond: 480.4, secondsLeft: 183.3 };
    await facts.write(SourceReported, source({ state: 'starting', progress, siteIds: ['1', '2'], accountIds: ['3'] }));
    const { stdout } = await run([]);
    expect(stdout).toMatch(/office-console +sentinelone +starting +1 account, 2 sites/);
    expect(stdout).toMatch(/12,000 of 100,000 agents read \(12 %\), 480\/s, 3 min left, begun \d+ d ago\n/);
  });

  test('shows progress whose end is not known', async () => {
    await facts.write(SourceReported, source({ progress: { startedAt: OBSERVED_AT, read: 7, perSecond: 0 } }));
    expect((await run([])).stdout).toMatch(/sweep under way, 7 agents read, 0\/s, begun/);
  });

  test('shows a refused sweep and what to do about it, also on the status screen', async () => {
    await facts.write(SourceReported, source({ state: 'degraded', refusedSweep }));
    const { stdout } = await run([]);
    expect(stdout).toMatch(/4,000 of 10,000 agents were absent, and one sweep may retire 1,000\n/);
    expect(stdout).toContain('stance sources approve office-console --reason <why>');
    const status = await stance(['status'], { env: { NATS_URL: nats.url } });
    expect(status.stdout).toContain('a sweep waits for a person');
  });

  test('shows what an error asks for, and fits a narrow terminal', async () => {
    const error = { code: '4010010', title: 'the token is refused', detail: 'make a new one in the console' };
    await facts.write(SourceReported, source({ state: 'paused', error, refusedSweep }));
    const { stdout } = await run([], { columns: 60 });
    expect(stdout.replaceAll('\n', ' ')).toContain('(4010010): make a new one in the console');
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(60);
  });

  test('for scripts is the data of the events', async () => {
    await facts.write(SourceReported, source({ refusedSweep }));
    expect(JSON.parse((await run(['--json'])).stdout)).toEqual([source({ refusedSweep })]);
  });
});

describe('sources approve', () => {
  const words = ['approve', 'office-console', '--reason', 'old site closed', '--by', 'ana'];
  const approval = {
    kind: 'sweep-approved',
    targetId: 'office-console',
    by: 'ana',
    reason: 'old site closed',
    until: expect.stringMatching(/^20\d\d-.*Z$/),
    details: { startedAt: OBSERVED_AT, digest: refusedSweep.digest },
  };
  const stored = { ...approval, kind: 'sweep-approved', until: new Date(Date.now() + HOUR_MS).toISOString() } as const;

  test('shows who would be retired, asks, and records who approved it and why', async () => {
    await facts.write(SourceReported, source({ refusedSweep }));
    await facts.write(AgentMatched, agent({ hostname: 'LT-1' }));
    const { exitCode, stdout, stderr } = await run(words, { typed: 'y\n' });
    expect(exitCode).toBe(0);
    expect(stdout).toContain('4,000 of 10,000 agents were absent');
    expect(stdout).toMatch(/\n101 +LT-1 +laptop-1 +-\n102 +- +- +-\nand 3,998 more\n/);
    expect(stderr).toContain('Let the next sweep of office-console retire these 4,000 agents? [y/N]');
    expect(stdout).toContain('approved for an hour: the next sweep of office-console may retire these 4,000 agents');
    expect(await approvals()).toEqual([approval]);
  });

  test('an approval holds for an hour', async () => {
    await facts.write(SourceReported, source({ refusedSweep }));
    const before = Date.now();
    await run([...words, '--yes']);
    const until = Date.parse((await approvals())[0]?.until ?? '');
    expect(until).toBeGreaterThanOrEqual(before + HOUR_MS);
    expect(until).toBeLessThanOrEqual(Date.now() + HOUR_MS);
  });

  test.each(['n\n', '\n', ''])('anything but yes (%j) approves nothing', async (typed) => {
    await facts.write(SourceReported, source({ refusedSweep }));
    const { exitCode, stderr } = await run(words, { typed });
    expect(exitCode).toBe(1);
    expect(stderr).toContain('not approved: nothing was done');
    expect(await approvals()).toEqual([]);
  });

  test('without a terminal it wants --yes', async () => {
    await facts.write(SourceReported, source({ refusedSweep }));
    expect(await run(words)).toMatchObject({ exitCode: 2, stdout: '', stderr: expect.stringContaining('say --yes') });
    expect(await approvals()).toEqual([]);
    const { exitCode, stdout } = await run([...words, '--yes', '--json']);
    expect({ exitCode, data: JSON.parse(stdout) as unknown }).toEqual({ exitCode: 0, data: approval });
    expect(await approvals()).toEqual([approval]);
  });

  test('a sweep is approved once', async () => {
    await facts.write(SourceReported, source({ refusedSweep }));
    await run([...words, '--yes']);
    expect(await run([...words, '--yes'])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(/^ana approved this sweep of office-console already/),
    });
    expect(await approvals()).toHaveLength(1);
    expect((await run([])).stdout).toMatch(
      /\n {2}ana approved it .* \(old site closed\): the next sweep acts on it, if it finds the same agents absent\.\n/,
    );
  });

  test.each([
    ['is over', { ...stored, until: '2026-01-05T11:00:00.000Z' }],
    ['is of another sweep', { ...stored, details: { ...stored.details, startedAt: '2026-01-05T09:00:00.000Z' } }],
    ['is of other agents', { ...stored, details: { ...stored.details, digest: 'b'.repeat(64) } }],
  ])('an approval that %s counts for nothing, and the sweep can be approved anew', async (_, before) => {
    await facts.write(SourceReported, source({ refusedSweep }));
    await facts.write(OperatorActed, before);
    expect((await run([])).stdout).toContain('stance sources approve office-console --reason <why>');
    expect(await run([...words, '--yes'])).toMatchObject({ exitCode: 0 });
    expect(await approvals()).toEqual([before, approval]);
    expect((await run([])).stdout).toMatch(/ana approved it (just now|\d+ s ago)/);
  });

  test('a refused sweep that does not say which agents were absent cannot be approved', async () => {
    const { digest: _, ...without } = refusedSweep;
    await facts.write(SourceReported, source({ refusedSweep: without }));
    expect(await run([...words, '--yes'])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(/^office-console does not say which agents .*: update sentinelone-poller/),
    });
    expect(await approvals()).toEqual([]);
  });

  test.each([
    ['other agents, as many', { ...refusedSweep, digest: 'b'.repeat(64) }],
    ['another sweep', { ...refusedSweep, startedAt: '2026-01-05T10:15:00.000Z' }],
  ])('what is approved is what was shown, not %s', async (_, meanwhile) => {
    await facts.write(SourceReported, source({ refusedSweep }));
    const asking = startStance(['sources', ...words], { env: { NATS_URL: nats.url }, typed: null });
    await waitFor(() => asking.stderr().includes('[y/N]'), { what: 'it asks' });
    await facts.write(SourceReported, source({ refusedSweep: meanwhile }));
    asking.type('yes\n');
    expect(await asking.outcome).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('has swept again') });
    expect(await approvals()).toEqual([]);
  });

  test.each([
    ['a source that refused none', 'office-console', /has refused no sweep, so there is nothing to approve/],
    ['a source that there is not', 'ofice-console', /no source ofice-console\. Did you mean office-console\?/],
  ])('%s is not approved', async (_, name, message) => {
    await facts.write(SourceReported, source());
    const outcome = await run(['approve', name, '--reason', 'why', '--yes']);
    expect(outcome).toMatchObject({ exitCode: 2, stdout: '', stderr: expect.stringMatching(message) });
  });
});
