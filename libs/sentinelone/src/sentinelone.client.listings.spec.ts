import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { fixture, json, page, startScriptedConsole, type ScriptedConsole } from './fixtures/scripted-console.js';
import { RateLimits } from './rate-limit.js';
import { SentinelOneClient, type SentinelOneClientOptions } from './sentinelone.client.js';
import { MalformedAnswer, SentinelOneError, UnexpectedStatus } from './sentinelone.errors.js';
import { systemClock } from './clock.js';

const unlimited = { perSecond: 1_000_000, burst: 1_000_000 };
const rates = { '/agents': unlimited, '/threats': unlimited, '/activities': unlimited, '/sites': unlimited };
const SINCE = '2025-03-04T03:33:21.123456Z';

let tenant: ScriptedConsole;
beforeEach(async () => {
  tenant = await startScriptedConsole();
});
afterEach(() => tenant.close());

const client = (options: Partial<SentinelOneClientOptions> = {}): SentinelOneClient =>
  new SentinelOneClient({
    baseUrl: tenant.url,
    token: () => 'token-of-the-test',
    rateLimits: new RateLimits(systemClock, rates),
    random: () => 0,
    ...options,
  });

const queries = (): Record<string, string>[] => tenant.asked.map(({ query }) => Object.fromEntries(query));
const rows = (count: number): { id: string }[] => Array.from({ length: count }, (_, index) => ({ id: String(index) }));

async function all<P>(pages: AsyncIterable<P>, recordsOf: (page: P) => readonly unknown[]): Promise<unknown[]> {
  const records: unknown[] = [];
  for await (const some of pages) records.push(...recordsOf(some));
  return records;
}

/** The listings by name, each read to its end with a page size of its own. */
const LISTINGS: Record<string, { path: string; limit: number; read: (limit: number) => Promise<unknown[]> }> = {
  agents: { path: '/agents', limit: 2, read: (limit) => all(client().agentPages({ limit }), ({ agents }) => agents) },
  threats: {
    path: '/threats',
    limit: 2,
    read: (limit) => all(client().threatPages({ updatedSince: SINCE, limit }), ({ threats }) => threats),
  },
  activities: {
    path: '/activities',
    limit: 2,
    read: (limit) =>
      all(client().activityPages({ createdSince: SINCE, activityTypes: [51], limit }), ({ activities }) => activities),
  },
};

describe.each(Object.entries(LISTINGS))('the listing of %s', (_, { path, limit, read }) => {
  it('follows its cursors, encoded once, and keeps everything else on every page', async () => {
    tenant.replies(
      page(rows(2), { nextCursor: 'MifQ%3D%3D', totalItems: 3 }),
      page(rows(1), { nextCursor: 'a+b=', totalItems: 0 }),
      page([], { nextCursor: null, totalItems: 0 }),
    );
    expect(await read(limit)).toHaveLength(3);
    const [first, second, third] = tenant.asked.map(({ target }) => target);
    expect(first).toContain(`/web/api/v2.1${path}?`);
    expect([second, third]).toEqual([`${first}&cursor=MifQ%3D%3D`, `${first}&cursor=a%2Bb%3D`]);
  });

  it.each([
    ['a full page without pagination', [page(rows(2))], /does not say how to go on/],
    ['a repeated cursor', [page(rows(2), { nextCursor: 'c1' }), page(rows(2), { nextCursor: 'c1' })], /same cursor/],
    ['data that is no list', [json({ data: {} })], /not a list/],
  ])('fails on %s', async (_, replies, message) => {
    tenant.replies(...replies);
    await expect(read(limit)).rejects.toThrow(message);
  });

  it('takes a 404 for an error, not for nothing', async () => {
    tenant.replies(json({ data: [] }, 404));
    await expect(read(limit)).rejects.toThrow(UnexpectedStatus);
  });

  it('ends on a short page without pagination', async () => {
    tenant.replies(page(rows(1)));
    expect(await read(limit)).toEqual(rows(1));
  });

  it.each([0, 1001])('refuses a limit of %i', async (wrong) => {
    await expect(read(wrong)).rejects.toThrow(RangeError);
    expect(tenant.asked).toEqual([]);
  });
});

describe('threats', () => {
  it('are asked for by their last change, the longest ago first, in the scope', async () => {
    tenant.replies(json(fixture('threats_not_found.json')));
    const scope = { siteIds: ['11', '12'], accountIds: ['7'] };
    await all(client(scope).threatPages({ updatedSince: SINCE }), ({ threats }) => threats);
    expect(queries()).toEqual([
      {
        limit: '1000',
        sortBy: 'updatedAt',
        sortOrder: 'asc',
        updatedAt__gte: SINCE,
        siteIds: '11,12',
        accountIds: '7',
      },
    ]);
  });
});

describe('activities', () => {
  it('are asked for by type and time, the oldest first, in the scope', async () => {
    tenant.replies(page([], { nextCursor: null }));
    const query = { createdSince: SINCE, activityTypes: [51, 52] };
    await all(client({ siteIds: ['11'] }).activityPages(query), ({ activities }) => activities);
    expect(queries()).toEqual([
      {
        limit: '1000',
        sortBy: 'createdAt',
        sortOrder: 'asc',
        createdAt__gte: SINCE,
        activityTypes: '51,52',
        siteIds: '11',
      },
    ]);
  });

  it('of no type are refused: all of them would come', async () => {
    const pages = client().activityPages({ createdSince: SINCE, activityTypes: [] });
    await expect(pages.next()).rejects.toThrow(RangeError);
    expect(tenant.asked).toEqual([]);
  });
});

describe('sites', () => {
  it('are all that the token may see, whatever the configured scope', async () => {
    const site = { id: '11', name: 'Lab', state: 'active', accountId: '7' };
    tenant.replies(
      json({ data: { sites: [site, { id: 12 }] }, pagination: { nextCursor: 'c1', totalItems: 3 } }),
      json({ data: { sites: [{ id: '13', name: 7.5 }, { name: 'no id' }] }, pagination: { nextCursor: null } }),
    );
    expect(await client({ siteIds: ['11'], accountIds: ['7'] }).sites()).toEqual([
      { id: '11', name: 'Lab', state: 'active' },
      { id: '12' },
      { id: '13' },
    ]);
    expect(tenant.asked.map(({ target }) => target)).toEqual([
      '/web/api/v2.1/sites?limit=1000',
      '/web/api/v2.1/sites?limit=1000&cursor=c1',
    ]);
  });

  it('come without pagination, too', async () => {
    tenant.replies(json(fixture('sites.json')));
    expect(await client().sites()).toHaveLength(4);
  });

  it.each([{ data: [], errors: [{ code: 5000010 }] }, { data: { sites: {} } }, { data: {} }, {}])(
    'are not guessed from %j',
    async (body) => {
      tenant.replies(json(body));
      await expect(client().sites()).rejects.toThrow(MalformedAnswer);
    },
  );
});

describe('the number of agents', () => {
  it('counts those in scope, decommissioned and uninstalled ones included', async () => {
    tenant.replies(json({ data: { total: 2_500 } }));
    expect(await client({ siteIds: ['11'] }).agentCount()).toBe(2_500);
    expect(tenant.asked[0]?.path).toBe('/web/api/v2.1/agents/count');
    expect(queries()).toEqual([{ isDecommissioned: 'True,False', isUninstalled: 'True,False', siteIds: '11' }]);
  });

  it.each([{ total: '7' }, { total: -1 }, { total: 1.5 }, {}])('is not guessed from %j', async (data) => {
    tenant.replies(json({ data }));
    await expect(client().agentCount()).rejects.toThrow(SentinelOneError);
  });
});

it('a page carries the time of the console', async () => {
  const date = 'Tue, 04 Mar 2025 03:33:21 GMT';
  tenant.replies(json({ data: [] }, 200, { date }));
  expect((await client().agentsPage({})).consoleTime).toBe(Date.parse(date));
});
