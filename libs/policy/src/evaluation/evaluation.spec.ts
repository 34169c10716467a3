import { describe, expect, test } from '@jest/globals';
import type { AttributeValue } from '@stance/contracts';
import * as fc from 'fast-check';
import {
  ATTRIBUTES,
  compilePolicy,
  evaluateGateway,
  explain,
  gatewaysOf,
  parsePolicy,
  UnknownGateway,
  type CompiledPolicy,
  type Evaluation,
  type PostureSubject,
} from '../index.js';

const NOW = Date.parse('2026-11-21T12:00:00Z');
const HOUR = 3_600_000;

interface PostureSource {
  readonly maxAge?: string;
  readonly conditions: readonly string[];
}

interface RuleSource {
  readonly name: string;
  readonly effect: 'allow' | 'deny';
  readonly resources: readonly string[];
  readonly groups?: readonly string[];
  readonly tags?: readonly string[];
  readonly require?: readonly string[];
  readonly requireAny?: readonly string[];
  readonly when?: readonly string[];
  readonly maxAge?: string;
}

interface PolicySource {
  readonly version: 1;
  readonly defaults: { readonly maxAge: string };
  readonly postures: Readonly<Record<string, PostureSource>>;
  readonly gateways: { readonly edge: { readonly resources: readonly string[] } };
  readonly rules: readonly RuleSource[];
}

function compiled(source: PolicySource): CompiledPolicy {
  const parsed = parsePolicy(JSON.stringify(source));
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.errors));
  return compilePolicy(parsed.policy);
}

const evaluate = (source: PolicySource, subject: PostureSubject): Evaluation =>
  evaluateGateway(compiled(source), 'edge', subject, NOW);

const allowed = ({ resources }: Evaluation): string[] =>
  Object.keys(resources).filter((name) => resources[name]?.effect === 'allow');

// What policies and devices are drawn from: few names and values, so that they often meet.
const RESOURCES = ['wiki', 'payroll'];
const comparing = [
  'sentinelOne:infected == false',
  'sentinelOne:infected != false',
  'sentinelOne:activeThreats < 2',
  'sentinelOne:activeThreats NOT IN [0, 2]',
  "sentinelOne:networkStatus == 'connected'",
  "sentinelOne:networkStatus != 'disconnected'",
  "sentinelOne:agentVersion >= '24.1'",
  "sentinelOne:userActionsNeeded CONTAINS 'none'",
  "device:os == 'macos'",
];
const growing = ['stance:lastSeenAge < 3h', 'stance:lastSeenAge > 5h', 'stance:lastSeenAge != 4h'];
const presence = ['sentinelOne:infected IS SET', 'sentinelOne:activeThreats NOT SET'];

const age = fc.constantFrom('1h', '5h', '24h');
const postureNames = ['a', 'b', 'c'];
const references = fc.uniqueArray(fc.constantFrom(...postureNames), { minLength: 1, maxLength: 2 });
const oneOf = (...names: string[]) => fc.uniqueArray(fc.constantFrom(...names), { minLength: 1, maxLength: 2 });
const scope = {
  resources: fc.constantFrom(['*'], ['wiki'], ['payroll']),
  groups: oneOf('x', 'y'),
  tags: oneOf('t', 'u'),
  maxAge: age,
};

const allowRule = fc.record({ ...scope, require: references, requireAny: references }, { requiredKeys: ['resources'] });
const denyRule = fc.record({ ...scope, when: references }, { requiredKeys: ['resources'] });
const anyRule = fc.oneof(
  { weight: 6, arbitrary: allowRule.map((rule) => ({ ...rule, effect: 'allow' as const })) },
  { weight: 1, arbitrary: denyRule.map((rule) => ({ ...rule, effect: 'deny' as const })) },
);

const numbered = (rules: readonly Omit<RuleSource, 'name'>[]): RuleSource[] =>
  rules.map((rule, index) => ({ ...rule, name: `rule ${index}` }));

function policies(conditions: readonly string[]): fc.Arbitrary<PolicySource> {
  const posture = fc.record(
    { maxAge: age, conditions: fc.uniqueArray(fc.constantFrom(...conditions), { minLength: 1, maxLength: 3 }) },
    { requiredKeys: ['conditions'] },
  );
  return fc.record({
    version: fc.constant(1 as const),
    defaults: fc.record({ maxAge: age }),
    postures: fc.record({ a: posture, b: posture, c: posture }),
    gateways: fc.constant({ edge: { resources: RESOURCES } }),
    rules: fc.array(anyRule, { minLength: 1, maxLength: 5 }).map(numbered),
  });
}

/** Mostly what conditions ask for, so that devices often pass; the rest is one of all the ways to fail. */
const mostly = (good: AttributeValue, ...others: AttributeValue[]): fc.Arbitrary<AttributeValue> =>
  fc.oneof({ weight: 5, arbitrary: fc.constant(good) }, { weight: 1, arbitrary: fc.constantFrom(...others) });

const VALUES: Readonly<Record<string, fc.Arbitrary<AttributeValue>>> = {
  'sentinelOne:infected': mostly(false, true, 'false'),
  'sentinelOne:activeThreats': mostly(1, 0, 2, '0'),
  'sentinelOne:networkStatus': mostly('connected', 'disconnected', 'brand_new', 1),
  'sentinelOne:agentVersion': mostly('24.1.0', '24.1-rc1', '24.0.9', 'new'),
  'sentinelOne:userActionsNeeded': mostly(['none'], [], ['brand_new'], 'none'),
};

const hoursAgo = fc
  .oneof(
    { weight: 4, arbitrary: fc.integer({ min: -2, max: 1 }) },
    { weight: 1, arbitrary: fc.integer({ min: 2, max: 30 }) },
  )
  .map((hours) => new Date(NOW - hours * HOUR).toISOString());

const readings = fc
  .record(
    Object.fromEntries(
      Object.entries(VALUES).map(([name, value]) => {
        const reading = fc.record({
          value,
          agent: fc.oneof({ weight: 12, arbitrary: fc.constant(0) }, fc.constant(1)),
        });
        return [name, fc.option(reading, { nil: undefined, freq: 10 })];
      }),
    ),
  )
  .map((found) => {
    const attributes: PostureSubject['attributes'] = {};
    for (const [name, reading] of Object.entries(found)) if (reading !== undefined) attributes[name] = reading;
    return attributes;
  });

const most = (...names: string[]) => fc.oneof({ weight: 3, arbitrary: fc.constant(names) }, fc.subarray(names));

const subjects: fc.Arbitrary<PostureSubject> = fc.record({
  deviceId: fc.constant('laptop'),
  device: fc.record(
    {
      state: fc.constant('enrolled' as const),
      groups: most('x', 'y'),
      tags: most('t', 'u'),
      owner: fc.constant('ada@example.com'),
      os: fc.constantFrom('macos', 'macos', 'linux'),
    },
    { requiredKeys: ['state', 'groups', 'tags'] },
  ),
  agents: fc.array(
    fc.record(
      { source: fc.constant('acme'), agentId: fc.constant('1'), observedAt: hoursAgo, lastSeenAt: hoursAgo },
      { requiredKeys: ['source', 'agentId', 'observedAt'] },
    ),
    { minLength: 1, maxLength: 2 },
  ),
  attributes: readings,
  problems: fc.constantFrom([], [], [], ['conflict' as const]),
});

describe('evaluation', () => {
  const every = [...comparing, ...growing, ...presence];

  test('decides as a reading of the specification, word by word, does', () => {
    let allows = 0;
    fc.assert(
      fc.property(policies(every), subjects, (policy, subject) => {
        const evaluation = evaluate(policy, subject);
        for (const resource of RESOURCES) {
          const wanted = naive(policy, subject, resource, NOW);
          expect(evaluation.resources[resource]?.effect).toBe(wanted.effect);
          expect(evaluation.resources[resource]?.requiresOwner).toBe(wanted.requiresOwner);
          if (wanted.effect === 'allow') allows++;
        }
      }),
      { numRuns: 1500 },
    );
    expect(allows).toBeGreaterThan(300);
  });

  test('never allows more when an attribute is taken away', () => {
    let losses = 0;
    fc.assert(
      fc.property(policies(comparing), subjects, fc.constantFrom(...Object.keys(VALUES)), (policy, subject, name) => {
        const { [name]: _, ...attributes } = subject.attributes;
        const before = allowed(evaluate(policy, subject));
        const after = allowed(evaluate(policy, { ...subject, attributes }));
        expect(before).toEqual(expect.arrayContaining(after));
        if (after.length < before.length) losses++;
      }),
      { numRuns: 1500 },
    );
    expect(losses).toBeGreaterThan(20);
  });

  test('never allows more when a deny rule is added', () => {
    let losses = 0;
    fc.assert(
      fc.property(policies(every), subjects, denyRule, fc.nat(), (policy, subject, rule, place) => {
        const added: RuleSource = { ...rule, effect: 'deny', name: 'added' };
        const rules = policy.rules.toSpliced(place % (policy.rules.length + 1), 0, added);
        const before = allowed(evaluate(policy, subject));
        const after = allowed(evaluate({ ...policy, rules }, subject));
        expect(before).toEqual(expect.arrayContaining(after));
        if (after.length < before.length) losses++;
      }),
      { numRuns: 1500 },
    );
    expect(losses).toBeGreaterThan(50);
  });

  test('changes by time alone at the review time and not before', () => {
    let reviews = 0;
    fc.assert(
      fc.property(
        policies(every),
        subjects,
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 5 }),
        (policy, subject, moments) => {
          const ready = compiled(policy);
          const at = (moment: number): Evaluation => evaluateGateway(ready, 'edge', subject, moment);
          const { resources, reviewAt } = at(NOW);
          const end = reviewAt ?? NOW + 100 * HOUR;
          for (const moment of [...moments.map((share) => NOW + Math.floor(share * (end - 1 - NOW))), end - 1]) {
            expect(at(moment).resources).toEqual(resources);
          }
          if (reviewAt === null) return;
          reviews++;
          expect(reviewAt).toBeGreaterThan(NOW);
          expect(at(reviewAt).resources).not.toEqual(resources);
        },
      ),
      { numRuns: 1500 },
    );
    expect(reviews).toBeGreaterThan(300);
  });

  test('gives at least one reason for every denial, and none for an allow', () => {
    fc.assert(
      fc.property(policies(every), subjects, (policy, subject) => {
        for (const { effect, reasons } of Object.values(evaluate(policy, subject).resources)) {
          expect(reasons.length > 0).toBe(effect === 'deny');
          for (const reason of reasons) expect(reason.message).not.toMatch(/undefined|\[object/);
        }
      }),
      { numRuns: 1000 },
    );
  });

  test('never throws, whatever the values and times are', () => {
    const names = Object.keys(ATTRIBUTES);
    const all = compiled({
      version: 1,
      defaults: { maxAge: '24h' },
      postures: Object.fromEntries(
        names.map((name, index) => [`p${index}`, { conditions: [conditionOn(name), `${name} IS SET`] }]),
      ),
      gateways: { edge: { resources: ['wiki'] } },
      rules: numbered(names.map((_, index) => ({ effect: 'allow', resources: ['wiki'], require: [`p${index}`] }))),
    });
    const value: fc.Arbitrary<AttributeValue> = fc.oneof(fc.boolean(), fc.double(), fc.string(), fc.array(fc.string()));
    const time = fc.oneof(fc.string(), hoursAgo, fc.constant('+275760-09-13T00:00:00.000Z'));
    const wild: fc.Arbitrary<PostureSubject> = fc.record({
      deviceId: fc.constant('laptop'),
      device: fc.record({
        state: fc.constant('enrolled' as const),
        groups: fc.array(fc.string()),
        tags: fc.array(fc.string()),
      }),
      agents: fc.array(fc.record({ source: fc.string(), agentId: fc.string(), observedAt: time, lastSeenAt: time })),
      attributes: fc.dictionary(fc.constantFrom(...names), fc.record({ value, agent: fc.integer() })),
      problems: fc.constant([]),
    });
    fc.assert(
      fc.property(wild, (subject) => {
        expect(evaluateGateway(all, 'edge', subject, NOW).resources).toHaveProperty('wiki');
        expect(explain(all, subject, 'wiki', NOW).rules).toHaveLength(names.length);
      }),
      { numRuns: 300 },
    );
  });
});

function conditionOn(name: string): string {
  const { type, values } = ATTRIBUTES[name] ?? { type: 'string' };
  const literal = values?.[0] ?? 'text';
  const written = {
    boolean: '== true',
    number: '> 1',
    string: `== '${literal}'`,
    version: ">= '1.0'",
    date: "> '2026-01-01'",
    duration: '< 5h',
    list: `CONTAINS '${literal}'`,
  };
  return `${name} ${written[type]}`;
}

describe('explain', () => {
  const policy = compiled({
    version: 1,
    defaults: { maxAge: '24h' },
    postures: {
      healthy: { conditions: ['sentinelOne:infected == false', 'stance:lastSeenAge < 3h'] },
      old: { conditions: ["sentinelOne:agentVersion < '20'"] },
    },
    gateways: { edge: { resources: ['wiki'] } },
    rules: [
      { name: 'lab', effect: 'allow', resources: ['wiki'], tags: ['lab'] },
      { name: 'healthy', effect: 'allow', resources: ['wiki'], require: ['healthy'] },
      { name: 'old', effect: 'deny', resources: ['*'], when: ['old'] },
    ],
  });
  const observedAt = new Date(NOW - 2 * HOUR).toISOString();
  const subject: PostureSubject = {
    deviceId: 'laptop',
    device: { state: 'enrolled', groups: [], tags: [] },
    agents: [{ source: 'acme', agentId: '7', observedAt, lastSeenAt: observedAt }],
    attributes: {
      'sentinelOne:infected': { value: true, agent: 0 },
      'sentinelOne:agentVersion': { value: '24.1', agent: 0 },
    },
    problems: [],
  };

  test('shows every rule with every condition, its value and its age', () => {
    const evidence = { source: 'acme', agentId: '7', observedAt, age: 7200 };
    expect(explain(policy, subject, 'wiki', NOW)).toMatchObject({
      effect: 'deny',
      enforced: true,
      reasons: [{ code: 'condition-false', rule: 'healthy', attribute: 'sentinelOne:infected' }],
      reviewAt: new Date(NOW + HOUR).toISOString(),
      rules: [
        { name: 'lab', applies: false, notApplicable: 'It is for tags lab only.', verdict: 'false', conditions: [] },
        {
          name: 'healthy',
          applies: true,
          verdict: 'false',
          conditions: [
            {
              text: 'sentinelOne:infected == false',
              posture: 'healthy',
              verdict: 'false',
              expected: '== false',
              actual: true,
              ...evidence,
              reason: { code: 'condition-false' },
            },
            { text: 'stance:lastSeenAge < 3h', verdict: 'true', actual: '2h', ...evidence },
          ],
        },
        {
          name: 'old',
          effect: 'deny',
          applies: true,
          verdict: 'false',
          conditions: [{ actual: '24.1', verdict: 'false' }],
        },
      ],
    });
  });

  test('of a device without a posture record says that it is not enrolled', () => {
    const explanation = explain(policy, undefined, 'wiki', NOW);
    expect(explanation).toMatchObject({
      effect: 'deny',
      reasons: [{ code: 'not-enrolled' }],
      problems: ['not-enrolled'],
    });
    expect(explanation.rules.map(({ applies }) => applies)).toEqual([false, false, false]);
  });

  test('of a resource that no gateway serves names the nearest', () => {
    expect(explain(policy, subject, 'wikki', NOW)).toMatchObject({
      effect: 'deny',
      reasons: [{ code: 'no-rule', message: 'No gateway serves wikki, did you mean wiki?' }],
    });
  });

  test('a gateway that the policy does not name is an error', () => {
    expect(gatewaysOf(policy)).toMatchObject([{ name: 'edge', resources: ['wiki'] }]);
    expect(() => evaluateGateway(policy, 'egde', subject, NOW)).toThrow(UnknownGateway);
  });
});

// A second evaluator, written from the specification alone: slow, without sharing, caching or ordering.
type Verdict = 'true' | 'false' | 'unknown';

const all = (verdicts: readonly Verdict[]): Verdict =>
  verdicts.includes('false') ? 'false' : verdicts.includes('unknown') ? 'unknown' : 'true';

const any = (verdicts: readonly Verdict[]): Verdict =>
  verdicts.includes('true') ? 'true' : verdicts.includes('unknown') ? 'unknown' : 'false';

function naive(
  policy: PolicySource,
  subject: PostureSubject,
  resource: string,
  now: number,
): { effect: string; requiresOwner?: string | undefined } {
  const meets = (wanted: readonly string[] | undefined, has: readonly string[]): boolean =>
    wanted === undefined || has.some((one) => wanted.includes(one));
  const rules = policy.rules.filter(
    (rule) =>
      (rule.resources.includes('*') || rule.resources.includes(resource)) &&
      meets(rule.groups, subject.device.groups) &&
      meets(rule.tags, subject.device.tags),
  );
  const verdictOf = (rule: RuleSource): Verdict => {
    const posture = (name: string): Verdict => {
      const { maxAge, conditions } = policy.postures[name] ?? { conditions: [] };
      const hours = Number.parseInt(rule.maxAge ?? maxAge ?? policy.defaults.maxAge, 10);
      return all(conditions.map((condition) => naiveCondition(condition, subject, hours * HOUR, now)));
    };
    return all([
      all((rule.require ?? []).map(posture)),
      rule.requireAny === undefined ? 'true' : any(rule.requireAny.map(posture)),
      rule.when === undefined ? 'true' : any(rule.when.map(posture)),
    ]);
  };
  if (rules.some((rule) => rule.effect === 'deny' && verdictOf(rule) !== 'false')) return { effect: 'deny' };
  const granting = rules.filter((rule) => rule.effect === 'allow' && verdictOf(rule) === 'true');
  if (granting.length === 0) return { effect: 'deny' };
  const owner = granting.every((rule) => rule.groups !== undefined) ? subject.device.owner : undefined;
  return { effect: 'allow', requiresOwner: owner };
}

/** The conditions that policies above are drawn from, each spelt out. */
function naiveCondition(condition: string, subject: PostureSubject, maxAge: number, now: number): Verdict {
  const told = (holds: boolean): Verdict => (holds ? 'true' : 'false');
  const clamped = (time: string): number => Math.min(Date.parse(time), now);
  const confirmed = subject.agents.map(({ observedAt, lastSeenAt }) =>
    Math.min(clamped(observedAt), clamped(lastSeenAt ?? observedAt)),
  );
  if (condition.startsWith('device:os'))
    return subject.device.os === undefined ? 'unknown' : told(subject.device.os === 'macos');
  if (condition.startsWith('stance:lastSeenAge')) {
    if (subject.agents.some(({ lastSeenAt }) => lastSeenAt === undefined)) return 'unknown';
    const hours = (now - Math.min(...confirmed)) / HOUR;
    if (condition.includes('<')) return told(hours < 3);
    return told(condition.includes('>') ? hours > 5 : hours !== 4);
  }
  const [name = ''] = condition.split(' ');
  const reading = subject.attributes[name];
  if (reading === undefined && subject.problems.includes('conflict')) return 'unknown';
  if (reading === undefined)
    return condition.endsWith('NOT SET') ? 'true' : condition.endsWith('IS SET') ? 'false' : 'unknown';
  const time = confirmed[reading.agent];
  if (time === undefined || now - time > maxAge) return 'unknown';
  if (condition.endsWith(' SET')) return told(condition.endsWith('IS SET'));
  const { value } = reading;
  switch (condition) {
    case 'sentinelOne:infected == false':
      return typeof value === 'boolean' ? told(!value) : 'unknown';
    case 'sentinelOne:infected != false':
      return typeof value === 'boolean' ? told(value) : 'unknown';
    case 'sentinelOne:activeThreats < 2':
      return typeof value === 'number' ? told(value < 2) : 'unknown';
    case 'sentinelOne:activeThreats NOT IN [0, 2]':
      return typeof value === 'number' ? told(value !== 0 && value !== 2) : 'unknown';
    case "sentinelOne:networkStatus == 'connected'":
      return value === 'connected' || value === 'disconnected' ? told(value === 'connected') : 'unknown';
    case "sentinelOne:networkStatus != 'disconnected'":
      return value === 'connected' || value === 'disconnected' ? told(value === 'connected') : 'unknown';
    case "sentinelOne:agentVersion >= '24.1'":
      return value === 'new' ? 'unknown' : told(value === '24.1.0');
    case "sentinelOne:userActionsNeeded CONTAINS 'none'":
      return Array.isArray(value) && !value.includes('brand_new') ? told(value.includes('none')) : 'unknown';
    default:
      throw new Error(`no reading of ${condition}`);
  }
}
