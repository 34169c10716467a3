import * as fc from 'fast-check';
import { parsePolicy } from '../../parse-policy.js';
import type { Policy } from '../../policy.js';
import { NOW } from './subjects.js';

/** A policy as it is written, as far as stories change it. */
export interface PolicySource {
  readonly version: 1;
  readonly defaults: { readonly maxAge: string; readonly rearm: string };
  readonly postures: Readonly<Record<string, PostureSource>>;
  readonly gateways: Readonly<Record<string, GatewaySource>>;
  readonly rules: readonly RuleSource[];
  readonly exceptions: readonly ExceptionSource[];
}

export interface PostureSource {
  readonly conditions: readonly string[];
  readonly maxAge?: string;
}

export interface GatewaySource {
  readonly resources: readonly string[];
  readonly enforcement: 'enforce' | 'report';
}

export type RequirementSource = string | { readonly posture: string; readonly grace: string; readonly rearm?: string };

export interface RuleSource {
  readonly name: string;
  readonly effect: 'allow' | 'deny';
  readonly mode?: 'enforce' | 'report';
  readonly resources: readonly string[];
  readonly groups?: readonly string[];
  readonly tags?: readonly string[];
  readonly owners?: readonly string[];
  readonly require?: readonly RequirementSource[];
  readonly requireAny?: readonly RequirementSource[];
  readonly when?: readonly string[];
  readonly maxAge?: string;
}

export interface ExceptionSource {
  readonly device: string;
  readonly rule: string;
  readonly waive: readonly string[];
  readonly until: string;
  readonly reason: string;
  readonly approvedBy: string;
}

const RESOURCES = ['wiki', 'payroll'];

/** Of every type and operator, for the values that subjects have. */
const COMPARISONS = [
  'sentinelOne:infected == false',
  'sentinelOne:infected != true',
  'sentinelOne:infected IN [false]',
  'sentinelOne:activeThreats == 0',
  'sentinelOne:activeThreats < 2',
  'sentinelOne:activeThreats NOT IN [1, 2]',
  "sentinelOne:networkStatus == 'connected'",
  "sentinelOne:networkStatus != 'disconnected'",
  "sentinelOne:networkStatus IN ['connected', 'connecting']",
  "sentinelOne:agentVersion >= '24.1'",
  "sentinelOne:agentVersion != '24.1-rc1'",
  "sentinelOne:userActionsNeeded CONTAINS 'none'",
  "sentinelOne:scanFinishedAt > '2026-11-01'",
  "sentinelOne:siteName NOT IN ['Lab', 'Kiosks']",
  "stance:matchedBy IN ['manual', 'serial']",
  'stance:agents == 1',
  "device:os == 'macos'",
  "device:tags CONTAINS 't'",
];

/** What time alone turns. */
const AGES = [
  'stance:lastSeenAge < 3h',
  'stance:lastSeenAge <= 3h',
  'stance:lastSeenAge < 1d',
  'stance:lastSeenAge < 30h',
  'stance:lastSeenAge > 5h',
  'stance:lastSeenAge >= 1h',
  'stance:lastSeenAge != 4h',
  'stance:lastSeenAge NOT IN [2h, 4h]',
];

const PRESENCES = [
  'sentinelOne:infected IS SET',
  'sentinelOne:siteName IS SET',
  'sentinelOne:activeThreats NOT SET',
  'sentinelOne:scanFinishedAt NOT SET',
  'stance:matchedBy IS SET',
];

/** What deny rules ask for: few devices are so. */
const UNWANTED = [
  'sentinelOne:infected == true',
  "sentinelOne:networkStatus IN ['disconnecting', 'disconnected']",
  "sentinelOne:agentVersion < '23.5'",
  'stance:lastSeenAge > 20h',
  "device:tags CONTAINS 'contractor'",
  "sentinelOne:siteName == 'Lab'",
];

/** From which the conditions of a policy are drawn. */
export interface Conditions {
  /** Of postures that allow rules require, and some deny rules deny. */
  readonly wanted: fc.Arbitrary<string>;
  /** Of postures that deny rules deny. */
  readonly unwanted: fc.Arbitrary<string>;
}

/** Every type, every operator. */
export const EVERY_CONDITION: Conditions = {
  wanted: fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...COMPARISONS) },
    { weight: 2, arbitrary: fc.constantFrom(...AGES) },
    { weight: 1, arbitrary: fc.constantFrom(...PRESENCES) },
  ),
  unwanted: fc.constantFrom(...UNWANTED),
};

/** All but `IS SET` and `NOT SET`. */
export const COMPARING: Conditions = {
  wanted: fc.constantFrom(...COMPARISONS, ...AGES),
  unwanted: fc.constantFrom(...UNWANTED),
};

/** Mostly what time alone turns, so that failures begin and end unseen. */
export const AGEING: Conditions = {
  wanted: fc.constantFrom(...AGES.filter((condition) => condition.includes('<')), 'sentinelOne:infected == false'),
  unwanted: fc.constantFrom(...UNWANTED),
};

const POSTURES = ['a', 'b', 'c'];
const age = fc.constantFrom('1h', '5h', '24h', '72h');
const some = (...names: string[]): fc.Arbitrary<string[]> =>
  fc.uniqueArray(fc.constantFrom(...names), { minLength: 1, maxLength: 2 });

const people = fc.oneof(
  { weight: 2, arbitrary: fc.constant({}) },
  {
    weight: 1,
    arbitrary: fc.record(
      {
        groups: some('x', 'y'),
        tags: some('t', 'u'),
        owners: fc.constantFrom(['ada@example.com'], ['ada@example.com', 'bob@example.com'], ['bob@example.com']),
      },
      { requiredKeys: [] },
    ),
  },
);
const coverage = {
  resources: fc.constantFrom(['*'], ['wiki'], ['payroll']),
  mode: fc.constantFrom('enforce' as const, 'enforce' as const, 'report' as const),
  maxAge: age,
};

const graced = fc.record(
  {
    posture: fc.constantFrom(...POSTURES),
    grace: fc.constantFrom('2h', '10h', '72h'),
    rearm: fc.constantFrom('1h', '6h', '24h'),
  },
  { requiredKeys: ['posture', 'grace'] },
);

const postureOf = (requirement: RequirementSource): string =>
  typeof requirement === 'string' ? requirement : requirement.posture;

const requirement = fc.oneof({ weight: 1, arbitrary: fc.constantFrom(...POSTURES) }, { weight: 2, arbitrary: graced });
const requirements = fc.uniqueArray(requirement, {
  minLength: 1,
  maxLength: 2,
  selector: postureOf,
});

const allowRule = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record(
      { ...coverage, require: requirements, requireAny: requirements },
      {
        requiredKeys: ['resources', 'require'],
      },
    ),
  },
  { weight: 1, arbitrary: fc.record({ ...coverage, requireAny: requirements }, { requiredKeys: ['resources'] }) },
);
const denyWhen = fc.oneof(
  { weight: 4, arbitrary: fc.constant(['unwanted']) },
  { weight: 1, arbitrary: fc.constantFrom(['unwanted', 'unsure'], ['unsure'], ['a']) },
);
const denyRule = fc.oneof(
  { weight: 6, arbitrary: fc.record({ ...coverage, when: denyWhen }, { requiredKeys: ['resources', 'when'] }) },
  {
    weight: 1,
    arbitrary: fc.record({ ...coverage, tags: fc.constant(['contractor']) }, { requiredKeys: ['resources', 'tags'] }),
  },
);

/** A rule that any policy of {@link policies} can take, under a name that none of its rules has. */
export type UnnamedRule = Omit<RuleSource, 'name'>;
export const denyRules: fc.Arbitrary<UnnamedRule> = fc
  .tuple(people, denyRule)
  .map(([whom, rule]) => ({ ...whom, ...rule, effect: 'deny' }));
const allowRules: fc.Arbitrary<UnnamedRule> = fc
  .tuple(people, allowRule)
  .map(([whom, rule]) => ({ ...whom, ...withoutRepeats(rule), effect: 'allow' }));

const rules: fc.Arbitrary<RuleSource[]> = fc
  .array(fc.oneof({ weight: 6, arbitrary: allowRules }, { weight: 1, arbitrary: denyRules }), {
    minLength: 1,
    maxLength: 4,
  })
  .map((unnamed) => unnamed.map((rule, index) => ({ ...rule, name: `rule ${index}` })));

/** A posture that one rule asks for twice is asked for once here. */
function withoutRepeats({ requireAny = [], ...rule }: Omit<UnnamedRule, 'effect'>): Omit<UnnamedRule, 'effect'> {
  const required = (rule.require ?? []).map(postureOf);
  const others = requireAny.filter((one) => !required.includes(postureOf(one)));
  return { ...rule, ...(others.length > 0 && { requireAny: others }) };
}

const waivers = fc.array(
  fc.record({
    rule: fc.nat(),
    postures: fc.tuple(fc.nat(), fc.nat()),
    until: fc.constantFrom(-1, 0, 3, 30).map((hours) => new Date(NOW + hours * HOUR).toISOString()),
    device: fc.constantFrom('laptop', 'laptop', 'laptop', 'other'),
  }),
  { maxLength: 3 },
);
const HOUR = 3_600_000;

/** Policies over the given conditions, and over all features of the language. */
export function policies({ wanted, unwanted }: Conditions = EVERY_CONDITION): fc.Arbitrary<PolicySource> {
  const postureOver = (condition: fc.Arbitrary<string>): fc.Arbitrary<PostureSource> =>
    fc.record(
      { maxAge: age, conditions: fc.uniqueArray(condition, { minLength: 1, maxLength: 2 }) },
      { requiredKeys: ['conditions'] },
    );
  const [asked, denied] = [postureOver(wanted), postureOver(unwanted)];
  return fc
    .record({
      version: fc.constant(1 as const),
      defaults: fc.record({ maxAge: age, rearm: fc.constantFrom('3h', '24h') }),
      postures: fc.record({ a: asked, b: asked, c: asked, unwanted: denied, unsure: denied }),
      gateways: fc.record({
        edge: fc.record({
          resources: fc.constant(RESOURCES),
          enforcement: fc.constantFrom('enforce' as const, 'enforce' as const, 'report' as const),
        }),
      }),
      rules,
      waivers,
    })
    .map(({ waivers: wanted, ...policy }) => ({ ...policy, exceptions: exceptionsFrom(wanted, policy.rules) }));
}

type Waiver = typeof waivers extends fc.Arbitrary<(infer One)[]> ? One : never;

function exceptionsFrom(wanted: readonly Waiver[], among: readonly RuleSource[]): ExceptionSource[] {
  const rulesWithRequirements = among
    .map(({ name, require = [], requireAny = [] }) => ({ name, postures: [...require, ...requireAny].map(postureOf) }))
    .filter(({ postures }) => postures.length > 0);
  if (rulesWithRequirements.length === 0) return [];
  return wanted.flatMap(({ rule, postures: [one, other], until, device }, index) => {
    const chosen = rulesWithRequirements[rule % rulesWithRequirements.length];
    if (chosen === undefined) return [];
    const waive = [one, other].flatMap((place) => chosen.postures[place % chosen.postures.length] ?? []);
    const reason = `INC-${index}`;
    return [{ device, rule: chosen.name, waive: [...new Set(waive)], until, reason, approvedBy: 'security' }];
  });
}

/** A rule that no longer asks for some postures. */
export function without({ require = [], requireAny = [], ...rule }: RuleSource, waived: readonly string[]): RuleSource {
  const required = require.filter((one) => !waived.includes(postureOf(one)));
  const isMet = requireAny.some((one) => waived.includes(postureOf(one)));
  return {
    ...rule,
    ...(required.length > 0 && { require: required }),
    ...(requireAny.length > 0 && !isMet && { requireAny }),
  };
}

/** @throws {Error} with what is wrong, as a generator that writes such a policy is at fault. */
export function parsed(source: PolicySource): Policy {
  const result = parsePolicy(JSON.stringify(source));
  if (!result.ok) throw new Error(JSON.stringify(result.errors));
  return result.policy;
}
