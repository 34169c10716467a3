import type { PostureSubject } from '@stance/policy';
import { asRead, NOW } from './devices.js';
import { Random } from './random.js';

const HOUR = 3_600_000;

/** Posture records of a fleet of which most machines are well, a few fail in a way or two and some have been silent for over a day. */
export function fleetOf(count: number): PostureSubject[] {
  const random = new Random(20);
  return Array.from({ length: count }, (_, index) => asRead(machine(index, random)));
}

function machine(index: number, random: Random): PostureSubject {
  const silent = random.chance(0.03) ? 30 * HOUR : 0;
  return {
    deviceId: `device-${index}`,
    device: {
      state: 'enrolled',
      owner: `person-${index}@example.com`,
      groups: ['staff', random.pick('engineering', 'finance', 'sales', 'support', 'operations', 'management')],
      tags: random.chance(0.1) ? ['shared'] : [],
    },
    agents: [
      {
        source: 'sentinelone',
        agentId: String(index),
        by: 'serial',
        lastSeenAt: new Date(NOW - silent - random.below(12 * HOUR)).toISOString(),
        observedAt: new Date(NOW - random.below(HOUR)).toISOString(),
      },
    ],
    attributes: Object.fromEntries(
      Object.entries(values(random)).map(([name, value]) => [`sentinelOne:${name}`, { value, agent: 0 }]),
    ),
    problems: [],
  };
}

function values(random: Random): Record<string, boolean | number | string> {
  const infected = random.chance(0.01);
  const reported = {
    isActive: !random.chance(0.04),
    isUpToDate: !random.chance(0.15),
    isDecommissioned: random.chance(0.005),
    isPendingUninstall: random.chance(0.005),
    agentVersion: `${random.pick('24.1', '24.2', '25.1', '23.4')}.${random.below(4)}.${random.pick(188, 471)}`,
    operationalState: random.chance(0.02) ? 'fully_disabled' : 'na',
    infected,
    activeThreats: infected ? 1 + random.below(5) : 0,
    mitigationMode: random.chance(0.05) ? 'detect' : 'protect',
    appsVulnerabilityStatus: random.pick('up_to_date', 'up_to_date', 'not_applicable', 'patch_required'),
    scanStatus: random.pick('finished', 'finished', 'finished', 'aborted'),
    networkStatus: random.chance(0.02) ? 'disconnected' : 'connected',
    firewallEnabled: !random.chance(0.05),
    encryptedApplications: !random.chance(0.08),
    machineType: random.pick('laptop', 'laptop', 'desktop', 'server'),
    osType: random.pick('windows', 'windows', 'macos', 'linux'),
    osName: random.pick('Windows 11 Pro', 'macOS', 'Debian GNU/Linux'),
    siteName: random.pick('Berlin', 'London', 'Paris', 'Oslo'),
    groupName: random.pick('Default Group', 'Pilot'),
    domain: 'example.com',
  };
  if (!random.chance(0.02)) return reported;
  // An attribute or two that the console did not report.
  const names = Object.keys(reported);
  const missing = [random.pick('domain', ...names), random.pick('domain', ...names)];
  return Object.fromEntries(Object.entries(reported).filter(([name]) => !missing.includes(name)));
}
