import { afterEach, describe, expect, test } from '@jest/globals';
import { call, closeTenants, NOON, refused, tenantWith } from './tenant.fixture.js';

afterEach(closeTenants);

const withToken = (token: string) => ({ authorization: `ApiToken ${token}` });

describe('tokens', () => {
  test('expire at their time on the tenant’s clock', async () => {
    let now = NOON;
    const tenant = await tenantWith({ clock: () => now, tokenExpiresAt: NOON + 60_000 });
    expect((await call(tenant, '/agents')).status).toBe(200);
    now += 59_999;
    expect((await call(tenant, '/agents')).status).toBe(200);
    now += 1;
    expect(await refused(await call(tenant, '/agents'))).toMatchObject({ status: 401, code: 4010010 });
    tenant.clock.skew(-1_000);
    expect((await call(tenant, '/agents')).status).toBe(200);
  });

  test('can be expired at once, and a new one works again', async () => {
    const tenant = await tenantWith();
    tenant.tokens.expire();
    expect((await call(tenant, '/agents')).status).toBe(401);
    tenant.tokens.replace();
    expect((await call(tenant, '/agents')).status).toBe(200);
  });

  test('replaced at run time, the old one is refused, and the new one has its scope', async () => {
    const tenant = await tenantWith({ token: 'first', scope: { siteIds: ['11'] } });
    expect(tenant.tokens.replace('second')).toBe('second');
    expect(tenant.token).toBe('second');
    expect((await call(tenant, '/system/info', withToken('first'))).status).toBe(401);
    expect((await call(tenant, '/system/info', withToken('second'))).status).toBe(200);
    expect((await call(tenant, '/agents')).status).toBe(403);
    expect(new Set([tenant.tokens.replace(), tenant.tokens.replace(), 'second']).size).toBe(3);
  });

  test('several work side by side, each with a budget of its own', async () => {
    const limits = { '/agents': { perSecond: 1, burst: 1 } };
    const tenant = await tenantWith({ token: 'one', rateLimits: limits, monotonicClock: () => 0 });
    tenant.tokens.issue('two', { scope: { siteIds: ['11'] } });
    const statuses: number[] = [];
    for (const token of ['one', 'one', 'two', 'two'])
      statuses.push((await call(tenant, '/agents?siteIds=11', withToken(token))).status);
    expect(statuses).toEqual([200, 429, 200, 429]);
    tenant.tokens.revoke('two');
    expect((await call(tenant, '/system/info', withToken('two'))).status).toBe(401);
  });

  test.each(['', 'ApiToken', 'ApiToken ', 'apitoken simulated-token', 'ApiToken  simulated-token', 'simulated-token'])(
    'are refused under the header "%s"',
    async (authorization) => {
      const tenant = await tenantWith();
      expect((await call(tenant, '/system/info', { authorization })).status).toBe(401);
    },
  );
});
