import { afterEach, describe, expect, test } from '@jest/globals';
import { DOCUMENTED_RATE_LIMITS } from './rate-limits.js';
import { startSentinelOneTenant } from './tenant.js';
import { closeTenants, call, refused, tenantWith } from './tenant.fixture.js';

afterEach(closeTenants);

describe('rate limits', () => {
  test('/agents lets one request pass every 40 ms, and answers 429 with Retry-After in between', async () => {
    let elapsed = 0;
    const tenant = await tenantWith({ rateLimits: DOCUMENTED_RATE_LIMITS, monotonicClock: () => elapsed });
    const statusAt = async (time: number) => {
      elapsed = time;
      const answer = await call(tenant, '/agents?limit=1');
      await answer.arrayBuffer();
      return answer.status;
    };
    expect([
      await statusAt(0),
      await statusAt(0),
      await statusAt(39),
      await statusAt(40),
      await statusAt(41),
      await statusAt(80),
    ]).toEqual([200, 429, 429, 200, 429, 200]);
    const limited = await call(tenant, '/agents/count');
    expect(limited.headers.get('retry-after')).toBe('1');
    expect(await refused(limited)).toMatchObject({ status: 429, code: 4290010 });
  });

  test('/threats lets 50 pass at once and then 10 a second; other calls have buckets of their own', async () => {
    let elapsed = 0;
    const tenant = await tenantWith({ rateLimits: DOCUMENTED_RATE_LIMITS, monotonicClock: () => elapsed });
    const passed = async (count: number) => {
      const answers = await Promise.all(Array.from({ length: count }, () => call(tenant, '/threats')));
      return answers.filter(({ ok }) => ok).length;
    };
    expect(await passed(60)).toBe(50);
    elapsed += 1000;
    expect(await passed(20)).toBe(10);
    expect((await call(tenant, '/agents')).status).toBe(200);
    expect((await call(tenant, '/users/viewer-auth-check')).status).toBe(200);
  });

  test('hold by default, and a refused token uses up nothing', async () => {
    const tenant = await tenantWith({ rateLimits: DOCUMENTED_RATE_LIMITS, monotonicClock: () => 0 });
    expect((await call(tenant, '/agents', { authorization: 'ApiToken wrong' })).status).toBe(401);
    expect((await call(tenant, '/agents')).status).toBe(200);
    const untouched = await startSentinelOneTenant({ monotonicClock: () => 0 });
    const statuses = [(await call(untouched, '/agents')).status, (await call(untouched, '/agents')).status];
    await untouched.close();
    expect(statuses).toEqual([200, 429]);
  });
});
