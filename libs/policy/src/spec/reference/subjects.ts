import type { AttributeValue } from '@stance/contracts';
import * as fc from 'fast-check';
import type { PostureSubject } from '../../evaluation/subject.js';

/** When stories begin. */
export const NOW = Date.parse('2026-11-21T12:00:00Z');
const HOUR = 3_600_000;

/** Mostly what conditions ask for, so that devices often pass; the rest is one of all the ways to fail. */
const mostly = (good: AttributeValue, ...others: AttributeValue[]): fc.Arbitrary<AttributeValue> =>
  fc.oneof({ weight: 6, arbitrary: fc.constant(good) }, { weight: 1, arbitrary: fc.constantFrom(...others) });

export const VALUES: Readonly<Record<string, fc.Arbitrary<AttributeValue>>> = {
  'sentinelOne:infected': mostly(false, true, true, 'false'),
  'sentinelOne:activeThreats': mostly(0, 1, 2, '0'),
  'sentinelOne:networkStatus': mostly('connected', 'connecting', 'disconnected', 'brand_new', 1),
  'sentinelOne:agentVersion': mostly('24.1.0', '24.1-rc1', '24.0.9', '23', 'new'),
  'sentinelOne:userActionsNeeded': mostly(['none'], [], ['reboot_needed'], ['none', 'brand_new'], 'none'),
  'sentinelOne:scanFinishedAt': mostly('2026-11-20T00:00:00Z', '2026-10-01', 'never', 5),
  'sentinelOne:siteName': mostly('Main', 'Lab', 7),
};

/** Hours before the time at which the subject is built; below 0 is still to come. */
const hoursAgo = fc.oneof(
  { weight: 12, arbitrary: fc.integer({ min: -1, max: 1 }) },
  { weight: 1, arbitrary: fc.integer({ min: 2, max: 30 }) },
);

/** A device, with times that are counted back from when it is seen so. */
export interface Sight {
  readonly device: PostureSubject['device'];
  readonly agents: readonly {
    readonly by?: NonNullable<PostureSubject['agents'][number]['by']>;
    readonly observed: number;
    readonly seen?: number;
  }[];
  readonly attributes: Readonly<Record<string, { readonly value: AttributeValue; readonly agent: number } | undefined>>;
  readonly problems: PostureSubject['problems'];
}

const readings = fc.record(
  Object.fromEntries(
    Object.entries(VALUES).map(([name, value]) => {
      const agent = fc.oneof({ weight: 60, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.constant(1) });
      return [name, fc.option(fc.record({ value, agent }), { nil: undefined, freq: 30 })];
    }),
  ),
);

const most = (...names: string[]): fc.Arbitrary<string[]> =>
  fc.oneof({ weight: 6, arbitrary: fc.constant(names) }, { weight: 1, arbitrary: fc.subarray(names) });

const agent = fc.record(
  {
    by: fc.constantFrom('serial' as const, 'serial' as const, 'mac+hostname' as const),
    observed: hoursAgo,
    seen: hoursAgo,
  },
  { requiredKeys: ['observed'] },
);

export const sights: fc.Arbitrary<Sight> = fc.record({
  device: fc.record(
    {
      state: fc.oneof(
        { weight: 30, arbitrary: fc.constant('enrolled' as const) },
        { weight: 1, arbitrary: fc.constantFrom('retired' as const, 'unknown' as const) },
      ),
      groups: most('x', 'y'),
      tags: most('t', 'u'),
      owner: fc.constantFrom('ada@example.com', 'ada@example.com', 'bob@example.com'),
      os: fc.constantFrom('macos', 'macos', 'linux'),
    },
    { requiredKeys: ['state', 'groups', 'tags'] },
  ),
  agents: fc.oneof(
    { weight: 8, arbitrary: fc.tuple(agent) },
    { weight: 1, arbitrary: fc.array(agent, { maxLength: 3 }) },
  ),
  attributes: readings,
  problems: fc.oneof(
    { weight: 20, arbitrary: fc.constant<PostureSubject['problems']>([]) },
    {
      weight: 1,
      arbitrary: fc.constantFrom<PostureSubject['problems']>(['conflict'], ['quarantined'], ['duplicate-serial']),
    },
  ),
});

/** The device as it is seen at a time. */
export function subjectSeen({ device, agents, attributes, problems }: Sight, at: number): PostureSubject {
  const time = (hours: number): string => new Date(at - hours * HOUR).toISOString();
  return {
    deviceId: 'laptop',
    device,
    agents: agents.map(({ by, observed, seen }, index) => ({
      source: 'acme',
      agentId: String(index + 1),
      observedAt: time(observed),
      ...(by !== undefined && { by }),
      ...(seen !== undefined && { lastSeenAt: time(seen) }),
    })),
    attributes: Object.fromEntries(
      Object.entries(attributes).flatMap(([name, reading]) => (reading === undefined ? [] : [[name, reading]])),
    ),
    problems,
  };
}
