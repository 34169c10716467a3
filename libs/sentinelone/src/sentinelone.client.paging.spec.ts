import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  agents,
  fixture,
  hangUp,
  json,
  page,
  silence,
  startScriptedConsole,
  type ScriptedConsole,
} from './fixtures/scripted-console.js';
import { RateLimits } from './rate-limit.js';
import { SentinelOneClient, type SentinelOneClientOptions } from './sentinelone.client.js';
import { BadRequest, ConsoleUnavailable, MalformedAnswer } from './sentinelone.errors.js';
import { systemClock } from './clock.js';

const unlimited = { perSecond: 1_000_000, burst: 1_000_000 };
const REAL_CURSOR = 'eyJpZF92YWx1ZSI6IDE3NzgxNDgyMjc4Mzc5MzE2NDAsICJzb3J0X29yZGVyIjogImFzYyJ9Cg%3D%3D';

let tenant: ScriptedConsole;
beforeEach(async () => {
  tenant = await startScriptedConsole();
});
afterEach(() => tenant.close());

const client = (options: Partial<SentinelOneClientOptions> = {}): SentinelOneClient =>
  new SentinelOneClient({
    baseUrl: tenant.url,
    token: () => 'token-of-the-test',
    rateLimits: new RateLimits(systemClock, { '/agents': unlimited }),
    random: () => 0,
    ...options,
  });

async function collect(pages: AsyncIterable<{ agents: readonly unknown[] }>): Promise<unknown[]> {
  const all: unknown[] = [];
  for await (const { agents: some } of pages) all.push(...some);
  return all;
}

describe('one page', () => {
  it('asks for a thousand agents, decommissioned and uninstalled ones included, in a stable order', async () => {
    tenant.replies(json(fixture('search_agents_multiple.json')));
    const answer = await client().agentsPage({});
    const [asked] = tenant.asked;
    expect(asked?.path).toBe('/web/api/v2.1/agents');
    expect(Object.fromEntries(asked?.query ?? [])).toEqual({
      limit: '1000',
      sortBy: 'id',
      sortOrder: 'asc',
      isDecommissioned: 'True,False',
      isUninstalled: 'True,False',
    });
    expect(asked?.headers).toMatchObject({ authorization: 'ApiToken token-of-the-test', 'user-agent': 'stance' });
    expect(answer).toMatchObject({ nextCursor: undefined, totalItems: 2 });
    expect(answer.agents).toHaveLength(2);
  });

  it('carries scope, filters and sort', async () => {
    tenant.replies(page([], { nextCursor: null, totalItems: 0 }));
    await client({ siteIds: ['11', '12'], accountIds: ['7'], userAgent: 'stance/0.1' }).agentsPage({
      limit: 50,
      sortBy: 'updatedAt',
      sortOrder: 'desc',
      filters: { updatedAt__gte: '2025-03-04T03:33:21.123456Z', ids: ['1', '2'], infected: true },
    });
    expect(Object.fromEntries(tenant.asked[0]?.query ?? [])).toMatchObject({
      limit: '50',
      sortBy: 'updatedAt',
      sortOrder: 'desc',
      siteIds: '11,12',
      accountIds: '7',
      updatedAt__gte: '2025-03-04T03:33:21.123456Z',
      ids: '1,2',
      infected: 'true',
    });
    expect(tenant.asked[0]?.headers['user-agent']).toBe('stance/0.1');
  });

  it('takes an empty scope as everything', async () => {
    tenant.replies(page([]));
    await client({ siteIds: [], accountIds: [] }).agentsPage({});
    expect(tenant.asked[0]?.target).not.toMatch(/siteIds|accountIds/);
  });

  it.each([{ limit: 0 }, { limit: 1001 }, { limit: 1.5 }, { filters: { ids: [] } }])(
    'refuses to ask for %j',
    async (query) => {
      await expect(client().agentsPage(query)).rejects.toThrow(RangeError);
      expect(tenant.asked).toEqual([]);
    },
  );
});

describe('all pages', () => {
  it('follow the cursor, encoded once, with the same sort, filters and scope on every page', async () => {
    tenant.replies(
      page(agents(2), { nextCursor: REAL_CURSOR, totalItems: 5 }),
      page(agents(2, 2), { nextCursor: 'YWdlbnRfaWQ6NTgwMjkzODE=', totalItems: 0 }),
      page(agents(1, 4), { nextCursor: null, totalItems: 0 }),
    );
    const query = { limit: 2, sortBy: 'updatedAt', filters: { updatedAt__gte: '2025-03-04T03:33:21Z' } } as const;
    expect(await collect(client({ siteIds: ['9'] }).agentPages(query))).toEqual(agents(5));

    const [first, second, third] = tenant.asked.map(({ target }) => target);
    expect(first).not.toContain('cursor=');
    expect(second).toBe(`${first}&cursor=${REAL_CURSOR}`);
    expect(third).toBe(`${first}&cursor=YWdlbnRfaWQ6NTgwMjkzODE%3D`);
  });

  it('end on an extra empty page', async () => {
    tenant.replies(page(agents(2), { nextCursor: 'c1', totalItems: 2 }), page([], { nextCursor: null, totalItems: 0 }));
    expect(await collect(client().agentPages({ limit: 2 }))).toEqual(agents(2));
  });

  it('of nothing are one empty page', async () => {
    tenant.replies(json(fixture('search_agents_empty.json')));
    expect(await collect(client().agentPages())).toEqual([]);
    expect(tenant.asked).toHaveLength(1);
  });

  it('end on a short page without pagination', async () => {
    tenant.replies(page(agents(2), { nextCursor: 'c1' }), page(agents(1, 2)));
    expect(await collect(client().agentPages({ limit: 2 }))).toEqual(agents(3));
  });

  it.each([
    ['a full page without pagination', page(agents(2))],
    ['a full page whose pagination has no cursor', page(agents(2), { totalItems: 7 })],
  ])('fail on %s', async (_, reply) => {
    tenant.replies(reply);
    await expect(collect(client().agentPages({ limit: 2 }))).rejects.toThrow(/does not say how to go on/);
  });

  it('fail when a cursor comes back, instead of going round for ever', async () => {
    tenant.replies(
      page(agents(2), { nextCursor: 'c1' }),
      page(agents(2), { nextCursor: 'c2' }),
      page(agents(2), { nextCursor: 'c1' }),
    );
    await expect(collect(client().agentPages({ limit: 2 }))).rejects.toThrow(MalformedAnswer);
    expect(tenant.asked).toHaveLength(3);
  });

  it('fail when the console refuses in the middle, and never look complete', async () => {
    tenant.replies(page(agents(2), { nextCursor: 'c1' }), json({ errors: [{ code: 400010, title: 'cursor' }] }, 400));
    const seen: unknown[] = [];
    const reading = (async () => {
      for await (const { agents: some } of client().agentPages({ limit: 2 })) seen.push(...some);
    })();
    await expect(reading).rejects.toThrow(BadRequest);
    expect(seen).toEqual(agents(2));
  });

  it('survive a connection that breaks between two pages', async () => {
    tenant.replies(
      page(agents(2), { nextCursor: 'c1' }),
      hangUp,
      json({}, 503),
      page(agents(1, 2), { nextCursor: null }),
    );
    expect(await collect(client().agentPages({ limit: 2 }))).toEqual(agents(3));
  });

  it('read the next page while the consumer handles the present one', async () => {
    tenant.replies(page(agents(2), { nextCursor: 'c1' }), page(agents(1, 2), { nextCursor: null }));
    const pages = client().agentPages({ limit: 2 });
    expect((await pages.next()).value?.agents).toEqual(agents(2));
    await tenant.requests(2);
    expect(tenant.asked[1]?.query.get('cursor')).toBe('c1');
    await pages.return();
  });

  it('leave no request behind when the consumer stops early', async () => {
    let closed: (() => void) | undefined;
    const gone = new Promise<void>((resolve) => (closed = resolve));
    tenant.replies(page(agents(2), { nextCursor: 'c1' }), (_, response) => response.on('close', () => closed?.()));
    for await (const _ of client().agentPages({ limit: 2 })) {
      await tenant.requests(2);
      break;
    }
    await expect(gone).resolves.toBeUndefined();
  });

  it('a page read ahead that fails is no unhandled rejection, and its error comes in its turn', async () => {
    tenant.replies(page(agents(2), { nextCursor: 'c1' }), json({}, 500));
    const pages = client({ maxAttempts: 1 }).agentPages({ limit: 2 });
    await pages.next();
    await tenant.requests(2);
    // Several rounds of the event loop, for the failure to arrive before anybody asks for it.
    for (let round = 0; round < 20; round++) await new Promise((resolve) => setImmediate(resolve));
    await expect(pages.next()).rejects.toThrow(ConsoleUnavailable);
  });

  it('stop with the reason when aborted', async () => {
    tenant.replies(page(agents(2), { nextCursor: 'c1' }), silence);
    const controller = new AbortController();
    const pages = client().agentPages({ limit: 2 }, { signal: controller.signal });
    await pages.next();
    const next = pages.next();
    await tenant.requests(2);
    controller.abort(new Error('lease lost'));
    await expect(next).rejects.toThrow('lease lost');

    await expect(client().agentPages({}, { signal: controller.signal }).next()).rejects.toThrow('lease lost');
    expect(tenant.asked).toHaveLength(2);
  });

  it('keep their connections alive', async () => {
    const last = page([], { nextCursor: null });
    tenant.replies(...Array.from({ length: 20 }, (_, index) => page(agents(2), { nextCursor: `c${index}` })), last);
    await collect(client().agentPages({ limit: 2 }));
    expect(tenant.asked).toHaveLength(21);
    // fetch opens a second one when the next request comes before the first is quite free again.
    expect(tenant.connections()).toBeLessThanOrEqual(2);
  });
});
