import type { PostureSubject } from '@stance/policy';
import { Random } from './random.js';

/** What the eight conditions ask of a device; a value that is not there was not reported. */
export interface DeviceValues {
  isActive?: boolean;
  infected?: boolean;
  activeThreats?: number;
  networkStatus?: string;
  operationalState?: string;
  agentVersion?: string;
  encryptedApplications?: boolean;
  siteName?: string;
}

/** One device in the two forms that engines take. */
export interface Device {
  /** The values alone, for engines that know nothing of agents and ages. */
  readonly values: Readonly<DeviceValues>;
  /** RFC 3339, when the values were read and when the agent was last in contact. */
  readonly observedAt: string;
  readonly lastSeenAt: string;
  /** The posture record, as the posture store publishes it. */
  readonly subject: PostureSubject;
}

/** The moment of every evaluation, in milliseconds since the epoch; all values are current then. */
export const NOW = Date.UTC(2026, 10, 20, 12);

const HOUR = 3_600_000;

/** Devices of which about seven in ten are allowed and no two are alike; the others fail in one way or two. */
export function devicesOf(count: number): Device[] {
  const random = new Random(8);
  return Array.from({ length: count }, (_, index) => {
    const values = healthy(random);
    if (random.chance(0.3)) {
      spoil(values, random);
      if (random.chance(0.3)) spoil(values, random);
    }
    return deviceOf(index, values, random);
  });
}

function healthy(random: Random): DeviceValues {
  return {
    isActive: true,
    infected: false,
    activeThreats: 0,
    networkStatus: 'connected',
    operationalState: random.pick('na', 'na', 'na', 'partially_disabled'),
    agentVersion: `${random.pick('24.1', '24.2', '24.10', '25.1')}.${random.below(4)}.${random.pick(188, 471)}`,
    encryptedApplications: true,
    siteName: random.pick('Berlin', 'London', 'Paris', 'Oslo'),
  };
}

const SPOILERS: readonly ((values: DeviceValues, random: Random) => void)[] = [
  (values) => (values.isActive = false),
  (values, random) => {
    values.infected = true;
    values.activeThreats = 1 + random.below(9);
  },
  (values, random) => (values.activeThreats = 1 + random.below(9)),
  (values, random) => (values.networkStatus = random.pick('disconnected', 'connecting', 'disconnecting')),
  (values, random) => (values.operationalState = random.pick('fully_disabled', 'db_corruption')),
  (values, random) => (values.agentVersion = `${random.pick('24.0', '23.4', '9.12')}.${random.below(4)}`),
  (values) => (values.encryptedApplications = false),
  (values) => (values.siteName = 'Lab'),
  (values, random) => {
    const names = Object.keys(values) as (keyof DeviceValues)[];
    delete values[random.pick('siteName', ...names)];
  },
];

function spoil(values: DeviceValues, random: Random): void {
  SPOILERS[random.below(SPOILERS.length)]?.(values, random);
}

function deviceOf(index: number, values: DeviceValues, random: Random): Device {
  const observedAt = new Date(NOW - random.below(HOUR)).toISOString();
  const lastSeenAt = new Date(NOW - random.below(20 * HOUR)).toISOString();
  const readings = Object.entries<boolean | number | string>({ ...values }).map(
    ([name, value]) => [`sentinelOne:${name}`, { value, agent: 0 }] as const,
  );
  const subject: PostureSubject = {
    deviceId: `device-${index}`,
    device: { state: 'enrolled', owner: `person-${index}@example.com`, groups: ['staff'], tags: [] },
    agents: [{ source: 'sentinelone', agentId: String(index), by: 'serial', lastSeenAt, observedAt }],
    attributes: Object.fromEntries(readings),
    problems: [],
  };
  return { values: asRead(values), observedAt, lastSeenAt, subject: asRead(subject) };
}

/** In memory as a service has what it read from a message. */
export function asRead<Value>(value: Value): Value {
  return JSON.parse(JSON.stringify(value)) as Value;
}
