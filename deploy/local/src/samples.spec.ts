import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { SentinelOneTenant } from '@stance/simulators';
import { parse } from 'yaml';
import { demoEnvironment, startDemoTenant, VISITS } from './demo.js';

interface Device {
  deviceId: string;
  serialNumber?: string;
  owner?: string;
  groups: string[];
}

let tenant: SentinelOneTenant;
let devices: Device[];
let policyText: string;
let environment: NodeJS.ProcessEnv;
beforeAll(async () => {
  tenant = await startDemoTenant();
  environment = demoEnvironment(tenant);
  devices = (parse(await readFile(environment['STANCE_DEVICES_FILE'] ?? '', 'utf8')) as { devices: Device[] }).devices;
  policyText = await readFile(environment['STANCE_POLICY_FILE'] ?? '', 'utf8');
});
afterAll(() => tenant.close());

describe('the sample inventory', () => {
  it('names machines of the simulated tenant by their serial numbers, but for the two that it says have no agent', () => {
    const serials = new Set(tenant.fleet.list().map(({ serialNumber }) => serialNumber));
    const unknown = devices.filter(({ serialNumber }) => !serials.has(serialNumber));
    expect(unknown.map(({ deviceId }) => deviceId)).toEqual(['laptop-0098', 'laptop-0099']);
  });

  it('has each device and each serial number once', () => {
    const ids = devices.map(({ deviceId }) => deviceId);
    expect(new Set(ids).size).toBe(ids.length);
    const serials = devices.flatMap(({ serialNumber }) => serialNumber ?? []);
    expect(new Set(serials).size).toBe(serials.length);
  });
});

describe('the sample people', () => {
  it.each(VISITS.map((visit) => [visit.user, visit.resource, visit] as const))(
    '%s, who opens %s, owns the device and belongs to a group that may',
    (user, resource, { deviceId }) => {
      const device = devices.find((candidate) => candidate.deviceId === deviceId);
      expect(device?.owner).toBe(user);
      const { rules } = parse(policyText) as { rules: { effect?: string; resources: string[]; groups?: string[] }[] };
      const allowing = rules.filter(
        ({ effect, resources, groups }) =>
          effect !== 'deny' &&
          resources.includes(resource) &&
          (groups === undefined || groups.some((group) => device?.groups.includes(group))),
      );
      expect(allowing.length).toBeGreaterThan(0);
    },
  );
});
