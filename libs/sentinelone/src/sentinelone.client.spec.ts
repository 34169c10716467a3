import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ManualClock } from './fixtures/manual-clock.js';
import {
  hangUp,
  json,
  page,
  silence,
  startScriptedConsole,
  text,
  type Reply,
  type ScriptedConsole,
} from './fixtures/scripted-console.js';
import { RateLimits } from './rate-limit.js';
import { SentinelOneClient, type SentinelOneClientOptions } from './sentinelone.client.js';
import {
  AuthenticationFailed,
  BadRequest,
  ConsoleUnavailable,
  Forbidden,
  MalformedAnswer,
  RateLimited,
  SentinelOneError,
  UnexpectedStatus,
} from './sentinelone.errors.js';

const TOKEN = 'eyJhbGciOiJFUzI1NiJ9.c2VjcmV0/cGF5bG9hZA+x';
const unlimited = { perSecond: 1_000_000, burst: 1_000_000 };

let tenant: ScriptedConsole;
let clock: ManualClock;
beforeEach(async () => {
  tenant = await startScriptedConsole();
  clock = new ManualClock();
});
afterEach(() => tenant.close());

const client = (options: Partial<SentinelOneClientOptions> = {}): SentinelOneClient =>
  new SentinelOneClient({
    baseUrl: tenant.url,
    token: () => TOKEN,
    rateLimits: new RateLimits(clock, { '/agents': unlimited, '/system': unlimited, '/users': unlimited }),
    clock,
    random: () => 1,
    ...options,
  });

async function failure(call: Promise<unknown>): Promise<SentinelOneError> {
  try {
    await call;
  } catch (error) {
    if (error instanceof SentinelOneError) return error;
    throw error;
  }
  throw new Error('it did not fail');
}

const error = (code: number, title: string): unknown => ({ errors: [{ code, title, detail: null, params: {} }] });

describe('probes', () => {
  it('system info gives what the console says about itself', async () => {
    tenant.replies(json({ data: { build: '57', release: 'S' } }));
    expect(await client().systemInfo()).toEqual({ build: '57', release: 'S' });
    expect(tenant.asked[0]?.target).toBe('/web/api/v2.1/system/info');
  });

  it.each([true, false])('the viewer check gives %s', async (success) => {
    tenant.replies(json({ data: { success } }));
    expect(await client().viewerAuthCheck()).toBe(success);
    expect(tenant.asked[0]?.target).toBe('/web/api/v2.1/users/viewer-auth-check');
  });

  it.each([{}, { data: [] }, { data: {} }, { data: { success: 'yes' } }])(
    'the viewer check does not guess from %j',
    async (body) => {
      tenant.replies(json(body));
      expect(await failure(client().viewerAuthCheck())).toBeInstanceOf(MalformedAnswer);
    },
  );
});

describe('an answer that is final is an error at once, never "no data"', () => {
  it.each<[string, Reply, new (...given: never[]) => SentinelOneError, Record<string, unknown>]>([
    ['401', json(error(4010010, 'Authentication Failed'), 401), AuthenticationFailed, { status: 401, code: 4010010 }],
    [
      '401 of another form',
      json({ error: { errors: [{ message: 'expired' }] } }, 401),
      AuthenticationFailed,
      { title: 'expired' },
    ],
    ['401 without a body', text('', 401), AuthenticationFailed, { status: 401 }],
    ['403', json(error(4030000, 'Insufficient permissions'), 403), Forbidden, { code: 4030000, siteScoped: false }],
    ['403 for a user of site scope', json(error(4030010, 'x'), 403), Forbidden, { code: 4030010, siteScoped: true }],
    [
      '400',
      json(error(400010, 'Bad parameter given'), 400),
      BadRequest,
      { code: 400010, title: 'Bad parameter given' },
    ],
    ['404', json(error(4040010, 'Not found'), 404), UnexpectedStatus, { status: 404 }],
    ['404 with data', json({ data: [], pagination: { nextCursor: null, totalItems: 0 } }, 404), UnexpectedStatus, {}],
    ['204', text('', 204), UnexpectedStatus, { status: 204 }],
    ['302', text('', 302, { location: 'https://login.example/?next=1' }), UnexpectedStatus, { status: 302 }],
    ['HTML', text('<!doctype html><title>Sign in</title>'), MalformedAnswer, {}],
    ['nothing', text(''), MalformedAnswer, {}],
    ['JSON cut short', text('{"data": [{"id": "1"'), MalformedAnswer, {}],
    ['JSON that is no object', json([]), MalformedAnswer, {}],
    ['JSON null', json(null), MalformedAnswer, {}],
    ['no data', json({ pagination: { nextCursor: null } }), MalformedAnswer, {}],
    ['data null', json({ data: null }), MalformedAnswer, {}],
    ['data that is no list', json({ data: { agents: [] } }), MalformedAnswer, {}],
    ['pagination that is a list', json({ data: [], pagination: [] }), MalformedAnswer, {}],
    ['a cursor that is a number', page([], { nextCursor: 7 }), MalformedAnswer, {}],
    ['a total that is text', page([], { nextCursor: null, totalItems: 'many' }), MalformedAnswer, {}],
    ['errors beside data', json({ data: [], ...Object(error(5000010, 'x')) }), MalformedAnswer, { code: 5000010 }],
  ])('%s', async (_, reply, kind, fields) => {
    tenant.replies(reply);
    const failed = await failure(client().agentsPage({}));
    expect(failed).toBeInstanceOf(kind);
    expect(failed).toMatchObject({ ...fields, endpoint: '/web/api/v2.1/agents' });
    expect(tenant.asked.filter(({ path }) => path === '/web/api/v2.1/agents')).toHaveLength(1);
  });

  it('a redirect is named, and the token does not follow it', async () => {
    const elsewhere = await startScriptedConsole();
    tenant.replies(text('', 307, { location: `${elsewhere.url}/web/api/v2.1/agents?x=1` }));
    const failed = await failure(client().agentsPage({}));
    expect(failed.message).toContain(`redirected (307) to ${elsewhere.url}`);
    expect(elsewhere.asked).toEqual([]);
    await elsewhere.close();
  });

  it('an answer of boundless size is given up', async () => {
    tenant.replies(text(`{"data":["${'x'.repeat(200_000)}"]}`));
    expect((await failure(client({ maxAnswerBytes: 100_000 }).agentsPage({}))).message).toMatch(
      /larger than 100000 bytes/,
    );
  });
});

describe('what may pass by itself is tried again', () => {
  const fine = page([], { nextCursor: null, totalItems: 0 });

  it.each<[string, Reply]>([
    ['429', json(error(4290010, 'x'), 429)],
    ['408', text('', 408)],
    ['500', json(error(5000010, 'x'), 500)],
    ['502 from a proxy', text('<html>502</html>', 502)],
    ['503', text('', 503)],
    ['504', text('', 504)],
    ['a connection closed without an answer', hangUp],
    [
      'an answer that breaks off',
      (_, response) => {
        response.writeHead(200, { 'content-length': '500' });
        response.write('{"data": [', () => response.destroy());
      },
    ],
  ])('%s, with growing delays', async (_, reply) => {
    tenant.replies(reply, reply, fine);
    const call = client().agentsPage({});
    await clock.pass(1_000);
    await clock.pass(2_000);
    expect((await call).agents).toEqual([]);
    expect(tenant.asked).toHaveLength(3);
  });

  it('silence, once the time for an answer is over', async () => {
    tenant.replies(silence, fine);
    const call = client({ timeoutMs: 5_000 }).agentsPage({});
    await tenant.requests(1);
    await clock.pass(5_000);
    await clock.pass(1_000);
    expect((await call).agents).toEqual([]);
    expect(tenant.asked).toHaveLength(2);
  });

  it('a body that never ends counts as silence', async () => {
    tenant.replies((_, response) => void response.writeHead(200).write('{"data": ['), fine);
    const call = client({ timeoutMs: 5_000 }).agentsPage({});
    await tenant.requests(1);
    await clock.pass(5_000);
    await clock.pass(1_000);
    expect((await call).agents).toEqual([]);
    expect(tenant.asked).toHaveLength(2);
  });

  it.each([
    ['seconds', '7'],
    ['an HTTP date', 'Thu, 01 Jan 2026 00:00:07 GMT'],
  ])('as soon as Retry-After in %s says, no sooner', async (_, retryAfter) => {
    const date = 'Thu, 01 Jan 2026 00:00:00 GMT';
    tenant.replies(json(error(4290010, 'x'), 429, { 'retry-after': retryAfter, date }), fine);
    const call = client({ random: () => 0 }).agentsPage({});
    await clock.pass(7_000);
    expect((await call).agents).toEqual([]);
  });

  it('five times in all, then the error says what happened', async () => {
    tenant.replies(text('<title>Bad Gateway</title>', 502));
    const call = failure(client().agentsPage({}));
    for (const delay of [1_000, 2_000, 4_000, 8_000]) await clock.pass(delay);
    const failed = await call;
    expect(failed).toBeInstanceOf(ConsoleUnavailable);
    expect(failed).toMatchObject({ status: 502, attempts: 5, detail: 'Bad Gateway' });
    expect(tenant.asked).toHaveLength(5);
  });

  it('429 to the end gives when to come back', async () => {
    tenant.replies(json(error(4290010, 'slow down'), 429, { 'retry-after': '120' }));
    const failed = await failure(client({ maxAttempts: 1 }).agentsPage({}));
    expect(failed).toBeInstanceOf(RateLimited);
    expect(failed).toMatchObject({ status: 429, code: 4290010, retryAfterMs: 120_000 });
  });

  it.each([429, 503])(
    '%i that asks for minutes fails at once, and nobody asks before they are over',
    async (status) => {
      const rateLimits = new RateLimits(clock, { '/agents': unlimited });
      tenant.replies(json({}, status, { 'retry-after': '120' }), fine);
      const shared = { rateLimits, random: () => 0 };
      expect(await failure(client(shared).agentsPage({}))).toMatchObject({ status, retryAfterMs: 120_000 });
      const other = client(shared).agentsPage({});
      await clock.pass(120_000);
      await other;
      expect(tenant.asked).toHaveLength(2);
    },
  );

  it('a limit met by one caller holds back the others of the same token', async () => {
    const rateLimits = new RateLimits(clock, { '/agents': unlimited });
    tenant.replies(json({}, 429, { 'retry-after': '7' }), fine);
    const shared = { rateLimits, random: () => 0, maxAttempts: 1 };
    expect(await failure(client(shared).agentsPage({}))).toBeInstanceOf(RateLimited);
    const other = client(shared).agentsPage({});
    await clock.pass(7_000);
    await other;
    expect(tenant.asked).toHaveLength(2);
  });

  it.each([429, 503])('a Retry-After with %i holds back the whole token, other endpoints included', async (status) => {
    const rateLimits = new RateLimits(clock);
    tenant.replies(json({}, status, { 'retry-after': '7' }), json({ data: { success: true } }));
    const shared = { rateLimits, random: () => 0, maxAttempts: 1 };
    expect((await failure(client(shared).agentsPage({}))).status).toBe(status);
    const other = client(shared).viewerAuthCheck();
    await clock.pass(7_000);
    expect(await other).toBe(true);
  });

  it('a 429 that does not say how long holds back its endpoint alone', async () => {
    const rateLimits = new RateLimits(clock, { '/agents': unlimited, '/users': unlimited });
    tenant.replies(json({}, 429), json({ data: { success: true } }));
    expect(await failure(client({ rateLimits, maxAttempts: 1 }).agentsPage({}))).toBeInstanceOf(RateLimited);
    expect(await client({ rateLimits }).viewerAuthCheck()).toBe(true);
  });

  it('nobody listening is an error that names the cause', async () => {
    await tenant.close();
    const failed = await failure(client({ maxAttempts: 1 }).agentsPage({}));
    expect(failed).toBeInstanceOf(ConsoleUnavailable);
    expect(failed.message).toMatch(/ECONNREFUSED.*check the console URL/);
    tenant = await startScriptedConsole();
  });

  it('an abort ends the wait between two attempts', async () => {
    tenant.replies(text('', 503));
    const controller = new AbortController();
    const call = client().systemInfo({ signal: controller.signal });
    await tenant.requests(1);
    controller.abort(new Error('shutting down'));
    await expect(call).rejects.toThrow('shutting down');
    expect(tenant.asked).toHaveLength(1);
  });
});

describe('rate', () => {
  it('a second request to the agents waits a little longer than the documented 40 ms', async () => {
    tenant.replies(page([], { nextCursor: null }));
    const limited = client({ rateLimits: new RateLimits(clock) });
    await limited.agentsPage({});
    const second = limited.agentsPage({});
    await clock.pass(45);
    expect((await second).agents).toEqual([]);
  });
});

describe('the token', () => {
  it('is asked for anew before each attempt, so that a new one counts at once', async () => {
    const tokens = ['old', 'new\n'];
    tenant.replies(text('', 503), json({ data: {} }));
    const call = client({ token: () => Promise.resolve(tokens.shift() ?? '') }).systemInfo();
    await clock.pass(1_000);
    await call;
    expect(tenant.asked.map(({ headers }) => headers.authorization)).toEqual(['ApiToken old', 'ApiToken new']);
  });

  it.each(['', '  \n', 'two words', 'with\u0000control', 'schlüssel'])('%j is not even sent', async (token) => {
    const failed = await failure(client({ token: () => token }).systemInfo());
    expect(failed).toBeInstanceOf(AuthenticationFailed);
    expect(failed.message).toMatch(/no usable API token/);
    expect(tenant.asked).toEqual([]);
  });

  const echoes = (asked: { headers: { authorization?: string | undefined } }): string =>
    asked.headers.authorization ?? '';
  it.each<[string, Reply]>([
    ['in an error title', (asked, response) => json(error(4010010, `bad: ${echoes(asked)}`), 401)(asked, response)],
    ['on an error page', (asked, response) => text(`<title>${echoes(asked)}</title>`, 502)(asked, response)],
    ['as plain text', (asked, response) => text(echoes(asked).replace('ApiToken ', ''), 400)(asked, response)],
    ['instead of JSON', (asked, response) => text(echoes(asked))(asked, response)],
    [
      'in errors beside data',
      (asked, response) => json({ data: [], errors: [{ title: echoes(asked) }] })(asked, response),
    ],
    [
      'in a redirect',
      (asked, response) =>
        text('', 302, { location: `https://x.example/?t=${encodeURIComponent(echoes(asked))}` })(asked, response),
    ],
  ])('is in no error when the console echoes it %s', async (_, reply) => {
    tenant.replies(reply);
    const failed = await failure(client({ maxAttempts: 1 }).agentsPage({}));
    const everything = `${failed.stack} ${JSON.stringify(failed, Object.getOwnPropertyNames(failed))} ${String(failed.cause)}`;
    expect(everything).not.toMatch(/eyJhbGci|c2VjcmV0|cGF5bG9hZA/);
  });
});
