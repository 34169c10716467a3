import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { configurationProblems, createLogger, startService, type RunningService } from '@stance/service-kit';
import { startFaultProxy, temporaryFolder, waitFor, type TemporaryFolder } from '@stance/testing';
import { startPollingWorld, type PollingWorld, type Source } from './fixtures/polling-world.js';
import { sentinelonePoller } from './service.js';

const TOKEN = 'simulated-token';
let world: PollingWorld;
let folder: TemporaryFolder;
const services: RunningService[] = [];
const log: string[] = [];
beforeAll(async () => {
  world = await startPollingWorld();
  folder = await temporaryFolder();
});
afterEach(async () => {
  await Promise.allSettled(services.splice(0).map((service) => service.stop()));
});
afterAll(async () => {
  await world.close();
  await folder.remove();
});

async function start(source: Source, environment: NodeJS.ProcessEnv = {}): Promise<RunningService> {
  const service = await startService(sentinelonePoller, {
    environment: {
      NATS_URL: world.nats.url,
      STANCE_HTTP_PORT: '0',
      SENTINELONE_URL: source.tenant.url,
      SENTINELONE_SOURCE: source.name,
      SENTINELONE_POLL_INTERVAL: '60ms',
      ...environment,
    },
    logger: createLogger('sentinelone-poller', 'trace', { write: (line) => void log.push(line) }),
  });
  services.push(service);
  return service;
}

describe('the poller as a service', () => {
  it('reads the console with a token from a file, in the form that people paste its address', async () => {
    const source = await world.source(3);
    const file = join(folder.path, 'token');
    await writeFile(file, `${TOKEN}\n`);
    const url = ` "${source.tenant.url}/web/api/v2.1/" `;
    const service = await start(source, { SENTINELONE_URL: url, SENTINELONE_API_TOKEN_FILE: file });
    await waitFor(async () => (await source.observations()).length === 3, { what: 'every agent' });
    const response = await fetch(`${service.url}/readyz`);
    await waitFor(async () => (await source.reports()).at(-1)?.data.sweep?.completedAt, { what: 'a complete sweep' });
    expect(await response.json()).toMatchObject({ ready: true, details: { source: { source: source.name } } });
    expect((await source.reports()).at(-1)?.data.url).toBe(source.tenant.url);
  });

  it('stays ready while the token is refused, takes a rotated one, and shows neither anywhere', async () => {
    const source = await world.source(3);
    const file = join(folder.path, 'rotated');
    await writeFile(file, 'a-token-that-is-refused');
    const service = await start(source, { SENTINELONE_API_TOKEN_FILE: file });
    const state = () => (service.health().details as { source: { state: string } } | undefined)?.source.state;
    await waitFor(() => state() === 'paused', { what: 'the source to be paused' });
    expect((await fetch(`${service.url}/readyz`)).status).toBe(200);
    await writeFile(file, TOKEN);
    await waitFor(() => state() === 'ok', { what: 'the source to be read with the new token' });
    const told = JSON.stringify([log, await source.reports(), await source.observations(), service.health()]);
    expect(told).not.toContain('a-token-that-is-refused');
    expect(told).not.toContain(TOKEN);
  });

  it('has one active poller per source; a second takes over where the first stopped', async () => {
    const source = await world.source(3);
    const environment = { SENTINELONE_API_TOKEN: TOKEN };
    const first = await start(source, environment);
    await waitFor(async () => (await source.observations()).length === 3, { what: 'every agent' });
    const second = await start(source, environment);
    await waitFor(() => second.state() === 'standby', { what: 'the second to stand by' });
    await waitFor(async () => (await source.reports()).at(-1)?.data.sweep?.completedAt, { what: 'a complete sweep' });
    await first.stop();
    await second.active;
    source.tenant.fleet.infect(source.tenant.fleet.list()[0]?.id ?? '');
    await waitFor(async () => (await source.observations()).length === 4, { what: 'the change' });
    const sweeps = source.tenant
      .requests()
      .filter(({ query }) => query.includes('sortBy=id') && !query.includes('ids='));
    expect(sweeps).toHaveLength(1);
  });

  it('is taken over soon after its lease ends when it is cut off, without a gap or a second reading of everything', async () => {
    const source = await world.source(3);
    const environment = { SENTINELONE_API_TOKEN: TOKEN };
    const proxy = await startFaultProxy({ target: world.nats.url });
    const first = await start(source, { ...environment, NATS_URL: `nats://127.0.0.1:${proxy.port}` });
    await first.active;
    const second = await start(source, environment);
    await waitFor(async () => (await source.reports()).at(-1)?.data.sweep?.completedAt, { what: 'a complete sweep' });
    await waitFor(() => second.state() === 'standby', { what: 'the second to stand by' });
    const [one, other] = source.tenant.fleet.list().map(({ id }) => id);
    source.tenant.fleet.infect(one ?? '');
    await waitFor(async () => (await source.observations()).length === 4, { what: 'the first change' });
    proxy.pause();
    source.tenant.fleet.infect(other ?? '');
    await waitFor(async () => (await source.observations()).length === 5, { what: 'the second change' });
    const sweeps = source.tenant
      .requests()
      .filter(({ query }) => query.includes('sortBy=id') && !query.includes('ids='));
    expect(sweeps).toHaveLength(1);
    // What the first still has to say is refused; it stands by, and takes over in its turn.
    await proxy.resume();
    await waitFor(() => first.state() === 'standby', { what: 'the first to stand by' });
    await second.stop();
    await waitFor(() => first.state() === 'active', { what: 'the first to take over' });
    expect(await source.observations()).toHaveLength(5);
    await proxy.close();
  });

  it('stands by when it turns out to have been outlived, and starts over from what is stored', async () => {
    const source = await world.source(3);
    const service = await start(source, { SENTINELONE_API_TOKEN: TOKEN });
    await waitFor(async () => (await source.reports()).at(-1)?.data.sweep?.completedAt, { what: 'a complete sweep' });
    // Somebody else moves the checkpoint, without regard for the lease.
    const intruder = await source.startPoller();
    await intruder.begin(new AbortController().signal);
    await intruder.position.move({});
    const restarts = () => log.filter((line) => line.includes('another replica is active')).length;
    const before = restarts();
    const [one, other] = source.tenant.fleet.list().map(({ id }) => id);
    source.tenant.fleet.infect(one ?? '');
    await waitFor(() => restarts() > before, { what: 'it to notice' });
    await waitFor(() => service.state() === 'active', { what: 'it to be active again' });
    source.tenant.fleet.infect(other ?? '');
    await waitFor(async () => (await source.observations()).length === 5, { what: 'both changes, once each' });
    expect(service.health()).toMatchObject({ ready: true, details: { source: { state: expect.any(String) } } });
  });

  it('of a token that is limited to sites reads these, and says so', async () => {
    const source = await world.source(9);
    const siteId = source.tenant.fleet.list()[0]?.siteId ?? '';
    source.tenant.tokens.issue('of-one-site', { scope: { siteIds: [siteId] } });
    const ofSite = source.tenant.fleet.list().filter((agent) => agent.siteId === siteId).length;
    await start(source, {
      SENTINELONE_API_TOKEN: 'of-one-site',
      SENTINELONE_SITE_IDS: siteId,
      SENTINELONE_ACCOUNT_IDS: '7',
    });
    await waitFor(async () => (await source.observations()).length === ofSite, { what: 'the agents of the site' });
    await waitFor(async () => (await source.reports()).at(-1)?.data.sweep?.completedAt, { what: 'a complete sweep' });
    const [report] = (await source.reports()).slice(-1);
    expect(report?.data).toMatchObject({ state: 'ok', siteIds: [siteId], agents: ofSite });
  });

  it('reads only the sites and accounts that it is told to', async () => {
    const source = await world.source(3);
    await start(source, { SENTINELONE_API_TOKEN: TOKEN, SENTINELONE_SITE_IDS: '11, 12', SENTINELONE_ACCOUNT_IDS: '7' });
    await waitFor(() => source.tenant.requests().length > 1, { what: 'requests' });
    for (const { query } of source.tenant.requests()) {
      const parameters = new URLSearchParams(query);
      expect([parameters.get('siteIds'), parameters.get('accountIds')]).toEqual(['11,12', '7']);
    }
    expect(await source.observations()).toEqual([]);
  });
});

describe('its configuration', () => {
  const good = { NATS_URL: 'nats://localhost', SENTINELONE_URL: 'tenant.sentinelone.net', SENTINELONE_API_TOKEN: 't' };

  it.each([
    'https://tenant.sentinelone.net',
    'tenant.sentinelone.net',
    'https://Tenant.SentinelOne.net/web/api/v2.1/',
    'http://127.0.0.1:8080',
  ])('takes the console as %s', (url) => {
    expect(configurationProblems(sentinelonePoller, { ...good, SENTINELONE_URL: url })).toEqual([]);
  });

  it('names every problem', () => {
    const problems = configurationProblems(sentinelonePoller, {
      SENTINELONE_URL: 'http://tenant.sentinelone.net',
      SENTINELONE_POLL_INTERVAL: '1ms',
      SENTINELONE_SWEEP_INTERVAL: 'daily',
      SENTINELONE_RETIREMENT_LIMIT: '101',
      STANCE_FRESHNESS_STEP: '0s',
    });
    expect(problems.map((problem) => problem.split(' ')[0])).toEqual([
      'NATS_URL',
      'SENTINELONE_URL',
      'SENTINELONE_API_TOKEN',
      'SENTINELONE_POLL_INTERVAL',
      'SENTINELONE_SWEEP_INTERVAL',
      'SENTINELONE_RETIREMENT_LIMIT',
      'STANCE_FRESHNESS_STEP',
    ]);
  });
});
