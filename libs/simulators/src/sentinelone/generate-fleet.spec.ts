import { afterEach, describe, expect, test } from '@jest/globals';
import { generateFleet } from './generate-fleet.js';
import { closeTenants, NOON, page, tenantWith } from './tenant.fixture.js';

afterEach(closeTenants);

/** The 69 fields of a real agent, as a published sample of `GET /agents` has them (it lacks serialNumber, as some do). */
const SAMPLE_FIELDS = [
  'accountId',
  'accountName',
  'activeDirectory',
  'activeThreats',
  'agentVersion',
  'allowRemoteShell',
  'appsVulnerabilityStatus',
  'cloudProviders',
  'computerName',
  'consoleMigrationStatus',
  'coreCount',
  'cpuCount',
  'cpuId',
  'createdAt',
  'domain',
  'encryptedApplications',
  'externalId',
  'externalIp',
  'firewallEnabled',
  'groupId',
  'groupIp',
  'groupName',
  'id',
  'inRemoteShellSession',
  'infected',
  'installerType',
  'isActive',
  'isDecommissioned',
  'isPendingUninstall',
  'isUninstalled',
  'isUpToDate',
  'lastActiveDate',
  'lastIpToMgmt',
  'lastLoggedInUserName',
  'licenseKey',
  'locationEnabled',
  'locationType',
  'locations',
  'machineType',
  'mitigationMode',
  'mitigationModeSuspicious',
  'modelName',
  'networkInterfaces',
  'networkQuarantineEnabled',
  'networkStatus',
  'operationalState',
  'operationalStateExpiration',
  'osArch',
  'osName',
  'osRevision',
  'osStartTime',
  'osType',
  'osUsername',
  'rangerStatus',
  'rangerVersion',
  'registeredAt',
  'remoteProfilingState',
  'remoteProfilingStateExpiration',
  'scanAbortedAt',
  'scanFinishedAt',
  'scanStartedAt',
  'scanStatus',
  'siteId',
  'siteName',
  'threatRebootRequired',
  'totalMemory',
  'updatedAt',
  'userActionsNeeded',
  'uuid',
];
/** Further fields of the specification and of payloads of 2025. */
const LATER_FIELDS = [
  'detectionState',
  'groupUpdatedAt',
  'policyUpdatedAt',
  'storageName',
  'storageType',
  'tags',
  'activeProtection',
  'missingPermissions',
  'lastSuccessfulScanDate',
  'fullDiskScanLastUpdatedAt',
  'firstFullModeTime',
  'machineSid',
  'proxyStates',
];
const now = NOON * 1000;

describe('a generated fleet', () => {
  test('has the fields, forms of ids and times, and size of real agents', async () => {
    const tenant = await tenantWith({ fleet: 100 });
    for (const row of (await page(tenant, '/agents?limit=100')).data) {
      expect(Object.keys(row)).toEqual(expect.arrayContaining([...SAMPLE_FIELDS, ...LATER_FIELDS]));
      expect(row['id']).toMatch(/^\d{18,19}$/);
      expect(row['siteId']).toMatch(/^\d{18,19}$/);
      for (const time of ['createdAt', 'updatedAt', 'lastActiveDate', 'registeredAt', 'scanFinishedAt']) {
        expect(row[time]).toMatch(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z$/);
      }
      expect(row['osStartTime']).toMatch(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/);
      const size = JSON.stringify(row).length;
      expect(size).toBeGreaterThan(2_500);
      expect(size).toBeLessThan(4_500);
    }
  });

  test('is the same for the same seed, another for another, and a prefix of a larger one', () => {
    expect(generateFleet(40, 5, now)).toEqual(generateFleet(40, 5, now));
    expect(generateFleet(60, 5, now).slice(0, 40)).toEqual(generateFleet(40, 5, now));
    expect(generateFleet(40, 6, now).map(({ serialNumber }) => serialNumber)).not.toEqual(
      generateFleet(40, 5, now).map(({ serialNumber }) => serialNumber),
    );
  });

  test('keeps identities when time goes on', () => {
    const identity = (at: number) =>
      generateFleet(40, 5, at).map(({ id, uuid, serialNumber, computerName, createdAt }) => [
        id,
        uuid,
        serialNumber,
        computerName,
        createdAt,
      ]);
    expect(identity(now + 86_400_000_000)).toEqual(identity(now));
  });

  test('mixes systems and machine types, and is healthy', () => {
    const fleet = generateFleet(500, 1, now);
    expect(new Set(fleet.map(({ osType }) => osType))).toEqual(new Set(['windows', 'macos', 'linux']));
    expect(new Set(fleet.map(({ machineType }) => machineType))).toEqual(new Set(['laptop', 'desktop', 'server']));
    expect(fleet.filter(({ infected, activeThreats }) => infected || activeThreats > 0)).toEqual([]);
  });

  test('writes serial numbers as each vendor does', () => {
    const forms: [RegExp, RegExp][] = [
      [/^(Mac|MacBookPro|iMac)/, /^[0-9A-Z]{10}$/],
      [/^Dell/, /^[0-9A-Z]{7}$/],
      [/^LENOVO/, /^(PF|MJ0)[0-9A-Z]{5,6}$/],
      [/^HP - /, /^5CG[0-9A-Z]{7}$/],
      [/^HPE/, /^CZJ[0-9A-Z]{7}$/],
      [/^Microsoft/, /^\d{12}$/],
      [/^VMware/, /^VMware-56 4d( [0-9a-f]{2}){6}-[0-9a-f]{2}( [0-9a-f]{2}){7}$/],
      [/^Amazon/, /^ec2[0-9a-f]{5}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/],
    ];
    const fleet = generateFleet({ size: 600, unusableSerials: 0, reRegistered: 0 }, 1, now);
    for (const [model, serial] of forms) {
      const made = fleet.filter(({ modelName }) => model.test(modelName));
      expect(made.length).toBeGreaterThan(0);
      for (const agent of made) expect(agent.serialNumber).toMatch(serial);
    }
  });

  test('has no id, serial number or MAC address twice in 20,000 machines', () => {
    const fleet = generateFleet({ size: 20_000, unusableSerials: 0, reRegistered: 0 }, 1, now);
    expect(new Set(fleet.map(({ id }) => id)).size).toBe(20_000);
    expect(new Set(fleet.map(({ serialNumber }) => serialNumber)).size).toBe(20_000);
    const macs = fleet.flatMap(({ networkInterfaces }) => networkInterfaces.map(({ physical }) => physical));
    expect(new Set(macs).size).toBe(macs.length);
  });

  test('has the asked share of unusable serial numbers and of former registrations of the same machine', () => {
    const fleet = generateFleet({ size: 400, unusableSerials: 0.02, reRegistered: 0.01 }, 1, now);
    const usable = (serial: string | null | undefined) =>
      typeof serial === 'string' && serial !== '' && !serial.startsWith('To be');
    const former = fleet.filter(({ isDecommissioned }) => isDecommissioned);
    expect(former).toHaveLength(4);
    for (const agent of former) {
      const current = fleet[fleet.indexOf(agent) - 1];
      expect(agent.serialNumber).toBe(current?.serialNumber);
      expect(agent.id).not.toBe(current?.id);
    }
    const unusable = fleet.filter(({ serialNumber }) => !usable(serialNumber)).map(({ serialNumber }) => serialNumber);
    expect(new Set(unusable)).toEqual(new Set([null, '', undefined, 'To be filled by O.E.M.']));
  });

  test('a small one is free of both', () => {
    const fleet = generateFleet(49, 1, now);
    expect(fleet.every(({ serialNumber, isDecommissioned }) => serialNumber && !isDecommissioned)).toBe(true);
  });
});
