import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { waitFor } from '@stance/testing';
import { CheckpointTaken } from './checkpoint.store.js';
import { startPollingWorld, type PollingWorld, type Source, type StartedPoller } from './fixtures/polling-world.js';

let world: PollingWorld;
const started: StartedPoller[] = [];
beforeAll(async () => {
  world = await startPollingWorld();
});
afterEach(async () => {
  await Promise.all(started.splice(0).map(({ polling }) => polling.stop()));
});
afterAll(() => world.close());

async function run(source: Source, options: Parameters<Source['startPoller']>[0] = {}): Promise<StartedPoller> {
  const poller = await source.startPoller(options);
  started.push(poller);
  poller.polling.start();
  return poller;
}

async function running(options: Parameters<Source['startPoller']>[0] = {}, fleet = 5) {
  const source = await world.source(fleet);
  const poller = await run(source, options);
  await untilSwept(poller);
  return { source, ...poller };
}

const untilState = ({ reporter }: Pick<StartedPoller, 'reporter'>, state: string) =>
  waitFor(() => reporter.state === state, { what: `the source to be ${state}` });
const untilSwept = ({ reporter }: Pick<StartedPoller, 'reporter'>) =>
  waitFor(() => reporter.current.sweep?.completedAt, { what: 'a complete sweep' });
const untilPublished = (source: Source, count: number) =>
  waitFor(async () => (await source.observations()).length === count, { what: `${count} observations` });
const fullSweeps = (source: Source) =>
  source.tenant.requests().filter(({ query }) => query.includes('sortBy=id')).length;

describe('a source that is read', () => {
  it('is ok, and says how much of it is known', async () => {
    const { source, reporter } = await running();
    source.tenant.fleet.infect(source.tenant.fleet.list()[0]?.id ?? '');
    await untilPublished(source, 6);
    await waitFor(() => reporter.current.changed === 6, { what: 'the change to be counted' });
    expect(reporter.current).toEqual({
      source: source.name,
      kind: 'sentinelone',
      url: source.tenant.url,
      state: 'ok',
      lastSuccessAt: '2026-11-21T12:00:00.000Z',
      lastAttemptAt: '2026-11-21T12:00:00.000Z',
      nextAttemptAt: '2026-11-21T12:00:00.020Z',
      agents: 5,
      changed: 6,
      sweep: {
        startedAt: '2026-11-21T12:00:00.000Z',
        completedAt: '2026-11-21T12:00:00.000Z',
        pages: 1,
        interval: 3_600,
      },
      freshnessStep: 3_600,
    });
  });

  it('is reported when its state changes, and not at every poll', async () => {
    const { source } = await running();
    const polls = source.tenant.requests().length;
    await waitFor(() => source.tenant.requests().length > polls + 5, { what: 'some more polls' });
    const reports = await source.reports();
    expect(reports.length).toBeLessThanOrEqual(2);
    expect(reports.at(-1)?.data).toMatchObject({ state: 'ok', agents: 5, sweep: { completedAt: expect.any(String) } });
    expect(reports.every(({ traceparent }) => traceparent !== undefined)).toBe(true);
    // It says that it is alive, once a minute.
    source.time.now += 60_000;
    await waitFor(async () => (await source.reports()).length === reports.length + 1, { what: 'a report a minute' });
  });

  it('is swept again when the interval is over', async () => {
    const { source, reporter } = await running({ sweepIntervalMs: 50 });
    source.time.now += 50;
    await waitFor(() => fullSweeps(source) === 2, { what: 'a second sweep' });
    await waitFor(() => reporter.current.sweep?.completedAt?.endsWith('00.050Z'), { what: 'its completion' });
    expect(await source.observations()).toHaveLength(5);
  });

  it('goes on after a restart without a second full reading, and still knows of the first', async () => {
    const { source, polling } = await running();
    await polling.stop();
    const polls = source.tenant.requests().length;
    const restarted = await run(source);
    await untilState(restarted, 'ok');
    await waitFor(() => source.tenant.requests().length > polls + 2, { what: 'polls' });
    expect(fullSweeps(source)).toBe(1);
    expect(restarted.reporter.current).toMatchObject({ agents: 5, changed: 0, sweep: { pages: 1 } });
    expect(await source.observations()).toHaveLength(5);
  });
});

describe('a source that cannot be read', () => {
  it.each([
    ['limits the rate', { kind: 'rate-limited', retryAfterSeconds: null, times: 5 }, '4290010'],
    ['fails', { kind: 'server-error', status: 503, times: 5 }, '5030010'],
    ['answers with a page of HTML', { kind: 'html' }, '200'],
    ['answers with half of an answer', { kind: 'invalid-json' }, '200'],
  ] as const)('because it %s is degraded, then recovers by itself', async (_, fault, code) => {
    const { source, reporter, polling } = await running();
    source.tenant.faults.script(fault);
    await waitFor(async () => (await source.reports()).some(({ data }) => data.state === 'degraded'), {
      what: 'the report that it is degraded',
    });
    await untilState({ reporter }, 'ok');
    await waitFor(async () => (await source.reports()).at(-1)?.data.state === 'ok', {
      what: 'the report that it is ok',
    });
    const degraded = (await source.reports()).find(({ data }) => data.state === 'degraded');
    expect(degraded?.data.error?.code).toBe(code);
    expect(degraded?.data).toMatchObject({ agents: 5, nextAttemptAt: expect.any(String) });
    expect(reporter.current).not.toHaveProperty('error');
    await polling.stop();
    // Whatever it answered, nobody's posture changed.
    expect(await source.observations()).toHaveLength(5);
  });

  it('because it refuses the token is paused, and is read at once with a new one', async () => {
    let token = 'simulated-token';
    const { source, reporter } = await running({ token: () => token });
    token = 'an-expired-and-secret-token';
    await untilState({ reporter }, 'paused');
    const report = reporter.current;
    expect(report).toMatchObject({
      error: { code: expect.any(String), detail: expect.stringContaining('create a new one') },
      pausedUntil: '2026-11-21T12:01:00.000Z',
      lastSuccessAt: expect.any(String),
    });
    // One question per lane, not one per interval: asking again and again would lock the user.
    const asked = source.tenant.requests().length;
    token = 'simulated-token';
    const changedAt = performance.now();
    await untilState({ reporter }, 'ok');
    expect(performance.now() - changedAt).toBeLessThan(2_000);
    expect(source.tenant.requests().filter(({ status }) => status === 401)).toHaveLength(1);
    expect(asked).toBeGreaterThan(0);
    expect(reporter.current).not.toHaveProperty('pausedUntil');
    expect(JSON.stringify([source.log, await source.reports()])).not.toContain('an-expired-and-secret-token');
  });

  it('from the start is never called ok, a known checkpoint or not', async () => {
    const { source, polling } = await running();
    await polling.stop();
    const before = (await source.reports()).length;
    const poller = await run(source, { token: () => 'wrong' });
    await untilState(poller, 'paused');
    const states = (await source.reports()).slice(before).map(({ data }) => data.state);
    expect(states).toEqual(['paused']);
  });
});

describe('a sweep that fails', () => {
  it('leaves the source degraded, with the reason, while changes are read as ever', async () => {
    const { source, reporter } = await running({ sweepIntervalMs: 50, pollIntervalMs: 40 }, 40);
    const { fleet } = source.tenant;
    const [first, ...rest] = fleet.list();
    for (const { id } of rest.slice(0, 5)) fleet.remove(id);
    source.time.now += 50;
    await untilState({ reporter }, 'degraded');
    fleet.infect(first?.id ?? '');
    await untilPublished(source, 41);
    const polls = source.tenant.requests().length;
    await waitFor(() => source.tenant.requests().length > polls + 3, { what: 'more polls' });
    expect(reporter.current).toMatchObject({
      state: 'degraded',
      agents: 40,
      error: { code: 'SweepNotBelieved', title: expect.stringContaining('nobody is retired') },
    });
    // Not at every poll, but ever more slowly.
    expect(fullSweeps(source)).toBeLessThan(8);
    for (const { id } of rest.slice(0, 2)) fleet.add({ id });
    await untilState({ reporter }, 'ok');
    expect((await source.observations()).filter(({ data }) => data.presence === 'gone')).toHaveLength(3);
  });
});

describe('a poller', () => {
  it('that was outlived gives up and writes no more', async () => {
    const { source, outlived } = await running();
    const successor = await source.startPoller();
    await successor.poller.resume(new AbortController().signal);
    const { fleet } = source.tenant;
    fleet.infect(fleet.list()[0]?.id ?? '');
    await waitFor(() => outlived.length === 0, { what: 'nothing yet' });
    // Both read the change; whoever moves the checkpoint second has been outlived.
    await successor.poller.poll(new AbortController().signal).catch(() => undefined);
    const other = fleet.list()[1]?.id ?? '';
    fleet.infect(other);
    await successor.poller.poll(new AbortController().signal).catch((error: unknown) => outlived.push(error as Error));
    await waitFor(() => outlived.length > 0, { what: 'one of them to give up' });
    expect(outlived[0]).toBeInstanceOf(CheckpointTaken);
    const observations = await source.observations();
    expect(
      observations.filter(({ data }) => data.agentId === other && data.attributes['sentinelOne:infected']),
    ).toHaveLength(1);
  });

  it('stops in the middle of a request that hangs', async () => {
    const { source, polling } = await running();
    const asked = source.tenant.requests().length;
    source.tenant.faults.script({ kind: 'hang' });
    await waitFor(() => source.tenant.faults.pending().length === 0, { what: `a request to hang after ${asked}` });
    const stoppedAt = performance.now();
    await polling.stop();
    expect(performance.now() - stoppedAt).toBeLessThan(1_000);
  });
});
