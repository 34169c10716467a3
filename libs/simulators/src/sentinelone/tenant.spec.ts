import { request } from 'node:http';
import { afterEach, describe, expect, test } from '@jest/globals';
import { startSentinelOneTenant } from './tenant.js';
import { closeTenants, call, page, refused, tenantWith } from './tenant.fixture.js';

afterEach(closeTenants);

describe('the simulated tenant - access', () => {
  test.each([
    ['no header', {}],
    ['a wrong token', { authorization: 'ApiToken wrong' }],
    ['the old scheme of API 1.6', { authorization: 'Token simulated-token' }],
    ['a bearer scheme', { authorization: 'Bearer simulated-token' }],
  ])('answers 401 with code 4010010 to %s', async (_case, headers: Record<string, string>) => {
    const tenant = await tenantWith();
    const answer = await fetch(`${tenant.url}/web/api/v2.1/system/info`, { headers });
    expect(await refused(answer)).toMatchObject({ status: 401, code: 4010010 });
  });

  test('tells a Viewer that it is one, and says what console it is', async () => {
    const tenant = await tenantWith();
    expect(await (await call(tenant, '/users/viewer-auth-check')).json()).toEqual({
      data: { success: true },
      errors: null,
    });
    expect(await (await call(tenant, '/system/info')).json()).toMatchObject({ data: { version: '2.1' } });
  });

  test.each(['/agentz', '/agents/', '/threats/123/notes', '/sites/1'])('answers 404 to %s', async (path) => {
    expect(await refused(await call(await tenantWith(), path))).toMatchObject({ status: 404, code: 4040010 });
  });

  test('answers 404 to a write, for it offers none', async () => {
    const tenant = await tenantWith();
    const headers = { authorization: `ApiToken ${tenant.token}` };
    const answer = await fetch(`${tenant.url}/web/api/v2.1/agents`, { method: 'POST', headers, body: '{}' });
    expect(answer.status).toBe(404);
  });

  test('keeps a log of requests without the token', async () => {
    const tenant = await tenantWith();
    await page(tenant, '/agents?limit=1');
    expect(tenant.requests()).toMatchObject([{ path: '/agents', query: '?limit=1', status: 200 }]);
    expect(JSON.stringify(tenant.requests())).not.toContain(tenant.token);
  });

  test('a port in use rejects', async () => {
    const tenant = await tenantWith();
    await expect(startSentinelOneTenant({ port: tenant.port })).rejects.toThrow(/EADDRINUSE/);
  });
});

describe('the simulated tenant - lists', () => {
  test('gives 10 rows unless told, and the count of all', async () => {
    const answer = await page(await tenantWith({ fleet: 25 }), '/agents');
    expect(answer.data).toHaveLength(10);
    expect(answer.pagination.totalItems).toBe(25);
    expect(answer.pagination.nextCursor).toMatch(/%3D%3D$/);
  });

  test('countOnly gives the count without rows, skipCount rows without the count', async () => {
    const tenant = await tenantWith({ fleet: 25 });
    expect(await page(tenant, '/agents?countOnly=true')).toEqual({
      data: [],
      pagination: { nextCursor: null, totalItems: 25 },
      errors: null,
    });
    const uncounted = await page(tenant, '/agents?skipCount=true&limit=3');
    expect([uncounted.data.length, uncounted.pagination.totalItems]).toEqual([3, 0]);
  });

  test('/agents/count counts by filter', async () => {
    const tenant = await tenantWith({ fleet: 25 });
    tenant.fleet.infect(tenant.fleet.list()[3]?.id ?? '');
    expect(await (await call(tenant, '/agents/count')).json()).toEqual({ data: { total: 25 }, errors: null });
    expect(await (await call(tenant, '/agents/count?infected=true')).json()).toEqual({
      data: { total: 1 },
      errors: null,
    });
  });

  test.each([
    ['limit=0', 'limit'],
    ['limit=1001', 'limit'],
    ['limit=ten', 'limit'],
    ['skip=1001', 'skip'],
    ['sortBy=shoeSize', 'sortBy'],
    ['sortOrder=up', 'sortOrder'],
    ['infected=maybe', 'infected'],
    ['isDecommissioned=', 'isDecommissioned'],
    ['updatedAt__gte=yesterday', 'updatedAt__gte'],
    ['updatedAt__between=5', 'updatedAt__between'],
    ['networkStatuses=quarantined', 'networkStatuses'],
    ['activeThreats__gt=-1', 'activeThreats__gt'],
    ['favouriteColour=red', 'favouriteColour'],
    ['toString=1', 'toString'],
    ['cursor=nonsense', 'cursor'],
    ['cursor=YWdlbnRfaWQ6NTgwMjkzODE=', 'cursor'],
  ])('answers 400 with code 400010 to %s', async (query, named) => {
    const error = await refused(await call(await tenantWith(), `/agents?${query}`));
    expect(error).toMatchObject({ status: 400, code: 400010, title: 'Bad parameter given' });
    expect(error.detail).toContain(named);
  });

  test('a request target that is no URL ends in 400, and the tenant lives on', async () => {
    const tenant = await tenantWith();
    const status = await new Promise((resolve, reject) => {
      const sent = request({ port: tenant.port, host: '127.0.0.1', path: '//' }, (answer) =>
        resolve(answer.resume().statusCode),
      );
      sent.once('error', reject).end();
    });
    expect(status).toBe(400);
    expect((await call(tenant, '/system/info')).status).toBe(200);
  });
});
