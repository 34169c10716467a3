import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { waitFor } from '@stance/testing';
import { createLogger } from '@stance/service-kit';
import type { Lane } from './lanes/lane.js';
import { Outlived } from './outlived.js';
import { Polling } from './polling.js';
import { absenceDigest } from './sweep-approval.js';
import {
  HOUR,
  startPollingWorld,
  type PollingWorld,
  type Source,
  type StartedPoller,
} from './fixtures/polling-world.js';

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
const untilSweepReported = (source: Source) =>
  waitFor(async () => (await source.reports()).at(-1)?.data.sweep?.completedAt, { what: 'the sweep to be reported' });
/** An answer that was on its way may still show what has been so before. */
const untilChangesAskedAnew = (source: Source) => {
  const isPoll = ({ path, query }: { path: string; query: string }) =>
    path === '/agents' && query.includes('updatedAt__gte');
  const polls = () => source.tenant.requests().filter(isPoll).length;
  const before = polls();
  return waitFor(() => polls() >= before + 2, { what: 'changes to be asked for since' });
};
const untilPublished = (source: Source, count: number) =>
  waitFor(async () => (await source.observations()).length === count, { what: `${count} observations` });
/** Of one page each; agents that are read anew are asked for by their ids. */
const fullSweeps = (source: Source) =>
  source.tenant.requests().filter(({ query }) => query.includes('sortBy=id') && !query.includes('ids=')).length;
const { signal } = new AbortController();

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
      nextAttemptAt: expect.stringMatching(/^2026-11-21T12:00:00\.0[012]\dZ$/),
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
    await untilSweepReported(source);
    const polls = source.tenant.requests().length;
    await waitFor(() => source.tenant.requests().length > polls + 5, { what: 'some more polls' });
    const reports = await source.reports();
    // A sweep's page may be read before anything else: then that it is starting, that it is ok, and what was swept.
    expect(reports.length).toBeLessThanOrEqual(3);
    expect(reports.at(-1)?.data).toMatchObject({ state: 'ok', agents: 5, sweep: { completedAt: expect.any(String) } });
    expect(reports.every(({ traceparent }) => traceparent !== undefined)).toBe(true);
    // It says that it is alive, once a minute.
    source.time.now += 60_000;
    await waitFor(async () => (await source.reports()).length === reports.length + 1, { what: 'a report a minute' });
  });

  it('is swept again when the interval is over', async () => {
    const { source, reporter } = await running({ sweepIntervalMs: 50 });
    source.time.now += 50;
    await waitFor(() => fullSweeps(source) > 1, { what: 'a second sweep' });
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

describe('a sweep under way', () => {
  it('tells how far it is, and no more once it is over', async () => {
    const source = await world.source(2_500);
    source.tenant.faults.script({ kind: 'slow', delayMs: 300, path: '/agents', after: 2, times: 3 });
    const poller = await run(source);
    const progress = await waitFor(() => poller.reporter.current.progress, { what: 'progress' });
    expect(progress).toMatchObject({ startedAt: '2026-11-21T12:00:00.000Z', total: 2_500 });
    expect(progress.read % 1_000).toBe(0);
    await untilSwept(poller);
    expect(poller.reporter.current).not.toHaveProperty('progress');
    await untilSweepReported(source);
    expect((await source.reports()).at(-1)?.data).not.toHaveProperty('progress');
    // A page says nothing in the log, only the beginning and the end of it.
    expect(source.log.filter((line) => line.includes('agents read'))).toEqual([]);
  });
});

describe('a source that cannot be read', () => {
  // Two lanes may ask for agents at the same time: one of them meets it at each of its five attempts.
  it.each([
    ['limits the rate', { kind: 'rate-limited', retryAfterSeconds: null, path: '/agents', times: 9 }, '4290010'],
    ['fails', { kind: 'server-error', status: 503, path: '/agents', times: 9 }, '5030010'],
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
    expect(reporter.current).toMatchObject({
      error: { code: expect.any(String), detail: expect.stringContaining('Create a new token') },
      pausedUntil: '2026-11-21T12:01:00.000Z',
      lastSuccessAt: expect.any(String),
    });
    token = 'simulated-token';
    // Long before the pause of a minute is over.
    await untilState({ reporter }, 'ok');
    // At most one question of each of the five lanes, which was under way when the first was refused.
    const refused = source.tenant.requests().filter(({ status }) => status === 401);
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.length).toBeLessThanOrEqual(5);
    expect(reporter.current).not.toHaveProperty('pausedUntil');
    // All lanes are read again, not only the one that tried.
    const since = source.tenant.requests().length;
    const pathsSince = () =>
      new Set(
        source.tenant
          .requests()
          .slice(since)
          .map(({ path }) => path),
      );
    await waitFor(() => pathsSince().size === 3, { what: 'agents, threats and activities to be read' });
    expect(JSON.stringify([source.log, await source.reports()])).not.toContain('an-expired-and-secret-token');
  });

  it('because its token expired is paused, and is read at once when the token is renewed', async () => {
    const { source, reporter } = await running();
    source.tenant.tokens.expire();
    await untilState({ reporter }, 'paused');
    expect(reporter.current.pausedUntil).toBe('2026-11-21T12:01:00.000Z');
    source.tenant.tokens.replace();
    await untilState({ reporter }, 'ok');
    expect(reporter.current).not.toHaveProperty('error');
  });

  it('as it refuses the token to a lane is read at once with a new one, long before the changes are due', async () => {
    let token = 'simulated-token';
    const intervals = { pollIntervalMs: HOUR, sweepIntervalMs: 50 };
    const { source, reporter, polling } = await running({ ...intervals, token: () => token });
    await untilState({ reporter }, 'ok');
    token = 'an-expired-token';
    source.time.now += 50;
    polling.wake('sweep');
    await untilState({ reporter }, 'paused');
    token = 'simulated-token';
    await untilState({ reporter }, 'ok');
    expect(reporter.current).not.toHaveProperty('pausedUntil');
  });

  it('from the start is never called ok, a known checkpoint or not', async () => {
    const { source, polling } = await running();
    await polling.stop();
    const before = (await source.reports()).length;
    const poller = await run(source, { token: () => 'wrong' });
    await untilState(poller, 'paused');
    const reports = await waitFor(
      async () => {
        const since = (await source.reports()).slice(before);
        return since.length > 0 && since;
      },
      { what: 'the report of it' },
    );
    expect(reports.map(({ data }) => data.state)).toEqual(['paused']);
  });
});

describe('a lane that fails', () => {
  it('leaves the source degraded, with the reason, while changes are read as ever', async () => {
    const { source, reporter } = await running({ sweepIntervalMs: 50, pollIntervalMs: 40 }, 40);
    const { fleet } = source.tenant;
    const [first, broken] = fleet.list();
    fleet.distort(broken?.id ?? '', { id: null }, { silent: true });
    source.time.now += 50;
    await untilState({ reporter }, 'degraded');
    fleet.infect(first?.id ?? '');
    await untilPublished(source, 41);
    expect(reporter.current).toMatchObject({
      agents: 40,
      error: { code: 'SweepIncomplete' },
      // When everything was last read is known all the same.
      sweep: { completedAt: '2026-11-21T12:00:00.000Z', pages: 1 },
    });
    fleet.setRight(broken?.id ?? '', { silent: true });
    source.time.now += 50;
    await untilState({ reporter }, 'ok');
  });

  it('as it may not read everything is the only one that waits', async () => {
    const { source, reporter, polling } = await running({ pollIntervalMs: HOUR, sweepIntervalMs: 50 });
    await untilState({ reporter }, 'ok');
    source.tenant.faults.script({ kind: 'forbidden', path: '/agents' });
    source.time.now += 50;
    polling.wake('sweep');
    await untilState({ reporter }, 'degraded');
    expect(reporter.current.error).toMatchObject({
      code: '4030010',
      detail: expect.stringContaining('limited to sites'),
    });
    source.tenant.fleet.infect(source.tenant.fleet.list()[0]?.id ?? '');
    polling.wake('changes');
    await untilPublished(source, 6);
    expect(reporter.current).not.toHaveProperty('pausedUntil');
  });

  it('as the token is refused to it alone is the only one that waits once the token was accepted', async () => {
    const source = await world.source(5);
    source.tenant.tokens.issue('second');
    source.tenant.faults.script({ kind: 'unauthorized', path: '/threats', times: 1_000 });
    let token = 'simulated-token';
    const poller = await run(source, { token: () => token });
    await untilState(poller, 'paused');
    token = 'second';
    await untilState(poller, 'degraded');
    await untilSwept(poller);
    source.tenant.fleet.infect(source.tenant.fleet.list()[0]?.id ?? '');
    await untilPublished(source, 6);
    expect(poller.reporter.current).not.toHaveProperty('pausedUntil');
    expect(source.tenant.requests().filter(({ path }) => path === '/threats')).toHaveLength(2);
  });

  it('to ask for anything is no success of the source', async () => {
    const source = await world.source(1);
    const { reporter } = await source.startPoller();
    let readings = 0;
    const idle: Lane = { name: 'returning', dueInMs: () => 1, read: async () => (readings += 1) < 0 };
    const options = {
      pollIntervalMs: 20,
      sweepIntervalMs: HOUR,
      token: () => '',
      standing: () => [],
      outlived: () => undefined,
    };
    const logger = createLogger('sentinelone-poller', 'silent');
    const polling = new Polling(async () => false, [idle], reporter, options, logger);
    polling.start();
    await waitFor(() => readings > 3, { what: 'some turns of the lane' });
    await polling.stop();
    expect(reporter.current).not.toHaveProperty('lastSuccessAt');
    expect(reporter.state).toBe('starting');
  });

  it.each([
    ['/threats', 'Threats are not read'],
    ['/activities', 'Removals are not read'],
  ])('as the token may not read %s is told of once, and the rest goes on', async (path, told) => {
    const source = await world.source(5);
    source.tenant.faults.script({ kind: 'forbidden', path, times: 1_000 });
    const poller = await run(source);
    await untilSwept(poller);
    await untilState(poller, 'degraded');
    expect(poller.reporter.current.error).toMatchObject({ detail: expect.stringContaining(told) });
    const polls = source.tenant.requests().length;
    await waitFor(() => source.tenant.requests().length > polls + 10, { what: 'more polls' });
    source.tenant.fleet.infect(source.tenant.fleet.list()[0]?.id ?? '');
    await untilPublished(source, 6);
    expect(poller.reporter.current).toMatchObject({ state: 'degraded', agents: 5 });
    // It is asked for at growing intervals, the first of a minute.
    expect(source.tenant.requests().filter((request) => request.path === path)).toHaveLength(1);
    const codes = (await source.reports()).map(({ data }) => data.error?.code);
    expect(codes.filter((code) => code !== undefined).length).toBeLessThanOrEqual(2);
  });
});

describe('a sweep that would retire more than is believed', () => {
  const gone = async (source: Source) =>
    (await source.observations()).filter(({ data }) => data.presence === 'gone').map(({ data }) => data.agentId);

  /** A source of forty agents of which some are listed no more, and whose sweep was refused. */
  async function refused(missing = 12, options: Parameters<Source['startPoller']>[0] = {}) {
    const { source, reporter, polling } = await running({ sweepIntervalMs: HOUR, ...options }, 40);
    const ids = source.tenant.fleet.list().map(({ id }) => id);
    for (const id of ids.slice(0, missing)) source.tenant.fleet.remove(id);
    await untilChangesAskedAnew(source);
    source.time.now += HOUR;
    polling.wake('sweep');
    const { startedAt, digest = '' } = await waitFor(() => reporter.current.refusedSweep, {
      what: 'the refused sweep',
    });
    return { source, reporter, polling, startedAt, digest, missing: ids.slice(0, missing) };
  }

  it('retires nobody, and says what a person can do', async () => {
    const { source, reporter, missing } = await refused();
    await untilState({ reporter }, 'degraded');
    await waitFor(async () => (await source.reports()).at(-1)?.data.refusedSweep, { what: 'the report' });
    expect((await source.reports()).at(-1)?.data).toMatchObject({
      state: 'degraded',
      error: { code: 'SweepRefused', title: expect.stringContaining(`stance sources approve ${source.name} --reason`) },
      refusedSweep: {
        startedAt: new Date(source.time.now).toISOString(),
        absent: 12,
        present: 40,
        limit: 4,
        examples: expect.any(Array),
        digest: absenceDigest(missing),
      },
      agents: 40,
    });
    const examples = reporter.current.refusedSweep?.examples ?? [];
    expect(examples).toHaveLength(10);
    expect(missing).toEqual(expect.arrayContaining(examples));
    expect(await gone(source)).toEqual([]);
  });

  it('is repeated at its interval and no sooner', async () => {
    const { source } = await refused();
    const polls = source.tenant.requests().length;
    await waitFor(() => source.tenant.requests().length > polls + 10, { what: 'more polls' });
    expect(fullSweeps(source)).toBe(2);
  });

  it('is right once a person says so: at once, for just these agents', async () => {
    const { source, reporter, startedAt, digest, missing } = await refused();
    await source.approve({ startedAt, digest });
    await untilState({ reporter }, 'ok');
    expect((await gone(source)).toSorted()).toEqual(missing.toSorted());
    expect(reporter.current).not.toHaveProperty('refusedSweep');
    expect(reporter.current.agents).toBe(28);
  });

  it('is right when all of them are gone, if a person says so, and not otherwise', async () => {
    const { source, reporter, startedAt, digest } = await refused(40, { retirementLimit: 1 });
    expect(await gone(source)).toEqual([]);
    await source.approve({ startedAt, digest });
    await untilState({ reporter }, 'ok');
    expect(await gone(source)).toHaveLength(40);
  });

  it('is approved once: what is missing later is refused again', async () => {
    const { source, reporter, polling, startedAt, digest } = await refused();
    await source.approve({ startedAt, digest });
    await untilState({ reporter }, 'ok');
    for (const { id } of source.tenant.fleet.list().slice(0, 8)) source.tenant.fleet.remove(id);
    await untilChangesAskedAnew(source);
    source.time.now += HOUR;
    polling.wake('sweep');
    await waitFor(() => reporter.current.refusedSweep?.absent === 8, { what: 'another refusal' });
    expect(await gone(source)).toHaveLength(12);
  });

  it.each([
    ['for another sweep', { startedAt: '2026-11-21T11:00:00.000Z' }, undefined],
    ['for other agents', { digest: absenceDigest(['1', '2']) }, undefined],
    ['that is over', {}, '2026-11-21T12:59:59.999Z'],
  ])('is not right by a word %s', async (_, given, until) => {
    const { source, reporter, polling, startedAt, digest } = await refused();
    const refusals = () => source.log.filter((line) => line.includes('SweepRefused')).length;
    const before = refusals();
    await source.approve({ startedAt, digest, ...given }, until);
    source.time.now += HOUR;
    polling.wake('sweep');
    await waitFor(() => refusals() > before, { what: 'another refusal' });
    expect(await gone(source)).toEqual([]);
    // It is the same agents that a person may still approve of.
    expect(reporter.current.refusedSweep).toMatchObject({ startedAt, digest });
  });

  it('retires nobody when others are missing by then, though no more than were approved of', async () => {
    const { source, reporter, startedAt, digest, missing } = await refused();
    const { fleet } = source.tenant;
    const others = fleet.list().slice(0, 12);
    for (const { id } of others) fleet.remove(id);
    for (const id of missing) fleet.add({ id });
    await untilChangesAskedAnew(source);
    source.time.now += 1_000;
    await source.approve({ startedAt, digest });
    await waitFor(() => (reporter.current.refusedSweep?.startedAt ?? startedAt) > startedAt, {
      what: 'another refusal',
    });
    expect(reporter.current.refusedSweep).toMatchObject({
      absent: 12,
      digest: absenceDigest(others.map(({ id }) => id)),
    });
    expect(await gone(source)).toEqual([]);
  });

  it('waits for a person across a restart, and so does the word of one', async () => {
    const { source, polling, startedAt, digest } = await refused();
    await polling.stop();
    const waiting = await run(source);
    await untilState(waiting, 'degraded');
    expect(waiting.reporter.current).toMatchObject({ refusedSweep: { startedAt }, error: { code: 'SweepRefused' } });
    expect(fullSweeps(source)).toBe(2);
    await waiting.polling.stop();
    await source.approve({ startedAt, digest });
    const next = await run(source);
    await untilState(next, 'ok');
    expect(await gone(source)).toHaveLength(12);
    expect(next.reporter.current).not.toHaveProperty('refusedSweep');
  });

  it('keeps its approval while the console cannot be read', async () => {
    const { source, reporter, startedAt, digest } = await refused();
    source.tenant.faults.script({ kind: 'invalid-json', times: 8 });
    await source.approve({ startedAt, digest });
    await untilState({ reporter }, 'ok');
    expect(await gone(source)).toHaveLength(12);
  });
});

describe('a poller', () => {
  it('that was outlived gives up once, and writes no more', async () => {
    const { source, outlived, polling } = await running();
    const { fleet } = source.tenant;
    const successor = await source.startPoller();
    await successor.begin(signal);
    // The successor moves the checkpoint; the other finds out when it reads the next change.
    await successor.position.move({});
    fleet.infect(fleet.list()[0]?.id ?? '');
    await waitFor(() => outlived.length > 0, { what: 'it to give up' });
    await polling.stop();
    expect(outlived).toEqual([expect.any(Outlived)]);
    // The console has met the end of what was under way by the time that it answers a later question.
    await successor.lanes.changes.read(signal);
    const requests = source.tenant.requests().length;
    const reports = (await source.reports()).length;
    fleet.infect(fleet.list()[1]?.id ?? '');
    await successor.lanes.changes.read(signal);
    expect(source.tenant.requests()).toHaveLength(requests + 1);
    expect(await source.reports()).toHaveLength(reports);
    expect((await source.observations()).filter(({ data }) => data.attributes['sentinelOne:infected'])).toHaveLength(2);
  });

  it('that was outlived overwrites no report of its successor', async () => {
    const { source, outlived } = await running();
    await untilSweepReported(source);
    const successor = await source.startPoller();
    successor.reporter.resume();
    await successor.reporter.succeeded();
    source.time.now += 60_000;
    await waitFor(() => outlived.length > 0, { what: 'it to give up' });
    const [last] = (await source.reports()).slice(-1);
    expect(last?.data).toEqual(successor.reporter.current);
  });

  it('stops before it has taken up anything', async () => {
    const source = await world.source(3);
    source.tenant.faults.script({ kind: 'hang' });
    const { polling } = await source.startPoller();
    polling.start();
    await waitFor(() => source.tenant.faults.pending().length === 0, { what: 'its first request' });
    await expect(polling.stop()).resolves.toBeUndefined();
  });

  it('that is outlived while it takes up gives up', async () => {
    const source = await world.source(3);
    const { polling, outlived } = await source.startPoller({ token: () => 'wrong' });
    const successor = await source.startPoller();
    await successor.reporter.succeeded();
    polling.start();
    await waitFor(() => outlived.length > 0, { what: 'it to give up' });
    await expect(polling.stop()).resolves.toBeUndefined();
    expect(outlived).toEqual([expect.any(Outlived)]);
  });

  it('stops in the middle of a request that hangs', async () => {
    const { source, polling } = await running();
    const asked = source.tenant.requests().length;
    source.tenant.faults.script({ kind: 'hang' });
    await waitFor(() => source.tenant.faults.pending().length === 0, { what: `a request to hang after ${asked}` });
    const stoppedAt = performance.now();
    await polling.stop();
    expect(performance.now() - stoppedAt).toBeLessThan(10_000);
  });
});
