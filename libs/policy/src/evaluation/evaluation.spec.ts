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
  type PostureSubject,
} from '../index.js';

const NOW = Date.parse('2026-11-21T12:00:00Z');
const HOUR = 3_600_000;

function compiled(source: object): CompiledPolicy {
  const parsed = parsePolicy(JSON.stringify(source));
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.errors));
  return compilePolicy(parsed.policy);
}

describe('evaluation', () => {
  test('never throws, whatever the values and times are', () => {
    const names = Object.keys(ATTRIBUTES);
    const all = compiled({
      version: 1,
      defaults: { maxAge: '24h' },
      postures: Object.fromEntries(
        names.map((name, index) => [`p${index}`, { conditions: [conditionOn(name), `${name} IS SET`] }]),
      ),
      gateways: { edge: { resources: ['wiki'] } },
      rules: names.map((name, index) => ({ name, resources: ['wiki'], require: [`p${index}`] })),
    });
    const value: fc.Arbitrary<AttributeValue> = fc.oneof(fc.boolean(), fc.double(), fc.string(), fc.array(fc.string()));
    const time = fc.oneof(
      fc.string(),
      fc.integer({ min: -2, max: 30 }).map((hours) => new Date(NOW - hours * HOUR).toISOString()),
      fc.constant('+275760-09-13T00:00:00.000Z'),
    );
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
