import { afterEach, describe, expect, test } from '@jest/globals';
import { MALFORMED_FORMS } from './malformed.js';
import type { MalformedForm } from './malformed.js';
import { agentRow, call, closeTenants, firstId, idsOf, page, tenantWith } from './tenant.fixture.js';

afterEach(closeTenants);

const cards = [
  {
    id: '1',
    name: 'en0',
    physical: '3c:22:fb:00:53:1a',
    inet: [],
    inet6: [],
    gatewayIp: null,
    gatewayMacAddress: null,
  },
];

describe('malformed records', () => {
  test.each<[MalformedForm, object]>([
    ['serial-null', { serialNumber: null }],
    ['serial-empty', { serialNumber: '' }],
    ['mac-dashes', { networkInterfaces: [{ physical: '3c-22-fb-00-53-1a' }] }],
    ['mac-dots', { networkInterfaces: [{ physical: '3c22.fb00.531a' }] }],
    ['mac-upper-case', { networkInterfaces: [{ physical: '3C:22:FB:00:53:1A' }] }],
    ['mac-8-bytes', { networkInterfaces: [{ physical: '3c:22:fb:ff:fe:00:53:1a' }] }],
    [
      'mac-all-zero',
      { networkInterfaces: [{ name: 'stf0', physical: '00:00:00:00:00:00' }, { physical: '3c:22:fb:00:53:1a' }] },
    ],
    ['network-interfaces-null', { networkInterfaces: null }],
    ['booleans-as-strings', { infected: 'False', firewallEnabled: expect.stringMatching(/^(True|False)$/) }],
    ['unknown-fields', { riskTier: 'tier-2' }],
    ['unknown-enum-values', { networkStatus: 'quarantined_by_policy', operationalState: 'suspended_by_vendor' }],
    ['timestamps-without-fraction', { updatedAt: '2026-09-20T12:00:00Z' }],
    ['external-id', { externalId: 'ASSET-000001' }],
  ])('%s', async (form, expected) => {
    const tenant = await tenantWith({ fleet: [{ id: '900000000000000001', networkInterfaces: cards }] });
    expect(tenant.fleet.malform(form, { ids: ['900000000000000001'] })).toEqual(['900000000000000001']);
    expect(await agentRow(tenant, '900000000000000001')).toMatchObject(expected);
    tenant.fleet.setRight('900000000000000001');
    expect(await agentRow(tenant, '900000000000000001')).toEqual(tenant.fleet.get('900000000000000001'));
  });

  test.each([
    ['serial-absent', 'serialNumber'],
    ['network-interfaces-absent', 'networkInterfaces'],
  ] as const)('%s leaves the field out', async (form, field) => {
    const tenant = await tenantWith();
    tenant.fleet.malform(form, { ids: [firstId(tenant)] });
    expect(await agentRow(tenant, firstId(tenant))).not.toHaveProperty(field);
  });

  test('ids become bare numbers that a double cannot hold', async () => {
    const tenant = await tenantWith({ fleet: [{ id: '1402313987397312513' }] });
    tenant.fleet.malform('ids-as-numbers', { ids: ['1402313987397312513'] });
    const text = await (await call(tenant, '/agents')).text();
    expect(text).toContain('"id":1402313987397312513');
    expect(text).toMatch(/"siteId":\d{19}/);
  });

  test('a placeholder differs from agent to agent and is none of the real serial numbers', async () => {
    const tenant = await tenantWith({ fleet: 25 });
    const real = tenant.fleet.list().map(({ serialNumber }) => serialNumber);
    tenant.fleet.malform('serial-placeholder', { share: 1 });
    const shown = (await page(tenant, '/agents?limit=25')).data.map((row) => String(row['serialNumber']));
    expect(new Set(shown).size).toBeGreaterThan(2);
    expect(shown.filter((serial) => real.includes(serial))).toEqual([]);
  });

  test('a duplicate id is a second row with another uuid, until set right', async () => {
    const tenant = await tenantWith({ fleet: 3 });
    const id = firstId(tenant);
    tenant.fleet.malform('duplicate-id', { ids: [id] });
    const rows = (await page(tenant, '/agents')).data.filter((row) => row['id'] === id);
    expect(rows).toHaveLength(2);
    expect(rows[0]?.['uuid']).not.toBe(rows[1]?.['uuid']);
    expect((await page(tenant, `/agents?ids=${id}`)).data).toEqual(rows);
    expect(tenant.fleet.find(tenant.fleet.get(id).computerName).id).toBe(id);
    tenant.fleet.setRight(id);
    expect((await idsOf(tenant, '/agents')).filter((each) => each === id)).toEqual([id]);
  });

  test('forms add up and follow what the agent becomes', async () => {
    const tenant = await tenantWith();
    const id = firstId(tenant);
    tenant.fleet.malform('booleans-as-strings', { ids: [id] });
    tenant.fleet.malform('serial-null', { ids: [id] });
    tenant.fleet.infect(id);
    expect(await agentRow(tenant, id)).toMatchObject({ infected: 'True', serialNumber: null });
  });

  test('a share of the fleet is drawn by the seed', async () => {
    const draw = async (seed: number) => {
      const tenant = await tenantWith({ fleet: 400 });
      return tenant.fleet.malform('serial-null', { share: 0.25, seed });
    };
    const [one, again, other] = [await draw(1), await draw(1), await draw(2)];
    expect(again).toEqual(one);
    expect(other).not.toEqual(one);
    expect(one.length).toBeGreaterThan(60);
    expect(one.length).toBeLessThan(140);
  });

  test('every form leaves an answer that is JSON', async () => {
    const tenant = await tenantWith({ fleet: 4 });
    for (const form of MALFORMED_FORMS) tenant.fleet.malform(form, { ids: [firstId(tenant)] });
    expect((await page(tenant, '/agents')).data).toHaveLength(5);
  });
});
