import { describe, expect, test } from '@jest/globals';
import type { AttributeValue } from '@stance/contracts';
import { propertyRuns } from '@stance/testing';
import * as fc from 'fast-check';
import {
  ATTRIBUTES,
  attributeDefinition,
  compilePolicy,
  evaluateGateway,
  explain,
  parsePolicy,
  type CompiledPolicy,
  type Past,
  type PostureSubject,
} from './index.js';

const NOW = Date.parse('2026-11-21T12:00:00Z');
const HOUR = 3_600_000;

function compiled(document: object): CompiledPolicy {
  const parsed = parsePolicy(JSON.stringify({ version: 1, ...document }));
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.errors));
  return compilePolicy(parsed.policy);
}

const AGENT_ATTRIBUTES = Object.keys(ATTRIBUTES).filter((name) => attributeDefinition(name)?.origin === 'agent');

/** A condition on an attribute and its opposite, for a value that it can have. */
function opposites(name: string): [string, string] {
  const { type, values } = ATTRIBUTES[name] ?? { type: 'string' };
  switch (type) {
    case 'boolean':
      return [`${name} == true`, `${name} != true`];
    case 'number':
      return [`${name} < 2`, `${name} >= 2`];
    case 'version':
      return [`${name} < '24.1'`, `${name} >= '24.1'`];
    case 'date':
      return [`${name} < '2026-01-01'`, `${name} >= '2026-01-01'`];
    case 'list':
      return [`${name} CONTAINS '${values?.[0] ?? 'lab'}'`, `${name} NOT SET`];
    default:
      return [`${name} IN ['${values?.[0] ?? 'a'}']`, `${name} NOT IN ['${values?.[0] ?? 'a'}']`];
  }
}

/** What only a broken source could report, past every check of types, as it would come over the wire. */
const slipped = (json: string): AttributeValue => JSON.parse(json);

const HOSTILE: readonly [string, AttributeValue][] = [
  ['no number', Number.NaN],
  ['more than any number', Infinity],
  ['less than any number', -Infinity],
  ['nothing at all', slipped('null')],
  ['an object', slipped('{"value": true}')],
  ['an object with a prototype', slipped('{"__proto__": {"length": 1}, "constructor": true}')],
  ['an object that is no text', slipped('{"toString": null}')],
  ['a list of objects that are no text', slipped('[{"toString": null, "valueOf": 1}]')],
  ['a list in a list', slipped('[["lab"], [[["lab"]]]]')],
  ['a list of numbers', slipped('[1, 2]')],
  ['a list with a gap', slipped('["lab", null]')],
  ['a text of a million characters', 'a'.repeat(1_000_000)],
  ['a version of a million parts', '1.'.repeat(500_000)],
  ['half a pair', '\uD800'],
  ['the name of a prototype', '__proto__'],
  ['a name that every object has', 'constructor'],
];

/** Whether a value is what the catalogue says that an attribute has. */
function isOfType(name: string, value: unknown): boolean {
  const { type, values } = ATTRIBUTES[name] ?? { type: 'string' };
  if (type === 'boolean') return typeof value === 'boolean';
  if (type === 'number') return Number.isFinite(value);
  if (type === 'list') return Array.isArray(value) && value.every((entry) => typeof entry === 'string');
  return type === 'string' && values === undefined && typeof value === 'string';
}

function subject(attributes: Readonly<Record<string, AttributeValue>>, age = 0): PostureSubject {
  return {
    deviceId: 'laptop',
    device: { state: 'enrolled', groups: ['staff'], tags: [] },
    agents: [{ source: 'acme', agentId: '1', by: 'serial', observedAt: new Date(NOW - age).toISOString() }],
    attributes: Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, { value, agent: 0 }])),
    problems: [],
  };
}

const BOTH_WAYS = compiled({
  postures: Object.fromEntries(
    AGENT_ATTRIBUTES.flatMap((name, index) => opposites(name).map((text, side) => [`p${index}x${side}`, [text]])),
  ),
  gateways: {
    edge: { resources: AGENT_ATTRIBUTES.flatMap((_, index) => [0, 1].map((side) => `p${index}x${side}`)) },
  },
  rules: AGENT_ATTRIBUTES.flatMap((_, index) =>
    [0, 1].map((side) => {
      const name = `p${index}x${side}`;
      return { name, resources: [name], require: [name] };
    }),
  ),
});

describe('a value that an attribute cannot have', () => {
  test.each(HOSTILE)('satisfies neither a condition nor its opposite, and is told: %s', (_, value) => {
    const reported = subject(Object.fromEntries(AGENT_ATTRIBUTES.map((name) => [name, value])));
    const { resources } = evaluateGateway(BOTH_WAYS, 'edge', reported, NOW);
    for (const [index, name] of AGENT_ATTRIBUTES.entries()) {
      if (isOfType(name, value)) continue;
      for (const side of [0, 1]) {
        const decision = resources[`p${index}x${side}`];
        expect(decision).toMatchObject({ effect: 'deny', reasons: [{ attribute: name }] });
        expect(decision?.reasons[0]?.message.length).toBeLessThan(600);
      }
    }
  });

  test.each(HOSTILE)('is explained all the same: %s', (_, value) => {
    const verdicts = AGENT_ATTRIBUTES.map((name, index) => {
      const { effect, rules } = explain(BOTH_WAYS, subject({ [name]: value }), `p${index}x0`, NOW);
      return { name, effect, verdicts: rules.flatMap((rule) => rule.conditions.map(({ verdict }) => verdict)) };
    });
    expect(verdicts.filter(({ name }) => !isOfType(name, value))).toEqual(
      AGENT_ATTRIBUTES.filter((name) => !isOfType(name, value)).map((name) => ({
        name,
        effect: 'deny',
        verdicts: ['unknown'],
      })),
    );
  });
});

const INFECTED = 'sentinelOne:infected';
const ACTIVE = 'sentinelOne:isActive';

describe('a value that cannot be read', () => {
  const policy = compiled({
    postures: { clean: [`${INFECTED} == false`], active: [`${ACTIVE} == true`], infected: [`${INFECTED} == true`] },
    gateways: { edge: { resources: ['wiki', 'payroll', 'mail', 'vault'] } },
    rules: [
      { name: 'in grace', resources: ['wiki'], require: [{ posture: 'clean', grace: '72h' }] },
      { name: 'excepted', resources: ['payroll'], require: ['clean', 'active'] },
      { name: 'everybody', resources: ['mail'] },
      { name: 'soon', effect: 'deny', mode: 'report', resources: ['mail'], when: ['infected'] },
      { name: 'any', resources: ['vault'], requireAny: ['clean', { posture: 'infected', grace: '1h' }] },
      { name: 'vault soon', mode: 'report', resources: ['vault'], require: ['active'] },
    ],
    exceptions: [
      {
        device: 'laptop',
        rule: 'excepted',
        waive: ['clean'],
        until: '2026-12-01T00:00:00Z',
        reason: 'INC-1',
        approvedBy: 'it@example.com',
      },
    ],
  });
  const healthy = subject({ [INFECTED]: false, [ACTIVE]: true });
  const before = evaluateGateway(policy, 'edge', healthy, NOW);
  const past: Past = { graces: before.graces, reached: () => new Map(Object.entries(before.resources)) };
  const later = NOW + HOUR;
  const unreadable = HOSTILE.filter(([, value]) => !isOfType(INFECTED, value));

  test('was good before', () => {
    expect(Object.values(before.resources).map(({ effect }) => effect)).toEqual(['allow', 'allow', 'allow', 'allow']);
    const failing = evaluateGateway(policy, 'edge', subject({ [INFECTED]: true, [ACTIVE]: true }), later, past);
    expect(failing.resources).toMatchObject({ wiki: { effect: 'warn' } });
  });

  test.each(unreadable)('is borne with by no grace: %s', (_, value) => {
    const reported = subject({ [INFECTED]: value, [ACTIVE]: true });
    const { resources } = evaluateGateway(policy, 'edge', reported, later, past);
    const unknown = { effect: 'deny', reasons: [{ code: 'attribute-mistyped', attribute: INFECTED }] };
    expect(resources).toMatchObject({ wiki: unknown, vault: unknown });
    expect(explain(policy, reported, 'wiki', later, past)).toMatchObject({ effect: 'deny' });
  });

  test.each(unreadable)('is waived by an exception for its posture alone: %s', (_, value) => {
    const waived = evaluateGateway(policy, 'edge', subject({ [INFECTED]: value, [ACTIVE]: true }), later, past);
    expect(waived.resources).toMatchObject({ payroll: { effect: 'allow', exceptions: [{ rule: 'excepted' }] } });
    const other = evaluateGateway(policy, 'edge', subject({ [INFECTED]: false, [ACTIVE]: value }), later, past);
    expect(other.resources).toMatchObject({
      payroll: { effect: 'deny', reasons: [{ code: 'attribute-mistyped', attribute: ACTIVE }] },
    });
    expect(other.resources['payroll']).not.toHaveProperty('exceptions');
  });

  test.each(unreadable)(
    'would match a deny rule in report mode, and open nothing by an allow rule in it: %s',
    (_, value) => {
      const reported = subject({ [INFECTED]: value, [ACTIVE]: value });
      const { mail, vault } = evaluateGateway(policy, 'edge', reported, later, past).resources;
      expect(mail).toMatchObject({ effect: 'allow', shadow: 'deny' });
      expect(mail?.shadowReasons?.length).toBeGreaterThan(0);
      expect(vault).toMatchObject({ effect: 'deny' });
      expect(vault).not.toHaveProperty('shadow');
    },
  );

  test('never throws, whatever is reported under whatever name and remembered of it', () => {
    const told = fc.oneof(
      fc.constantFrom(
        ...HOSTILE.filter(([, value]) => !(typeof value === 'string' && value.length > 1000)).map(([, value]) => value),
      ),
      fc.json({ maxDepth: 3 }).map(slipped),
      fc.boolean(),
      fc.double(),
      fc.string({ unit: 'binary' }),
    );
    const name = fc.oneof(
      fc.constantFrom(INFECTED, ACTIVE, '__proto__', 'constructor', 'toString', 'hasOwnProperty', ''),
      fc.string(),
    );
    const attributes = fc
      .array(fc.tuple(name, fc.record({ value: told, agent: fc.oneof(fc.constant(0), fc.integer()) })))
      .map((entries): PostureSubject['attributes'] => Object.fromEntries(entries));
    const time = fc.oneof(
      fc.string(),
      fc.constantFrom('2026-11-21T11:00:00Z', '0000-01-01', '+275760-09-13T00:00:00Z'),
    );
    const grace = fc.record(
      {
        rule: fc.oneof(fc.constantFrom('in grace', 'any', '__proto__'), fc.string()),
        posture: fc.oneof(fc.constantFrom('clean', 'infected', 'constructor'), fc.string()),
        resources: fc.array(fc.constantFrom('wiki', 'vault', '__proto__')),
        failingSince: fc.constantFrom('2026-11-21T10:00:00Z', '2020-01-01T00:00:00Z'),
        heldSince: fc.constantFrom('2026-11-21T10:00:00Z', '2020-01-01T00:00:00Z'),
      },
      { requiredKeys: ['rule', 'posture'] },
    );
    fc.assert(
      fc.property(attributes, time, fc.array(grace), (reported, observedAt, graces) => {
        const posture = {
          ...healthy,
          agents: healthy.agents.map((agent) => ({ ...agent, observedAt })),
          attributes: reported,
        };
        const remembered: Past = { graces, reached: past.reached };
        const { resources } = evaluateGateway(policy, 'edge', posture, later, remembered);
        for (const [resource, { effect, reasons }] of Object.entries(resources)) {
          expect(reasons.length > 0).toBe(effect !== 'allow');
          for (const { message } of reasons) expect(message).not.toBe('');
          expect(explain(policy, posture, resource, later, remembered).effect).toBe(effect);
        }
      }),
      { numRuns: propertyRuns(300) },
    );
  });
});

describe('durations near their limits', () => {
  const YEARS = '3650d';
  const CLEAN = `${INFECTED} == false`;
  const RECENT = 'stance:lastSeenAge <= 3650d';
  const policy = compiled({
    defaults: { maxAge: YEARS, rearm: YEARS },
    postures: {
      clean: [CLEAN],
      recent: { maxAge: '1ms', conditions: [RECENT] },
      seen: [`stance:lastSeenAge IN [0s, 1ms, 3649d23h59m59s999ms, ${YEARS}]`, `${ACTIVE} IS SET`],
      old: [`stance:lastSeenAge > ${YEARS}`],
    },
    gateways: { edge: { resources: ['wiki', 'payroll', 'mail'], hold: '24h' } },
    rules: [
      {
        name: 'longest',
        resources: ['wiki'],
        maxAge: YEARS,
        require: [{ posture: 'clean', grace: YEARS, rearm: YEARS }],
      },
      {
        name: 'shortest',
        resources: ['wiki'],
        maxAge: '1ms',
        require: [{ posture: 'seen', grace: '1ms', rearm: '0s' }],
      },
      {
        name: 'any',
        resources: ['payroll', 'mail'],
        requireAny: [
          { posture: 'recent', grace: YEARS, rearm: '1ms' },
          { posture: 'clean', grace: '1ms', rearm: YEARS },
        ],
      },
      { name: 'soon', mode: 'report', resources: ['mail'], require: [{ posture: 'seen', grace: YEARS }] },
      { name: 'never', effect: 'deny', mode: 'report', resources: ['wiki'], when: ['old'] },
    ],
    exceptions: ['0000-01-01T00:00:00Z', '2026-11-21T12:00:00Z', '9999-12-31T23:59:59.999Z'].map((until) => ({
      device: 'laptop',
      rule: 'any',
      waive: ['clean', 'recent'],
      until,
      reason: 'INC-1',
      approvedBy: 'it@example.com',
    })),
  });
  const time = fc.oneof(
    { weight: 3, arbitrary: fc.date({ noInvalidDate: true }).map((date) => date.toISOString()) },
    {
      weight: 3,
      arbitrary: fc.integer({ min: -3700, max: 3700 }).map((days) => new Date(NOW - days * 24 * HOUR).toISOString()),
    },
    fc.constantFrom(
      '-271821-04-20T00:00:00.000Z',
      '+275760-09-13T00:00:00.000Z',
      '0000-01-01T00:00:00Z',
      '9999-12-31T23:59:59Z',
      '',
    ),
    fc.string(),
  );
  const resource = fc.oneof(fc.constantFrom('wiki', 'payroll', 'mail', '__proto__'), fc.string());
  const grace = fc.record(
    {
      rule: fc.oneof(
        { weight: 4, arbitrary: fc.constantFrom('longest', 'shortest', 'any', 'soon', 'never', 'constructor') },
        fc.string(),
      ),
      posture: fc.oneof(
        { weight: 4, arbitrary: fc.constantFrom('clean', 'recent', 'seen', 'old', '__proto__') },
        fc.string(),
      ),
      resources: fc.array(resource, { maxLength: 3 }),
      failingSince: time,
      heldSince: time,
    },
    { requiredKeys: ['rule', 'posture'] },
  );
  const reached = fc.array(
    fc.tuple(
      resource,
      fc.record(
        { effect: fc.constantFrom<('allow' | 'warn' | 'deny')[]>('allow', 'warn', 'deny'), graceSince: time },
        { requiredKeys: ['effect'] },
      ),
    ),
  );
  const agent = fc.record(
    {
      source: fc.string(),
      agentId: fc.string(),
      by: fc.constant('serial' as const),
      observedAt: time,
      lastSeenAt: time,
    },
    { requiredKeys: ['source', 'agentId', 'observedAt'] },
  );
  const posture: fc.Arbitrary<PostureSubject> = fc.record({
    deviceId: fc.constantFrom('laptop', 'another'),
    device: fc.constant({ state: 'enrolled' as const, groups: [], tags: [] }),
    agents: fc.array(agent, { maxLength: 3 }),
    attributes: fc.dictionary(
      fc.constantFrom(INFECTED, ACTIVE),
      fc.record({ value: fc.oneof(fc.boolean(), fc.string()), agent: fc.integer({ min: -1, max: 3 }) }),
    ),
    problems: fc.constantFrom<PostureSubject['problems'][]>([], ['conflict'], ['quarantined'], ['not-enrolled']),
  });

  test('never make an evaluation throw, whatever is remembered and whenever it is', () => {
    const warned = { times: 0 };
    const property = fc.property(
      fc.option(posture, { nil: undefined }),
      fc.array(grace, { maxLength: 6 }),
      reached,
      fc.constantFrom(NOW, 0, Date.parse('0001-01-01T00:00:00Z'), Date.parse('9999-12-31T23:59:59Z')),
      (subjectOrNone, graces, before, now) => {
        const past: Past = { graces, reached: () => new Map(before) };
        const first = evaluateGateway(policy, 'edge', subjectOrNone, now, past);
        const handedOn: Past = { graces: first.graces, reached: () => new Map(Object.entries(first.resources)) };
        const next = evaluateGateway(policy, 'edge', subjectOrNone, first.reviewAt ?? now + 1, handedOn);
        for (const { resources } of [first, next]) {
          for (const { effect, until, reasons } of Object.values(resources)) {
            if (effect === 'warn') warned.times++;
            expect(until === undefined).toBe(effect !== 'warn');
            expect(reasons.length > 0).toBe(effect !== 'allow');
          }
        }
        for (const name of ['wiki', 'payroll', 'mail']) {
          const told = explain(policy, subjectOrNone, name, now, past);
          expect(told.effect).toBe(first.resources[name]?.effect);
        }
      },
    );
    // By more stories until one has warned: without any, nothing was shown of warnings.
    for (let round = 0; round < 25 && (round === 0 || warned.times === 0); round += 1) {
      fc.assert(property, { numRuns: propertyRuns(300) });
    }
    expect(warned.times).toBeGreaterThan(0);
  });
});
