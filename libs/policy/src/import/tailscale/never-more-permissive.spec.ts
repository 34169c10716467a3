import { expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { parse } from 'yaml';
import { compilePolicy, parsePolicy, runPolicyTests } from '../../index.js';
import {
  letsThrough,
  type Attempt,
  type ReferenceCondition,
  type ReferenceFile,
  type ReferenceRule,
  type TailnetDevice,
} from '../fixtures/tailscale-reference.js';
import { importTailscale } from './import-tailscale.js';

const USERS = ['ana@example.com', 'ben@example.com', 'cleo@example.com'];
const TAGS = ['tag:web', 'tag:build'];
const SYSTEMS = ['macos', 'windows', 'linux'];
const VERSIONS = ['23.4.2.14', '24.1.0.0', '24.1.2.6'];
const POSTURES = ['posture:a', 'posture:b', 'posture:c'];

const agentCondition: fc.Arbitrary<ReferenceCondition> = fc.oneof(
  fc.record({
    attribute: fc.constantFrom('sentinelOne:infected', 'sentinelOne:isActive'),
    operator: fc.constantFrom('==' as const, '!=' as const),
    values: fc.tuple(fc.boolean()),
  }),
  fc.record({
    attribute: fc.constant('sentinelOne:activeThreats'),
    operator: fc.constantFrom('==' as const, '!=' as const, '<' as const, '<=' as const, '>' as const, '>=' as const),
    values: fc.tuple(fc.integer({ min: 0, max: 2 })),
  }),
  fc.record({
    attribute: fc.constant('sentinelOne:agentVersion'),
    operator: fc.constantFrom('==' as const, '!=' as const, '<' as const, '<=' as const, '>' as const, '>=' as const),
    values: fc.tuple(fc.constantFrom('24.1', '24.1.0', '24.1.2.6')),
  }),
  fc.record({
    attribute: fc.constant('node:os'),
    operator: fc.constantFrom('IN' as const, 'NOT IN' as const),
    values: fc.uniqueArray(fc.constantFrom(...SYSTEMS), { minLength: 1 }),
  }),
);
const clientCondition: fc.Arbitrary<ReferenceCondition> = fc.record({
  attribute: fc.constant('node:tsReleaseTrack'),
  operator: fc.constantFrom('==' as const),
  values: fc.tuple(fc.constant('stable')),
});

const SOURCES = ['*', 'autogroup:member', 'group:dev', 'group:ops', ...TAGS, ...USERS];
const HOSTS = ['tag:web', 'web', 'db', '10.0.0.0/8'];

const several = <T>(values: readonly T[]) => fc.uniqueArray(fc.constantFrom(...values), { minLength: 1, maxLength: 3 });
const members = fc.uniqueArray(fc.constantFrom(...USERS));
const postureNames = fc.option(several(POSTURES), { nil: undefined });

function fileOf(
  condition: fc.Arbitrary<ReferenceCondition>,
  sources: readonly string[],
  hosts: readonly string[],
): fc.Arbitrary<ReferenceFile> {
  const destinations = hosts.flatMap((host) =>
    ['*', '22', '80,443', '20-100', '443'].map((ports) => `${host}:${ports}`),
  );
  const rule: fc.Arbitrary<ReferenceRule> = fc.record({
    src: several(sources),
    dst: several(destinations),
    proto: fc.constantFrom(undefined, 'tcp', 'udp'),
    srcPosture: postureNames,
  });
  const conditions = fc.array(condition, { minLength: 1, maxLength: 2 });
  return fc.record({
    groups: fc.record({ 'group:dev': members, 'group:ops': members }),
    postures: fc.record(Object.fromEntries(POSTURES.map((name) => [name, conditions]))),
    defaultSrcPosture: postureNames,
    rules: fc.array(rule, { minLength: 1, maxLength: 4 }),
  });
}

/** Half of the files hold only what can be carried over. */
const file = fc.oneof(
  fileOf(agentCondition, SOURCES, HOSTS),
  fileOf(fc.oneof(agentCondition, clientCondition), [...SOURCES, 'autogroup:admin', '10.0.0.1'], [...HOSTS, '*']),
);

const orNone = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const device: fc.Arbitrary<TailnetDevice> = fc
  .record({
    user: orNone(fc.constantFrom(...USERS)),
    tags: fc.uniqueArray(fc.constantFrom(...TAGS)),
    attributes: fc.record({
      'node:os': fc.constantFrom(...SYSTEMS),
      'node:tsReleaseTrack': fc.constantFrom('stable', 'unstable'),
      'sentinelOne:infected': orNone(fc.boolean()),
      'sentinelOne:isActive': orNone(fc.boolean()),
      'sentinelOne:activeThreats': orNone(fc.integer({ min: 0, max: 2 })),
      'sentinelOne:agentVersion': orNone(fc.constantFrom(...VERSIONS)),
    }),
  })
  .map((drawn) => (drawn.user === undefined ? drawn : { ...drawn, tags: [] }));

function written({ rules, postures, ...rest }: ReferenceFile): string {
  const literal = (value: unknown): string => (typeof value === 'string' ? `'${value}'` : String(value));
  const text = ({ attribute, operator, values }: ReferenceCondition): string => {
    const list = values.map(literal).join(', ');
    return `${attribute} ${operator} ${operator.endsWith('IN') ? `[${list}]` : list}`;
  };
  return JSON.stringify({
    ...rest,
    hosts: { web: '10.0.0.7', db: '10.0.0.8' },
    postures: Object.fromEntries(Object.entries(postures).map(([name, conditions]) => [name, conditions.map(text)])),
    acls: rules.map((one) => ({ action: 'accept', ...one })),
  });
}

/** The connections that each resource of a document stands for, as its comments say: both ends of its ports. */
function meanings(document: string): Map<string, Attempt[]> {
  const comments = document.matchAll(/^ +- (\S+) # (\S+)(?: \(.*\))?, (?:any port|port (?:(tcp|udp):?)?([\d-]*))$/gm);
  return new Map(
    [...comments].map(([, name = '', target = '', protocol, range = '']) => {
      const [from = '', to = from] = range.split('-');
      const protocols = protocol === undefined ? ['tcp', 'udp'] : [protocol];
      const ports = from === '' ? [0, 65_535] : [Number(from), Number(to)];
      return [name, protocols.flatMap((one) => ports.map((port) => ({ target, protocol: one, port })))];
    }),
  );
}

/** The resources that the policy lets a device reach, told by tests that expect otherwise. */
function reachable(document: string, { user, tags, attributes }: TailnetDevice, { groups }: ReferenceFile): string[] {
  const resources = [...meanings(document).keys()];
  if (resources.length === 0) return [];
  const agent = Object.entries(attributes).filter(
    ([name, value]) => name.startsWith('sentinelOne:') && value !== undefined,
  );
  const test = {
    name: 'what is reached',
    device: {
      ...(user === undefined ? {} : { owner: user }),
      groups: Object.keys(groups).flatMap((name) => (user && groups[name]?.includes(user) ? [name.slice(6)] : [])),
      tags: tags.map((tag) => tag.slice(4)),
      os: attributes['node:os'],
      attributes: Object.fromEntries(agent),
    },
    expect: Object.fromEntries(resources.map((name) => [name, 'deny'])),
  };
  const policy = parsePolicy(JSON.stringify({ ...parse(document), tests: [test] }));
  if (!policy.ok) throw new Error(JSON.stringify(policy.errors));
  const [result] = runPolicyTests(compilePolicy(policy.policy), Date.UTC(2026, 10, 21));
  return result?.mismatches.map(({ resource }) => resource) ?? [];
}

test('no device reaches what Tailscale keeps from it, and where nothing was left out or changed each reaches the same', () => {
  let reached = 0;
  let same = 0;
  fc.assert(
    fc.property(file, fc.array(device, { minLength: 1, maxLength: 4 }), (policyFile, devices) => {
      const result = importTailscale(written(policyFile));
      if (!result.ok) throw new Error(JSON.stringify(result.errors));
      const whole = result.report.every(({ severity }) => severity === 'review');
      for (const one of devices) {
        const allowed = reachable(result.document, one, policyFile);
        const open = [...meanings(result.document)].filter(([, attempts]) => letsThrough(policyFile, one, attempts));
        const names = open.map(([name]) => name);
        const expected = whole ? names : names.filter((name) => allowed.includes(name));
        expect(allowed.toSorted()).toEqual(expected.toSorted());
        reached += allowed.length;
        same += whole && names.length > 0 ? 1 : 0;
      }
    }),
    { numRuns: 300, seed: 20_261_121 },
  );
  // Neither half of the sentence may hold for want of cases.
  expect(reached).toBeGreaterThan(150);
  expect(same).toBeGreaterThan(50);
});
