import type { ActiveDirectory, Agent, NetworkInterface } from './agent.js';
import { drawMachine } from './hardware.js';
import type { Machine } from './hardware.js';
import { idFrom } from './ids.js';
import { DEFAULT_ORGANISATION, groupOf, siteFor } from './organisation.js';
import type { Organisation } from './organisation.js';
import { Random } from './random.js';
import { formatTimestamp } from './timestamps.js';
import type { Microseconds } from './timestamps.js';

const MINUTE: Microseconds = 60_000_000;
const DAY: Microseconds = 24 * 60 * MINUTE;
/** Agents of a generated fleet were installed in the 1,000 days before this moment, whatever the tenant's clock says, so that ids survive a restart. */
const LAST_INSTALLATION: Microseconds = Date.UTC(2026, 0, 1) * 1000;

const SYSTEMS = {
  windows: {
    names: ['Windows 11 Pro', 'Windows 11 Enterprise', 'Windows 10 Enterprise'],
    server: ['Windows Server 2022 Datacenter', 'Windows Server 2019 Standard'],
    revisions: ['22631', '26100', '19045'],
    installer: '.msi',
    versions: ['24.2.3.471', '24.1.5.277'],
  },
  macos: {
    names: ['macOS'],
    server: ['macOS'],
    revisions: ['15.1 (24B83)', '14.7.1 (23H222)'],
    installer: '.pkg',
    versions: ['24.3.2.7753', '24.2.2.7632'],
  },
  linux: {
    names: ['Linux'],
    server: ['Linux'],
    revisions: ['Ubuntu 24.04.1 LTS 6.8.0-48-generic', 'Debian GNU/Linux 12 6.1.0-26-amd64'],
    installer: '.deb',
    versions: ['24.2.2.20', '24.1.2.6'],
  },
} as const;

/** The `index`-th agent of the fleet `seed`: identity depends on these alone, times of activity on `now`. Healthy. */
export function generateAgent(
  seed: number,
  index: number,
  now: Microseconds,
  organisation: Organisation = DEFAULT_ORGANISATION,
): Agent {
  const random = new Random(seed, index);
  const machine = drawMachine(seed, index, random);
  const site = siteFor(organisation, machine.machineType, machine.machineType === 'server' ? 0 : random.below(3));
  const group = groupOf(site.id, machine.machineType);
  const system = SYSTEMS[machine.osType];
  const installed = LAST_INSTALLATION - random.below(1000) * DAY - random.below(DAY);
  const createdAt = formatTimestamp(installed);
  const salt = (seed * 7919 + index) & 0x3fffff;
  const account = accountName(random, machine);
  const interfaces = networkInterfaces(random, machine, index, site.network, installed);
  const address = interfaces[0]?.inet[0] ?? '';
  const current = random.chance(0.9);
  const scanned = now - DAY - random.below(20 * DAY);
  const joined = machine.osType === 'windows';
  return {
    accountId: organisation.account.id,
    accountName: organisation.account.name,
    activeDirectory: activeDirectory(joined, account, computerName(machine, index), machine.machineType),
    activeProtection: ['edr'],
    activeThreats: 0,
    agentVersion: current ? system.versions[0] : system.versions[1],
    allowRemoteShell: false,
    appsVulnerabilityStatus: random.chance(0.8) ? 'up_to_date' : 'patch_required',
    cloudProviders: machine.cloudProviders,
    computerName: computerName(machine, index),
    consoleMigrationStatus: 'N/A',
    containerizedWorkloadCounts: null,
    coreCount: machine.machineType === 'server' ? 32 : random.pick([8, 10, 12]),
    cpuCount: machine.machineType === 'server' ? 2 : 1,
    cpuId: machine.cpuId,
    createdAt,
    detectionState: 'full_mode',
    domain: joined ? 'CORP' : 'local',
    encryptedApplications: machine.machineType !== 'server' && random.chance(0.97),
    externalId: '',
    externalIp: site.externalIp,
    firewallEnabled: random.chance(0.95),
    firstFullModeTime: formatTimestamp(installed + 4 * MINUTE),
    fullDiskScanLastUpdatedAt: formatTimestamp(scanned + 50 * MINUTE),
    groupId: group.id,
    groupIp: `${address.split('.').slice(0, 3).join('.')}.x`,
    groupName: group.name,
    groupUpdatedAt: null,
    hasContainerizedWorkload: false,
    id: idFrom(installed / 1000, salt),
    inRemoteShellSession: false,
    infected: false,
    installerType: system.installer,
    isActive: true,
    isAdConnector: false,
    isDecommissioned: false,
    isHyperAutomate: false,
    isPendingUninstall: false,
    isUninstalled: false,
    isUpToDate: current,
    lastActiveDate: formatTimestamp(now - random.below(5 * MINUTE)),
    lastIpToMgmt: address,
    lastLoggedInUserName: account,
    lastSuccessfulScanDate: formatTimestamp(scanned + 50 * MINUTE),
    licenseKey: '',
    locationEnabled: true,
    locationType: 'fallback',
    locations: [{ id: '1402313987783188491', name: 'Fallback', scope: 'global' }],
    machineSid: joined
      ? `S-1-5-21-${random.text(10, '123456789')}-${random.text(9, '123456789')}-${random.text(10, '123456789')}`
      : null,
    machineType: machine.machineType,
    missingPermissions: [],
    mitigationMode: 'protect',
    mitigationModeSuspicious: 'detect',
    modelName: machine.modelName,
    networkInterfaces: interfaces,
    networkQuarantineEnabled: false,
    networkStatus: 'connected',
    operationalState: 'na',
    operationalStateExpiration: null,
    osArch: machine.osType === 'macos' ? 'ARM64' : '64 bit',
    osName: random.pick(machine.machineType === 'server' ? system.server : system.names),
    osRevision: random.pick(system.revisions),
    osStartTime: formatTimestamp(now - 60 * MINUTE - random.below(14 * DAY)).replace(/\.\d+Z$/, 'Z'),
    osType: machine.osType,
    osUsername: machine.osType === 'windows' ? null : account,
    policyUpdatedAt: null,
    proxyStates: { console: false, deepVisibility: false },
    rangerStatus: 'Enabled',
    rangerVersion: '24.1.0.11',
    registeredAt: formatTimestamp(installed - 3_113),
    remoteProfilingState: 'disabled',
    remoteProfilingStateExpiration: null,
    scanAbortedAt: null,
    scanFinishedAt: formatTimestamp(scanned + 50 * MINUTE),
    scanStartedAt: formatTimestamp(scanned),
    scanStatus: 'finished',
    serialNumber: machine.serialNumber,
    showAlertIcon: true,
    siteId: site.id,
    siteName: site.name,
    storageName: null,
    storageType: null,
    tags: { sentinelone: [] },
    threatRebootRequired: false,
    totalMemory: random.pick([16_384, 32_768, 65_536]),
    updatedAt: formatTimestamp(now - MINUTE - random.below(30 * DAY)),
    userActionsNeeded: [],
    uuid: machineUuid(random, machine),
  };
}

function computerName(machine: Machine, index: number): string {
  const number = String(index + 1).padStart(5, '0');
  if (machine.machineType === 'server') return machine.osType === 'linux' ? `srv-lnx-${number}` : `SRV-WIN-${number}`;
  if (machine.osType === 'macos') return machine.machineType === 'laptop' ? `mbp-${number}` : `mac-${number}`;
  if (machine.osType === 'linux') return `lnx-${number}`;
  return machine.machineType === 'laptop' ? `LT-${number}` : `DESKTOP-${number}`;
}

/** Personnel numbers: accounts look like a company's, and no one is named. */
function accountName(random: Random, machine: Machine): string {
  if (machine.machineType === 'server') return machine.osType === 'linux' ? 'root' : 'Administrator';
  return `u${10_000 + random.below(89_999)}`;
}

function activeDirectory(joined: boolean, account: string, computer: string, machineType: string): ActiveDirectory {
  if (!joined) {
    return {
      computerDistinguishedName: null,
      computerMemberOf: [],
      lastUserDistinguishedName: null,
      lastUserMemberOf: [],
      mail: null,
      userPrincipalName: null,
    };
  }
  return {
    computerDistinguishedName: `CN=${computer},OU=${machineType === 'server' ? 'Servers' : 'Workstations'},DC=corp,DC=example,DC=com`,
    computerMemberOf: [`CN=Domain Computers,CN=Users,DC=corp,DC=example,DC=com`],
    lastUserDistinguishedName: `CN=${account},OU=Staff,DC=corp,DC=example,DC=com`,
    lastUserMemberOf: ['CN=Domain Users,CN=Users,DC=corp,DC=example,DC=com'],
    mail: `${account}@example.com`,
    userPrincipalName: `${account}@example.com`,
  };
}

function networkInterfaces(
  random: Random,
  machine: Machine,
  index: number,
  network: string,
  installed: Microseconds,
): NetworkInterface[] {
  const names =
    machine.osType === 'macos'
      ? ['en0', 'en5']
      : machine.osType === 'linux'
        ? ['ens192', 'wlp2s0']
        : ['Ethernet', 'Wi-Fi'];
  const count = machine.machineType === 'laptop' ? 2 : 1;
  const subnet = random.below(250);
  return names.slice(0, count).map((name, card) => {
    const last = ((index * 2 + card) * 40_503 + 12_289) & 0xffffff;
    const tail = last
      .toString(16)
      .padStart(6, '0')
      .replace(/(..)(..)(..)/, '$1:$2:$3');
    return {
      gatewayIp: `${network}.${subnet}.1`,
      gatewayMacAddress: `00:1c:73:${random.hex(2)}:${random.hex(2)}:${random.hex(2)}`,
      id: idFrom(installed / 1000 + 1 + card, index),
      inet: [`${network}.${subnet}.${2 + random.below(250)}`],
      inet6: [`fe80::${random.hex(4)}:${random.hex(4)}:fe${random.hex(2)}:${random.hex(4)}`],
      name,
      physical: `${machine.macPrefix}:${tail}`,
    };
  });
}

function machineUuid(random: Random, machine: Machine): string {
  if (machine.osType === 'windows') return random.hex(32);
  const uuid = `${random.hex(8)}-${random.hex(4)}-4${random.hex(3)}-a${random.hex(3)}-${random.hex(12)}`;
  return machine.osType === 'macos' ? uuid.toUpperCase() : uuid;
}
