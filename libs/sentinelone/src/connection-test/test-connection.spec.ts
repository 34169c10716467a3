import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  hangUp,
  json,
  startScriptedConsole,
  text,
  type Reply,
  type ScriptedConsole,
} from '../fixtures/scripted-console.js';
import { RateLimits } from '../rate-limit.js';
import { systemClock } from '../clock.js';
import type { ConnectionStep } from './step.js';
import { testConnection, type ConnectionTestOptions } from './test-connection.js';

const TOKEN = 'token-of-the-test-0123456789';
const unlimited = { perSecond: 1_000_000, burst: 1_000_000 };
const rates = Object.fromEntries(['/agents', '/sites', '/users', '/system'].map((path) => [path, unlimited]));
const API = '/web/api/v2.1';

const agent = (over: object = {}): object => ({
  id: '1086513476221472121',
  serialNumber: 'PF2ABCDE',
  updatedAt: '2025-03-04T03:33:21.123456Z',
  ...over,
});
const pageOf = (...records: object[]): Reply =>
  json({ data: records, pagination: { nextCursor: null, totalItems: records.length } });
const refused = (code: number, status: number): Reply =>
  json({ errors: [{ code, title: 'Refused', detail: null }] }, status);

/** What a console in good health answers, by path. */
const HEALTHY: Record<string, Reply> = {
  '/': text('<title>Sign in</title>'),
  [`${API}/system/info`]: json({ data: { release: 'S', version: '24.1', build: '57' } }),
  [`${API}/users/viewer-auth-check`]: json({ data: { success: true } }),
  [`${API}/sites`]: json({
    data: {
      sites: [
        { id: '11', name: 'Office' },
        { id: '12', name: 'Lab' },
      ],
    },
  }),
  [`${API}/agents/count`]: json({ data: { total: 2_500 } }),
  [`${API}/agents`]: pageOf(agent(), agent({ id: '2', serialNumber: 'PF2ABCDF', updatedAt: '2025-03-05T00:00:00Z' })),
};

let tenant: ScriptedConsole;
beforeEach(async () => {
  tenant = await startScriptedConsole();
});
afterEach(() => tenant.close());

async function test(
  changed: Record<string, Reply> = {},
  options: Partial<ConnectionTestOptions> = {},
): Promise<ConnectionStep[]> {
  const answers = { ...HEALTHY, ...changed };
  tenant.replies((asked, response) => (answers[asked.path] ?? json({}, 404))(asked, response));
  const steps: ConnectionStep[] = [];
  const given = {
    url: tenant.url,
    token: () => TOKEN,
    pollIntervalMs: 10_000,
    sweepIntervalMs: 900_000,
    random: () => 0,
  };
  for await (const step of testConnection({ ...given, rateLimits: new RateLimits(systemClock, rates), ...options }))
    steps.push(step);
  return steps;
}

const outcomes = (steps: readonly ConnectionStep[]): string =>
  steps.map(({ name, outcome }) => `${name} ${outcome}`).join(', ');
const step = (steps: readonly ConnectionStep[], name: string): ConnectionStep | undefined =>
  steps.find((one) => one.name === name);

describe('a connection in good order', () => {
  it('is found so, step by step', async () => {
    const steps = await test();
    expect(outcomes(steps)).toBe('address ok, token ok, permission ok, scope ok, rate ok, first-page ok');
    expect(steps.map(({ found }) => found)).toEqual([
      expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+ answers \(200, \d+ ms\)$/),
      'the console accepts the token (S 24.1 57)',
      'the token has at least the role Viewer',
      'all that the token may see (2 sites): 2500 agents',
      '3 pages of 1000; at 22.5 of 25 requests/s a first sync, and each sweep, takes 0.13 s or more; polls and sweeps use 1 % of the rate',
      expect.stringMatching(
        /^2 records in \d+ ms; 0 without a usable serial number; changed 2025-03-04T03:33:21.123456Z to 2025-03-05T00:00:00.000000Z; clocks agree; at this pace a first sync takes about [\d.]+ s$/,
      ),
    ]);
  });

  it('is asked for without a token at the address, and only read', async () => {
    await test();
    expect(tenant.asked.map(({ path, headers }) => [path, headers.authorization])).toEqual([
      ['/', undefined],
      ...['/system/info', '/users/viewer-auth-check', '/sites', '/agents/count', '/agents'].map((path) => [
        API + path,
        `ApiToken ${TOKEN}`,
      ]),
    ]);
  });

  it('tells each step before it begins the next', async () => {
    tenant.replies(json({ data: {} }));
    const steps = testConnection({
      url: tenant.url,
      token: () => TOKEN,
      pollIntervalMs: 10_000,
      sweepIntervalMs: 900_000,
    });
    expect((await steps.next()).value).toMatchObject({ name: 'address', outcome: 'ok' });
    expect(tenant.asked).toHaveLength(1);
    await steps.return();
  });
});

describe('what stops a connection is named, with what to fix, and what follows is skipped', () => {
  it.each<[string, string, Record<string, Reply>, Partial<ConnectionTestOptions>, RegExp, RegExp]>([
    [
      'an address that is none',
      'address',
      {},
      { url: 'ftp://x' },
      /the console URL has the scheme ftp/,
      /Write it as https/,
    ],
    [
      'an address in the clear',
      'address',
      {},
      { url: 'http://x.example' },
      /uses http for x\.example/,
      /Write it as https/,
    ],
    [
      'a host nobody knows',
      'address',
      {},
      { url: 'https://nobody.invalid' },
      /ENOTFOUND|EAI_AGAIN/,
      /check the console URL and DNS/i,
    ],
    ['a broken connection', 'address', { '/': hangUp }, {}, /does not answer/, /check the console URL/i],
    [
      'a token refused',
      'token',
      { [`${API}/system/info`]: refused(4010010, 401) },
      {},
      /401 \(4010010: Refused\)/,
      /Create a new token/,
    ],
    ['no token', 'token', {}, { token: () => ' ' }, /no usable API token/, /Create a new token/],
    [
      'a login page',
      'token',
      { [`${API}/system/info`]: text('<html>Sign in</html>') },
      {},
      /HTML page/,
      /no proxy or login page/,
    ],
    [
      'another server',
      'token',
      { [`${API}/system/info`]: json({}, 404) },
      {},
      /unexpected status 404/,
      /address of a SentinelOne console/,
    ],
    [
      'a console in trouble',
      'token',
      { [`${API}/system/info`]: text('', 502) },
      {},
      /failed with 502/,
      /in a few minutes/,
    ],
    [
      'no role',
      'permission',
      { [`${API}/users/viewer-auth-check`]: json({ data: { success: false } }) },
      {},
      /not have the role Viewer/,
      /Give the Service User the role Viewer/,
    ],
    [
      'no permission',
      'permission',
      { [`${API}/users/viewer-auth-check`]: refused(4030000, 403) },
      {},
      /403/,
      /Give the Service User the role Viewer/,
    ],
    [
      'a site that is not seen',
      'scope',
      {},
      { siteIds: ['11', '99'] },
      /does not see 1 configured site: 99/,
      /It sees 11 \(Office\), 12 \(Lab\): correct/,
    ],
    [
      'accounts for a token of sites',
      'scope',
      { [`${API}/agents/count`]: refused(4030010, 403) },
      { accountIds: ['7'] },
      /4030010/,
      /SENTINELONE_SITE_IDS\)\. It may read 11 \(Office\), 12 \(Lab\)/,
    ],
    [
      'a page that cannot be read',
      'first-page',
      { [`${API}/agents`]: json({ data: {} }) },
      {},
      /not a list/,
      /console URL/,
    ],
    [
      'records that cannot be read',
      'first-page',
      { [`${API}/agents`]: pageOf({ uuid: 'x' }) },
      {},
      /1 unreadable \(The record has no id\)/,
      /no agent is retired/,
    ],
  ])('%s', async (_, name, changed, options, found, fix) => {
    const steps = await test(changed, options);
    expect(step(steps, name)).toMatchObject({
      found: expect.stringMatching(found),
      fix: expect.stringMatching(fix),
    });
    const order = ['address', 'token', 'permission', 'scope', 'rate', 'first-page'];
    const at = order.indexOf(name);
    const outcomeAt = (index: number): string => (index < at ? 'ok' : index === at ? 'failed' : 'skipped');
    expect(outcomes(steps)).toBe(order.map((each, index) => `${each} ${outcomeAt(index)}`).join(', '));
  });

  it('a port where nobody listens', async () => {
    const { url } = tenant;
    await tenant.close();
    const steps = await test({}, { url });
    expect(outcomes(steps)).toMatch(/^address failed, token skipped/);
    expect(steps[0]).toMatchObject({ found: `${url} does not answer: ECONNREFUSED` });
    tenant = await startScriptedConsole();
  });
});

describe('what makes a connection worse is a warning, with what to fix', () => {
  it.each<[string, string, Record<string, Reply>, Partial<ConnectionTestOptions>, RegExp, RegExp]>([
    [
      'no agents',
      'scope',
      { [`${API}/agents/count`]: json({ data: { total: 0 } }) },
      {},
      /no agent in this scope/,
      /scope of the Service User/,
    ],
    [
      'sites that cannot be compared',
      'scope',
      { [`${API}/sites`]: refused(4030000, 403) },
      { siteIds: ['11'] },
      /does not list its sites/,
      /number of agents/,
    ],
    [
      'polls too often',
      'rate',
      {},
      { pollIntervalMs: 50 },
      /use 222 % of the rate/,
      /Poll less often: at most every 0\.11 s/,
    ],
    [
      'sweeps too often',
      'rate',
      { [`${API}/agents/count`]: json({ data: { total: 100_000 } }) },
      { sweepIntervalMs: 1_000 },
      /100 pages/,
      /Sweep less often/,
    ],
    [
      'some records unreadable',
      'first-page',
      { [`${API}/agents`]: pageOf(agent(), { id: null }) },
      {},
      /2 records .* 1 unreadable/,
      /no agent is retired/,
    ],
    [
      'most without a serial number',
      'first-page',
      { [`${API}/agents`]: pageOf(agent({ serialNumber: '' })) },
      {},
      /1 without a usable serial/,
      /external ids, MAC addresses/,
    ],
    [
      'serial numbers shared',
      'first-page',
      { [`${API}/agents`]: pageOf(agent(), agent({ serialNumber: 'pf2abcde' }), agent({ serialNumber: null })) },
      {},
      /3 without a usable serial number \(1 have none, 2 share theirs\)/,
      /external ids/,
    ],
    [
      'no times',
      'first-page',
      { [`${API}/agents`]: pageOf(agent({ updatedAt: null })) },
      {},
      /none says when it changed/,
      /only sweeps show changes/,
    ],
    ['an empty page', 'first-page', { [`${API}/agents`]: pageOf() }, {}, /first page is empty/, /scope/],
    [
      'clocks apart',
      'first-page',
      { [`${API}/agents`]: json({ data: [agent()] }, 200, { date: new Date(Date.now() + 3_600_000).toUTCString() }) },
      {},
      /clock is (3[45]\d\d|3600) s ahead of this one/,
      /NTP/,
    ],
  ])('%s', async (_, name, changed, options, found, fix) => {
    const steps = await test(changed, options);
    expect(step(steps, name)).toMatchObject({
      outcome: 'warning',
      found: expect.stringMatching(found),
      fix: expect.stringMatching(fix),
    });
    expect(outcomes(steps)).not.toMatch(/failed|skipped/);
  });

  it('accounts that a token of sites may not ask for are left out', async () => {
    const bySites: Reply = (asked, response) =>
      (asked.query.has('accountIds') ? refused(4030010, 403) : json({ data: { total: 7 } }))(asked, response);
    const steps = await test({ [`${API}/agents/count`]: bySites }, { siteIds: ['11'], accountIds: ['7'] });
    expect(step(steps, 'scope')).toMatchObject({
      outcome: 'warning',
      found: 'the token is limited to sites: the configured accounts are left out, 7 agents',
    });
    expect(tenant.asked.at(-1)?.query.get('siteIds')).toBe('11');
    expect(tenant.asked.at(-1)?.query.has('accountIds')).toBe(false);
  });
});

describe('a console that lacks a call is tested by the others', () => {
  it.each<[string, Record<string, Reply>]>([
    ['viewer-auth-check', { [`${API}/users/viewer-auth-check`]: json({}, 404) }],
    ['sites', { [`${API}/sites`]: json({}, 404) }],
    ['agents/count', { [`${API}/agents/count`]: json({}, 404) }],
    ['system/info, by permission', { [`${API}/system/info`]: refused(4030000, 403) }],
  ])('%s', async (_, changed) => {
    expect(outcomes(await test(changed))).toBe('address ok, token ok, permission ok, scope ok, rate ok, first-page ok');
  });
});

it('no step holds the token, whatever the console echoes', async () => {
  const echo: Reply = (asked, response) => text(`<title>${asked.headers.authorization}</title>`, 401)(asked, response);
  const steps = await test({ [`${API}/system/info`]: echo, [`${API}/users/viewer-auth-check`]: echo });
  expect(JSON.stringify(steps)).not.toContain(TOKEN);
});

it('an abort ends the test with its reason', async () => {
  const signal = AbortSignal.abort(new Error('interrupted'));
  await expect(test({}, { signal })).rejects.toThrow('interrupted');
});
