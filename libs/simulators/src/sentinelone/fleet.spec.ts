import { afterEach, describe, expect, test } from '@jest/globals';
import { AmbiguousAgent, UnknownAgent } from './agent-search.js';
import { AgentExists } from './agent-register.js';
import type { Fleet } from './fleet.js';
import { agentRow, closeTenants, firstId, NOON, idsOf, page, tenantWith } from './tenant.fixture.js';

afterEach(closeTenants);

describe('what can happen to an agent', () => {
  test.each([
    ['infect', (fleet: Fleet, id: string) => fleet.infect(id), { infected: true, activeThreats: 1 }],
    ['clean', (fleet: Fleet, id: string) => (fleet.infect(id), fleet.clean(id)), { infected: false, activeThreats: 0 }],
    ['isolate', (fleet: Fleet, id: string) => fleet.isolate(id), { networkStatus: 'disconnected', isActive: true }],
    [
      'reconnect',
      (fleet: Fleet, id: string) => (fleet.isolate(id), fleet.reconnect(id)),
      { networkStatus: 'connected', isActive: true },
    ],
    ['decommission', (fleet: Fleet, id: string) => fleet.decommission(id), { isDecommissioned: true, isActive: false }],
    [
      'recommission',
      (fleet: Fleet, id: string) => (fleet.decommission(id), fleet.recommission(id)),
      { isDecommissioned: false, isActive: true },
    ],
    ['uninstall', (fleet: Fleet, id: string) => fleet.uninstall(id), { isUninstalled: true, isActive: false }],
    [
      'update',
      (fleet: Fleet, id: string) => fleet.update(id, { encryptedApplications: false }),
      { encryptedApplications: false },
    ],
  ])('%s shows in /agents and moves updatedAt', async (_name, happen, expected) => {
    const tenant = await tenantWith();
    const id = firstId(tenant);
    const before = await agentRow(tenant, id);
    const returned = happen(tenant.fleet, id);
    const after = await agentRow(tenant, id);
    expect(after).toMatchObject(expected);
    expect(after['updatedAt']).toBe(returned.updatedAt);
    expect(String(after['updatedAt']) > String(before['updatedAt'])).toBe(true);
  });

  test('updatedAt goes up by microseconds although the clock stands still', async () => {
    const { fleet } = await tenantWith();
    const times = fleet.list().map(({ id }) => fleet.isolate(id).updatedAt);
    expect(times.toSorted()).toEqual(times);
    expect(new Set(times).size).toBe(times.length);
    expect(times.at(-1)).toMatch(/^2026-09-20T12:00:00\.\d{6}Z$/);
  });

  test('a heartbeat moves lastActiveDate and leaves updatedAt', async () => {
    let now = NOON;
    const tenant = await tenantWith({ clock: () => now });
    const id = firstId(tenant);
    const before = await agentRow(tenant, id);
    now += 60_000;
    tenant.fleet.heartbeat(id);
    const after = await agentRow(tenant, id);
    expect(after['lastActiveDate']).toBe('2026-09-20T12:01:00.000000Z');
    expect(after['updatedAt']).toBe(before['updatedAt']);
  });

  test('a silent change is found by a sweep and by no delta', async () => {
    const tenant = await tenantWith();
    const id = firstId(tenant);
    const latest =
      tenant.fleet
        .list()
        .map(({ updatedAt }) => updatedAt)
        .toSorted()
        .at(-1) ?? '';
    tenant.fleet.update(id, { infected: true }, { silent: true });
    expect(await idsOf(tenant, `/agents?updatedAt__gt=${latest}`)).toEqual([]);
    expect(await idsOf(tenant, '/agents?infected=true')).toEqual([id]);
  });

  test('a silent infection shows in /threats at once, and no delta of /agents finds it', async () => {
    const tenant = await tenantWith();
    const id = firstId(tenant);
    const { updatedAt } = tenant.fleet.get(id);
    tenant.fleet.infect(id, { silent: true });
    expect(await agentRow(tenant, id)).toMatchObject({ infected: true, activeThreats: 1, updatedAt });
    const [threat] = (await page(tenant, `/threats?updatedAt__gte=2026-09-20T00:00:00Z`)).data;
    expect(threat).toMatchObject({ agentRealtimeInfo: { agentId: id, agentInfected: true } });
    tenant.fleet.clean(id, { silent: true });
    expect(await agentRow(tenant, id)).toMatchObject({ infected: false, updatedAt });
  });

  test('an agent can be added and can vanish', async () => {
    const tenant = await tenantWith({ fleet: 3 });
    const added = tenant.fleet.add({ computerName: 'newcomer', serialNumber: 'NEW123' });
    expect(await agentRow(tenant, added.id)).toMatchObject({ computerName: 'newcomer', serialNumber: 'NEW123' });
    expect(() => tenant.fleet.add({ id: added.id })).toThrow(AgentExists);
    tenant.fleet.remove(added.id);
    expect(await idsOf(tenant, `/agents?ids=${added.id}`)).toEqual([]);
    expect(() => tenant.fleet.get(added.id)).toThrow(UnknownAgent);
  });

  test('a distorted agent shows odd types, unknown fields and missing ones, until it is set right', async () => {
    const tenant = await tenantWith();
    const id = firstId(tenant);
    tenant.fleet.distort(id, { firewallEnabled: 'True', somethingNew: [1], serialNumber: undefined });
    const row = await agentRow(tenant, id);
    expect(row).toMatchObject({ firewallEnabled: 'True', somethingNew: [1] });
    expect('serialNumber' in row).toBe(false);
    tenant.fleet.distort(id, {});
    expect(await agentRow(tenant, id)).toEqual(tenant.fleet.get(id));
  });

  test('agents are found by id, name and serial number; a former registration gives way to the current one', async () => {
    const { fleet } = await tenantWith({
      fleet: [
        { id: '1', computerName: 'Twin', serialNumber: 'S1' },
        { id: '2', computerName: 'twin', serialNumber: 'S2', isDecommissioned: true },
        { id: '3', computerName: 'shared', serialNumber: 'S3' },
        { id: '4', computerName: 'shared', serialNumber: '' },
      ],
    });
    expect([fleet.find('2').id, fleet.find('TWIN').id, fleet.find('s3').id]).toEqual(['2', '1', '3']);
    expect(() => fleet.find('shared')).toThrow(AmbiguousAgent);
    expect(() => fleet.find('')).toThrow(UnknownAgent);
  });
});

describe('/threats', () => {
  test('shows a threat with its agent as it is now, joined by id and without serial number', async () => {
    const tenant = await tenantWith();
    const id = firstId(tenant);
    tenant.fleet.infect(id, { threatName: 'dropper.bin' });
    const [detected] = (await page(tenant, '/threats')).data;
    expect(detected).toMatchObject({
      threatInfo: {
        threatName: 'dropper.bin',
        incidentStatus: 'unresolved',
        mitigationStatus: 'not_mitigated',
        confidenceLevel: 'malicious',
      },
      agentRealtimeInfo: {
        agentId: id,
        agentInfected: true,
        activeThreats: 1,
        agentNetworkStatus: 'connected',
        operationalState: 'na',
      },
    });
    expect(JSON.stringify(detected)).not.toContain('serialNumber');
    tenant.fleet.isolate(id);
    expect((await page(tenant, '/threats')).data[0]).toMatchObject({
      agentRealtimeInfo: { agentNetworkStatus: 'disconnected' },
    });
  });

  test('cleaning resolves the threats and moves their updatedAt', async () => {
    const tenant = await tenantWith();
    const id = firstId(tenant);
    tenant.fleet.infect(id);
    expect(tenant.fleet.infect(id).activeThreats).toBe(2);
    const [open] = tenant.fleet.threatsOf(id);
    tenant.fleet.clean(id);
    expect(tenant.fleet.threatsOf(id).map(({ incidentStatus }) => incidentStatus)).toEqual(['resolved', 'resolved']);
    expect((await page(tenant, '/threats?incidentStatuses=resolved')).pagination.totalItems).toBe(2);
    expect((tenant.fleet.threatsOf(id)[0]?.updatedAt ?? '') > (open?.updatedAt ?? '')).toBe(true);
  });

  test('filters by agent, status and time', async () => {
    const tenant = await tenantWith();
    const [first, second] = tenant.fleet.list();
    tenant.fleet.infect(first?.id ?? '');
    tenant.fleet.infect(second?.id ?? '');
    tenant.fleet.clean(first?.id ?? '');
    const [resolved] = tenant.fleet.threatsOf(first?.id ?? '');
    const [open] = tenant.fleet.threatsOf(second?.id ?? '');
    const table: [string, (string | undefined)[]][] = [
      ['', [resolved?.id, open?.id]],
      [`agentIds=${second?.id ?? ''}`, [open?.id]],
      ['incidentStatuses=unresolved,in_progress', [open?.id]],
      ['mitigationStatuses=mitigated', [resolved?.id]],
      ['analystVerdicts=true_positive', [resolved?.id]],
      [`siteIds=${second?.siteId ?? ''}&agentIds=${second?.id ?? ''}`, [open?.id]],
      ['siteIds=1', []],
      [`createdAt__gte=${open?.createdAt ?? ''}`, [open?.id]],
      [`updatedAt__gt=${open?.updatedAt ?? ''}`, [resolved?.id]],
      [`updatedAt__gte=${open?.updatedAt ?? ''}&sortBy=updatedAt`, [open?.id, resolved?.id]],
    ];
    for (const [query, expected] of table) expect(await idsOf(tenant, `/threats?${query}`)).toEqual(expected);
  });
});
