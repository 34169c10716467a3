import { afterEach, describe, expect, test } from '@jest/globals';
import type { Fault } from './faults.js';
import type { SentinelOneTenant } from './running-tenant.js';
import { startSentinelOneTenant } from './tenant.js';
import { closeTenants, allPages, call, firstId, page, refused, tenantWith } from './tenant.fixture.js';

afterEach(closeTenants);

/** Resolves once the requests that the scripted faults were for have come. */
const allStruck = (tenant: SentinelOneTenant) =>
  new Promise<void>((resolve) => {
    const look = () => (tenant.faults.pending().length === 0 ? resolve() : setImmediate(look));
    look();
  });

describe('scripted faults', () => {
  test.each<[Fault, number, number, string | null]>([
    [{ kind: 'rate-limited', retryAfterSeconds: 7 }, 429, 4290010, '7'],
    [{ kind: 'rate-limited' }, 429, 4290010, '1'],
    [{ kind: 'rate-limited', retryAfterSeconds: null }, 429, 4290010, null],
    [{ kind: 'server-error' }, 500, 5000010, null],
    [{ kind: 'server-error', status: 503, retryAfterSeconds: 3 }, 503, 5030010, '3'],
    [{ kind: 'server-error', status: 504 }, 504, 5040010, null],
    [{ kind: 'unauthorized' }, 401, 4010010, null],
    [{ kind: 'forbidden' }, 403, 4030010, null],
  ])('%j answers %i once and then all is well', async (fault, status, code, retryAfter) => {
    const tenant = await tenantWith();
    tenant.faults.script(fault);
    const answer = await call(tenant, '/agents');
    expect(answer.headers.get('retry-after')).toBe(retryAfter);
    expect(await refused(answer)).toMatchObject({ status, code });
    expect((await call(tenant, '/agents')).status).toBe(200);
  });

  test('strike where, when and as often as told, in their order', async () => {
    const tenant = await tenantWith();
    tenant.faults.script(
      { kind: 'server-error', path: '/threats', after: 1, times: 2 },
      { kind: 'forbidden', path: '/threats' },
    );
    const statuses: number[] = [];
    for (let request = 0; request < 5; request += 1) {
      statuses.push((await call(tenant, '/threats')).status);
      expect((await call(tenant, '/agents')).status).toBe(200);
    }
    expect(statuses).toEqual([200, 500, 500, 403, 200]);
  });

  test('can be listed and cleared', async () => {
    const tenant = await tenantWith();
    tenant.faults.script({ kind: 'unauthorized', times: 3 });
    await call(tenant, '/agents');
    expect(tenant.faults.pending()).toEqual([{ kind: 'unauthorized', after: 0, times: 2 }]);
    tenant.faults.clear();
    expect((await call(tenant, '/agents')).status).toBe(200);
  });

  test('a truncated body announces its length and breaks off', async () => {
    const tenant = await tenantWith();
    tenant.faults.script({ kind: 'truncated-body' });
    const answer = await call(tenant, '/agents');
    expect(Number(answer.headers.get('content-length'))).toBeGreaterThan(10_000);
    await expect(answer.text()).rejects.toThrow('terminated');
  });

  test('invalid JSON is a complete answer that does not parse', async () => {
    const tenant = await tenantWith();
    tenant.faults.script({ kind: 'invalid-json' });
    const text = await (await call(tenant, '/agents')).text();
    expect(text).toMatch(/^\{"data":\[/);
    expect(() => JSON.parse(text)).toThrow(SyntaxError);
  });

  test('HTML comes with 200 as from a login page', async () => {
    const tenant = await tenantWith();
    tenant.faults.script({ kind: 'html' });
    const answer = await call(tenant, '/agents');
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    expect(await answer.text()).toContain('<!DOCTYPE html>');
  });

  test('pagination can be missing', async () => {
    const tenant = await tenantWith({ fleet: 5 });
    tenant.faults.script({ kind: 'missing-pagination' });
    const body = await (await call(tenant, '/agents')).json();
    expect(body).toMatchObject({ data: expect.any(Array) });
    expect(body).not.toHaveProperty('pagination');
  });

  test('a repeated cursor leads back to the same page', async () => {
    const tenant = await tenantWith({ fleet: 20 });
    const first = await page(tenant, '/agents?limit=5');
    tenant.faults.script({ kind: 'repeated-cursor', times: 2 });
    const path = `/agents?limit=5&cursor=${first.pagination.nextCursor ?? ''}`;
    const again = await page(tenant, path);
    expect(again.pagination.nextCursor).toBe(first.pagination.nextCursor);
    expect((await page(tenant, path)).data).toEqual(again.data);
  });

  test('429 can name the time to wait as a date of the tenant’s clock', async () => {
    const tenant = await tenantWith();
    tenant.faults.script({ kind: 'rate-limited', retryAfterSeconds: 90, asDate: true });
    const answer = await call(tenant, '/agents');
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([429, 'Sun, 20 Sep 2026 12:01:30 GMT']);
  });

  test('a gateway in between times out with a page of HTML', async () => {
    const tenant = await tenantWith();
    tenant.faults.script({ kind: 'html', status: 504 });
    const answer = await call(tenant, '/agents');
    expect([answer.status, answer.headers.get('content-type')]).toEqual([504, 'text/html; charset=utf-8']);
  });

  test('errors can come with 200', async () => {
    const tenant = await tenantWith();
    tenant.faults.script({ kind: 'error-body' });
    const answer = await call(tenant, '/agents');
    expect(await refused(answer)).toMatchObject({ status: 200, code: 5000010 });
  });

  test('the cursor can be missing, or plain instead of percent-encoded', async () => {
    const tenant = await tenantWith({ fleet: 20 });
    tenant.faults.script({ kind: 'missing-cursor' }, { kind: 'plain-cursor' });
    const cut = await (await call(tenant, '/agents?limit=5')).json();
    expect(cut).toMatchObject({ pagination: { totalItems: 20 } });
    expect(cut).not.toHaveProperty('pagination.nextCursor');
    const plain = (await page(tenant, '/agents?limit=5')).pagination.nextCursor ?? '';
    expect(plain).toMatch(/==$/);
    expect((await page(tenant, `/agents?limit=5&cursor=${encodeURIComponent(plain)}`)).data).toHaveLength(5);
  });

  test('totalItems can be 0 on further pages', async () => {
    const tenant = await tenantWith({ fleet: 20 });
    tenant.faults.script({ kind: 'total-zero' });
    const first = await page(tenant, '/agents?limit=5');
    const second = await page(tenant, `/agents?limit=5&cursor=${first.pagination.nextCursor ?? ''}`);
    expect([first.pagination.totalItems, second.pagination.totalItems, second.data.length]).toEqual([20, 0, 5]);
  });

  test('an empty page can lead on, its rows lost', async () => {
    const tenant = await tenantWith({ fleet: 20 });
    tenant.faults.script({ kind: 'empty-page', keepsCursor: true, after: 1 });
    expect(await allPages(tenant, '/agents?limit=5')).toHaveLength(15);
  });

  test('an empty page says that nothing is there', async () => {
    const tenant = await tenantWith();
    tenant.faults.script({ kind: 'empty-page' });
    expect(await page(tenant, '/agents')).toEqual({
      data: [],
      pagination: { nextCursor: null, totalItems: 0 },
      errors: null,
    });
  });

  test('an extra last page is empty and ends the list', async () => {
    const tenant = await tenantWith({ fleet: 12 });
    tenant.faults.script({ kind: 'extra-last-page' });
    const sizes: number[] = [];
    let cursor: string | null = null;
    do {
      const answer = await page(tenant, `/agents?limit=6${cursor === null ? '' : `&cursor=${cursor}`}`);
      sizes.push(answer.data.length);
      cursor = answer.pagination.nextCursor;
    } while (cursor !== null);
    expect(sizes).toEqual([6, 6, 0]);
    expect(await allPages(tenant, '/agents?limit=6')).toHaveLength(12);
  });

  test('page faults pass over calls without rows', async () => {
    const tenant = await tenantWith();
    tenant.faults.script({ kind: 'empty-page' });
    expect((await call(tenant, '/system/info')).status).toBe(200);
    expect((await page(tenant, '/agents')).data).toEqual([]);
  });

  test('a hanging request ends with the patience of the client', async () => {
    const tenant = await tenantWith();
    tenant.faults.script({ kind: 'hang' });
    const headers = { authorization: `ApiToken ${tenant.token}` };
    const patience = new AbortController();
    const attempt = fetch(`${tenant.url}/web/api/v2.1/agents`, { headers, signal: patience.signal });
    await allStruck(tenant);
    patience.abort(new Error('out of patience'));
    await expect(attempt).rejects.toThrow('out of patience');
    expect((await call(tenant, '/agents')).status).toBe(200);
  });

  test('closing the tenant ends a hanging request', async () => {
    const tenant = await tenantWith();
    tenant.faults.script({ kind: 'hang' });
    const attempt = call(tenant, '/agents').then(
      () => 'answered',
      (error: unknown) => String(error),
    );
    await allStruck(tenant);
    await tenant.close();
    expect(await attempt).toContain('fetch failed');
    const next = await startSentinelOneTenant({ port: tenant.port });
    await next.close();
  });

  test('a slow answer is the right one, late', async () => {
    const tenant = await tenantWith();
    tenant.faults.script({ kind: 'slow', delayMs: 120 });
    const started = performance.now();
    expect((await page(tenant, '/agents')).data).toHaveLength(10);
    expect(performance.now() - started).toBeGreaterThanOrEqual(115);
  });

  test.each([
    [true, [false]],
    [false, [true]],
  ])('a slow answer shows what was so when it was asked for, or when it is sent: %s', async (asOfRequest, infected) => {
    const tenant = await tenantWith();
    const id = firstId(tenant);
    tenant.faults.script({ kind: 'slow', delayMs: 120, asOfRequest });
    const answer = page(tenant, `/agents?ids=${id}`);
    await allStruck(tenant);
    tenant.fleet.infect(id);
    expect((await answer).data.map((row) => row['infected'])).toEqual(infected);
  });

  test('a reset connection gives no answer', async () => {
    const tenant = await tenantWith();
    tenant.faults.script({ kind: 'connection-reset' });
    await expect(call(tenant, '/agents')).rejects.toThrow('fetch failed');
    expect((await call(tenant, '/agents')).status).toBe(200);
  });
});
