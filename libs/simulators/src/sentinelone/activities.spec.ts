import { afterEach, describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import type { Fleet } from './fleet.js';
import { allPages, call, closeTenants, firstId, idsOf, page, refused, tenantWith } from './tenant.fixture.js';

afterEach(closeTenants);

describe('/activities', () => {
  test.each([
    ['infect', 19, (fleet: Fleet, id: string) => fleet.infect(id, { threatName: 'dropper.bin' }), /detected: dropper/],
    ['isolate', 1001, (fleet: Fleet, id: string) => fleet.isolate(id), /was disconnected from network/],
    ['reconnect', 1002, (fleet: Fleet, id: string) => fleet.reconnect(id), /was connected to network/],
    ['decommission', 47, (fleet: Fleet, id: string) => fleet.decommission(id), /was decommissioned/],
    ['recommission', 48, (fleet: Fleet, id: string) => fleet.recommission(id), /was recommissioned/],
    ['uninstall', 51, (fleet: Fleet, id: string) => fleet.uninstall(id), /was uninstalled/],
  ])('%s writes one of type %i with its agent', async (_name, type, happen, description) => {
    const tenant = await tenantWith();
    const agent = tenant.fleet.get(firstId(tenant));
    happen(tenant.fleet, agent.id);
    const { data, pagination } = await page(tenant, '/activities');
    expect(pagination.totalItems).toBe(1);
    expect(data).toEqual([
      expect.objectContaining({
        activityType: type,
        agentId: agent.id,
        siteId: agent.siteId,
        accountId: agent.accountId,
        primaryDescription: expect.stringMatching(description),
        createdAt: expect.stringMatching(/^2026-09-20T12:00:00\.\d{6}Z$/),
      }),
    ]);
  });

  test('cleaning writes one for every threat that it resolves', async () => {
    const tenant = await tenantWith();
    const id = firstId(tenant);
    tenant.fleet.infect(id);
    tenant.fleet.infect(id);
    tenant.fleet.clean(id);
    const threats = tenant.fleet.threatsOf(id).map((threat) => threat.id);
    const resolved = (await page(tenant, '/activities?activityTypes=2028')).data;
    expect(resolved.map((row) => row['threatId'])).toEqual(threats);
    tenant.fleet.clean(id);
    expect((await page(tenant, '/activities?activityTypes=2028')).data).toHaveLength(2);
  });

  test('has the fields of the documented records', async () => {
    const tenant = await tenantWith();
    tenant.fleet.infect(firstId(tenant));
    const [row = {}] = (await page(tenant, '/activities')).data;
    const documented = [
      ...['accountId', 'accountName', 'activityType', 'agentId', 'agentUpdatedVersion', 'comments', 'createdAt'],
      ...['data', 'description', 'groupId', 'groupName', 'hash', 'id', 'osFamily', 'primaryDescription'],
      ...['secondaryDescription', 'siteId', 'siteName', 'threatId', 'updatedAt', 'userId'],
    ];
    expect(Object.keys(row)).toEqual(expect.arrayContaining(documented));
    expect(row['data']).toMatchObject({ computerName: expect.any(String), fileDisplayName: 'eicar.com' });
  });

  test('filters by type, agent, time, site and account', async () => {
    const tenant = await tenantWith();
    const [first, second] = tenant.fleet.list();
    tenant.fleet.isolate(first?.id ?? '');
    tenant.fleet.uninstall(second?.id ?? '');
    tenant.fleet.reconnect(first?.id ?? '');
    const [isolated, uninstalled, reconnected] = tenant.fleet.activities.list();
    const at = encodeURIComponent(uninstalled?.createdAt ?? '');
    const table: [string, (string | undefined)[]][] = [
      ['sortBy=createdAt', [isolated?.id, uninstalled?.id, reconnected?.id]],
      ['sortBy=createdAt&sortOrder=desc&limit=1', [reconnected?.id]],
      ['activityTypes=51,1002', [uninstalled?.id, reconnected?.id]],
      [`agentIds=${first?.id ?? ''}`, [isolated?.id, reconnected?.id]],
      [`createdAt__gt=${at}`, [reconnected?.id]],
      [`createdAt__gte=${at}`, [uninstalled?.id, reconnected?.id]],
      [`createdAt__lt=${at}`, [isolated?.id]],
      [`createdAt__lte=${at}&activityTypes=51`, [uninstalled?.id]],
      ['siteIds=1', []],
      [`accountIds=${first?.accountId ?? ''}&limit=2`, [isolated?.id, uninstalled?.id]],
    ];
    for (const [query, expected] of table) expect(await idsOf(tenant, `/activities?${query}`)).toEqual(expected);
    expect(await refused(await call(tenant, '/activities?favourite=1'))).toMatchObject({ status: 400 });
  });

  test('come in pages by cursor, with or without a count', async () => {
    const tenant = await tenantWith();
    for (const { id } of tenant.fleet.list()) tenant.fleet.isolate(id);
    const rows = await allPages(tenant, '/activities?sortBy=createdAt&limit=10');
    expect(rows.map((row) => row['agentId'])).toEqual(tenant.fleet.list().map(({ id }) => id));
    expect((await page(tenant, '/activities?skipCount=true')).pagination.totalItems).toBe(0);
  });

  test('the types are listed with the ids that the activities carry', async () => {
    const tenant = await tenantWith();
    const answer = await (await call(tenant, '/activities/types')).json();
    const types = z
      .object({ data: z.array(z.object({ id: z.int(), action: z.string(), descriptionTemplate: z.string() })) })
      .parse(answer).data;
    const { fleet } = tenant;
    const id = firstId(tenant);
    for (const happen of [
      'infect',
      'clean',
      'isolate',
      'reconnect',
      'decommission',
      'recommission',
      'uninstall',
    ] as const)
      fleet[happen](id);
    fleet.add();
    const written = new Set(fleet.activities.list().map(({ activityType }) => activityType));
    expect([...written].filter((type) => !types.some((known) => known.id === type))).toEqual([]);
    expect(written.size).toBe(8);
  });
});
