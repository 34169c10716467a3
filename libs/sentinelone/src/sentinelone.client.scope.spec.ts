import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { json, page, startScriptedConsole, type Reply, type ScriptedConsole } from './fixtures/scripted-console.js';
import { RateLimits } from './rate-limit.js';
import { SentinelOneClient, type SentinelOneClientOptions } from './sentinelone.client.js';
import { Forbidden } from './sentinelone.errors.js';
import { systemClock } from './clock.js';

const unlimited = { perSecond: 1_000_000, burst: 1_000_000 };
const rates = { '/agents': unlimited, '/threats': unlimited, '/sites': unlimited };
const SCOPE = { siteIds: ['11', '12'], accountIds: ['7'] };

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
    ...options,
  });

const siteScoped = json({ errors: [{ code: 4030010, title: 'Insufficient permissions', detail: null }] }, 403);
const records = page([{ id: '1' }], { nextCursor: null, totalItems: 1 });

/** A console whose token is one of sites: it refuses whoever asks for accounts. */
const onlyBySites: Reply = (asked, response) => (asked.query.has('accountIds') ? siteScoped : records)(asked, response);

const scopesAsked = (): string[] =>
  tenant.asked.map(({ query }) => `sites ${query.get('siteIds') ?? '-'}, accounts ${query.get('accountIds') ?? '-'}`);

async function refusal(call: Promise<unknown>): Promise<Forbidden> {
  try {
    await call;
  } catch (error) {
    if (error instanceof Forbidden) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

describe('a token of site scope, with sites and accounts configured', () => {
  it('is asked again at once for the sites alone, and from then on', async () => {
    tenant.replies(onlyBySites);
    const told: unknown[] = [];
    const reader = client({ ...SCOPE, onScopeFallback: (scope, { code }) => told.push({ scope, code }) });
    expect(reader.scope).toEqual(SCOPE);
    expect((await reader.agentsPage({})).agents).toEqual([{ id: '1' }]);
    for await (const { threats } of reader.threatPages({ updatedSince: '2025-01-01T00:00:00Z' }))
      expect(threats).toHaveLength(1);
    expect(scopesAsked()).toEqual(['sites 11,12, accounts 7', 'sites 11,12, accounts -', 'sites 11,12, accounts -']);
    expect(reader.scope).toEqual({ siteIds: ['11', '12'] });
    expect(told).toEqual([{ scope: { siteIds: ['11', '12'] }, code: 4030010 }]);
  });

  it('several listings at once fall back together, and tell it once', async () => {
    tenant.replies(onlyBySites);
    let told = 0;
    const reader = client({ ...SCOPE, onScopeFallback: () => void told++ });
    const answers = await Promise.all([reader.agentsPage({}), reader.agentsPage({}), reader.agentsPage({ limit: 1 })]);
    expect(answers.map(({ agents }) => agents.length)).toEqual([1, 1, 1]);
    expect(told).toBe(1);
  });

  it('a listing under way ends rather than go on in another scope than its cursor knows', async () => {
    tenant.replies(page([{ id: '1' }], { nextCursor: 'c1' }), siteScoped);
    const reader = client(SCOPE);
    const pages = reader.agentPages({ limit: 1 });
    await pages.next();
    await expect(pages.next()).rejects.toThrow(Forbidden);
    expect(scopesAsked()).toEqual(['sites 11,12, accounts 7', 'sites 11,12, accounts 7']);
  });

  it('the pages after the first are asked for in the scope that the first was', async () => {
    let asked = 0;
    tenant.replies((request, response) => {
      const next = ++asked < 4 ? page([{ id: '1' }], { nextCursor: `c${asked}` }) : records;
      (request.query.has('accountIds') ? siteScoped : next)(request, response);
    });
    for await (const _ of client(SCOPE).agentPages({ limit: 1 })) expect(asked).toBeGreaterThan(0);
    expect(scopesAsked()).toEqual(['sites 11,12, accounts 7', ...Array(3).fill('sites 11,12, accounts -')]);
  });

  it('a token that may not read even those sites is refused, with those that it may read', async () => {
    tenant.replies(siteScoped, siteScoped, json({ data: { sites: [{ id: '13', name: 'Lab' }] } }));
    const refused = await refusal(client(SCOPE).agentsPage({}));
    expect(refused.message).toContain('configure their ids (SENTINELONE_SITE_IDS). It may read 13 (Lab).');
    expect(tenant.asked).toHaveLength(3);
  });
});

describe('a token of site scope, with no sites configured', () => {
  it('is refused with the sites that it may read', async () => {
    const sites = Array.from({ length: 12 }, (_, index) => ({ id: String(index), name: `Site ${index}` }));
    tenant.replies(siteScoped, json({ data: { sites } }));
    const refused = await refusal(client({ accountIds: ['7'] }).agentCount());
    expect(refused.siteScoped).toBe(true);
    expect(refused.endpoint).toBe('/web/api/v2.1/agents/count');
    expect(refused.message).toContain('It may read 0 (Site 0), 1 (Site 1),');
    expect(refused.message).toContain('9 (Site 9) and 2 more.');
    expect(refused.sites).toHaveLength(12);
  });

  it.each([
    ['it may not ask for them', siteScoped],
    ['there is no such call', json({}, 404)],
    ['the answer is nonsense', json({ data: 7 })],
  ])('is refused without them when %s', async (_, reply) => {
    tenant.replies(siteScoped, reply);
    const refused = await refusal(client().agentsPage({}));
    expect(refused.message).toMatch(/configure their ids \(SENTINELONE_SITE_IDS\)\.$/);
    expect(tenant.asked).toHaveLength(2);
  });
});

it('a refusal for want of a role is no matter of scope: nothing is asked again', async () => {
  tenant.replies(json({ errors: [{ code: 4030000, title: 'Insufficient permissions' }] }, 403));
  const reader = client(SCOPE);
  expect((await refusal(reader.agentsPage({}))).siteScoped).toBe(false);
  expect(tenant.asked).toHaveLength(1);
  expect(reader.scope).toEqual(SCOPE);
});
