import { describe, expect, it } from '@jest/globals';
import { DecisionChanged, type GraceState } from '@stance/contracts';
import { compilePolicy, DeviceEvaluation, parsePolicy, type CompiledPolicy, type PostureSubject } from '@stance/policy';
import { decideFor, deserialise, LAST_MOMENT, serialise, type Policies, type Verdict } from './decision.js';
import { earlierDecisions } from './earlier-decisions.js';
import { HEALTHY_READS_WIKI } from './spec/policies.js';

const NOW = Date.parse('2026-11-21T08:00:00Z');
const DAY = 24 * 60 * 60_000;

function compiled(document = HEALTHY_READS_WIKI): CompiledPolicy {
  const parsed = parsePolicy(document);
  if (!parsed.ok) throw new Error('the policy of this spec is wrong');
  return compilePolicy(parsed.policy);
}

function device(infected: boolean, overrides: Partial<PostureSubject> = {}): PostureSubject {
  return {
    deviceId: 'laptop',
    device: { state: 'enrolled', groups: [], tags: [] },
    agents: [{ source: 's', agentId: 'a', observedAt: new Date(NOW).toISOString() }],
    attributes: { 'sentinelOne:infected': { value: infected, agent: 0 } },
    problems: [],
    ...overrides,
  };
}

const policies = (active = compiled()): Policies => ({
  active: { revision: 7, compiled: active },
  reporting: undefined,
});

const served = (...resources: string[]) => remembering([], ...resources);

const remembering = (graces: GraceState[], ...resources: string[]) =>
  earlierDecisions(
    'edge',
    () => new Map([['edge', { resources: {}, graces, reviewAt: null }]]),
    () => resources,
  );

const unheard = (): never => {
  throw new Error('no evaluation of this spec fails');
};

const nothing = served();

const AT = '2026-11-21T08:00:00.000Z';

/** All that a verdict can say, its fields in another order than their schemas have. */
const FULL: Verdict = {
  reviewAt: NOW + DAY,
  identity: 'token',
  shadow: {
    resources: { wiki: { reasons: [{ message: 'Too old.', code: 'condition-false' }], effect: 'deny' } },
    graces: [{ posture: 'recent', rule: 'everyone', heldSince: AT, failingSince: AT }],
    policyRevision: 8,
  },
  graces: [
    { posture: 'current', rule: 'everyone', heldSince: AT, failingSince: AT, resources: ['wiki'] },
    { rule: 'everyone', posture: 'encrypted' },
  ],
  resources: {
    wiki: {
      reasons: [
        {
          observedAt: AT,
          reportedAt: AT,
          agentId: 'a',
          source: 's',
          actual: ['x'],
          expected: "CONTAINS 'y'",
          attribute: 'device:tags',
          condition: "device:tags CONTAINS 'y'",
          posture: 'current',
          rule: 'everyone',
          message: 'Tag it.',
          code: 'condition-false',
        },
      ],
      graceSince: AT,
      until: AT,
      requiresOwner: 'kim@example.com',
      shadowReasons: [{ rule: 'soon', message: 'Soon no more.', code: 'deny-rule' }],
      shadow: 'deny',
      exceptions: [{ approvedBy: 'lee@example.com', reason: 'ordered', until: AT, waive: ['new'], rule: 'everyone' }],
      enforced: true,
      effect: 'warn',
    },
    payroll: {
      heldUntil: AT,
      reasons: [{ message: 'Encrypt it.', code: 'condition-false', actual: false }],
      enforced: false,
      effect: 'deny',
    },
  },
};

const evaluating =
  (subject: PostureSubject | undefined, now = NOW) =>
  (policy: CompiledPolicy) =>
    new DeviceEvaluation(policy, subject, now);

describe('deciding for a gateway', () => {
  it('allows what a rule allows, until the values are too old', () => {
    expect(decideFor('edge', policies(), evaluating(device(false), NOW), nothing, unheard)).toEqual({
      resources: { wiki: { effect: 'allow', enforced: true, reasons: [] } },
      // At exactly a day the values still count.
      reviewAt: NOW + DAY + 1,
    });
  });

  it.each([
    ['an infected device', device(true), 'condition-false'],
    ['a device without posture', undefined, 'not-enrolled'],
    ['a retired device', device(false, { device: { state: 'retired', groups: [], tags: [] } }), 'device-retired'],
    ['a quarantined device', device(false, { problems: ['quarantined'] }), 'device-quarantined'],
    [
      'a device without agent',
      device(false, { agents: [], attributes: {}, problems: ['no-agent'] }),
      'attribute-unset',
    ],
  ] as const)('denies %s, with the reason', (_, subject, code) => {
    const { resources } = decideFor('edge', policies(), evaluating(subject, NOW), nothing, unheard);
    expect(resources['wiki']).toMatchObject({ effect: 'deny', enforced: true, reasons: [{ code }] });
  });

  it.each([
    ['no policy is in force', 'edge', false, 'no-policy'],
    ['the policy no longer names the gateway', 'vpn', true, 'no-rule'],
  ] as const)('denies all that was served when %s, for good', (_, gateway, hasPolicy, code) => {
    const policy = hasPolicy ? policies() : { active: undefined, reporting: undefined };
    const earlier = served('wiki', 'ftp');
    const { resources, reviewAt } = decideFor(gateway, policy, evaluating(device(false), NOW), earlier, unheard);
    expect(Object.keys(resources)).toEqual(['ftp', 'wiki']);
    for (const one of Object.values(resources))
      expect(one).toEqual({ effect: 'deny', enforced: true, reasons: [{ code, message: expect.any(String) }] });
    expect(reviewAt).toBeNull();
  });
});

describe('the memory of graces', () => {
  const graces = [{ rule: 'everyone', posture: 'current', failingSince: '2026-11-20T08:00:00.000Z' }];
  it.each([
    ['stays while no policy is in force', 'edge', false, graces],
    ['goes at a gateway that the policy no longer names: the others have it', 'vpn', true, undefined],
  ])('%s', (_, gateway, hasPolicy, kept) => {
    const policy = hasPolicy ? policies() : { active: undefined, reporting: undefined };
    const verdict = decideFor(gateway, policy, evaluating(device(false)), remembering(graces, 'wiki'), unheard);
    expect(verdict.graces).toEqual(kept);
  });
});

describe('a policy that cannot be evaluated', () => {
  const graces = [{ rule: 'everyone', posture: 'current' }];
  const broken = compiled();
  const defect = new RangeError('out of range');
  const evaluationBy = (policy: CompiledPolicy) => {
    if (policy === broken) throw defect;
    return new DeviceEvaluation(policy, device(false), NOW);
  };

  it('denies what it serves and what was served, says of which revision it is, and forgets nothing', () => {
    const failures: unknown[] = [];
    const earlier = remembering(graces, 'ftp');
    const verdict = decideFor('edge', policies(broken), evaluationBy, earlier, (...failure) => failures.push(failure));
    const denied = {
      effect: 'deny',
      enforced: true,
      reasons: [{ code: 'evaluation-error', message: expect.stringMatching(/revision 7 .* `stance policy rollback`/) }],
    };
    expect(verdict).toEqual({ resources: { ftp: denied, wiki: denied }, graces, reviewAt: null });
    expect(failures).toEqual([[7, defect]]);
  });

  it('denies nothing while it only reports', () => {
    const failures: unknown[] = [];
    const both = { ...policies(), reporting: { revision: 8, compiled: broken } };
    const verdict = decideFor('edge', both, evaluationBy, nothing, (...failure) => failures.push(failure));
    expect(verdict).toEqual(decideFor('edge', policies(), evaluationBy, nothing, unheard));
    expect(failures).toEqual([[8, defect]]);
  });
});

it('what would change later than any event can say never changes', () => {
  const far = LAST_MOMENT - DAY / 2;
  const agents = [{ source: 's', agentId: 'a', observedAt: new Date(far).toISOString() }];
  expect(
    decideFor('edge', policies(), evaluating(device(false, { agents }), far), nothing, unheard).reviewAt,
  ).toBeNull();
});

describe('the text of a verdict', () => {
  it('is the same for the same verdict, and another for another', () => {
    const text = (infected: boolean) =>
      serialise(decideFor('edge', policies(), evaluating(device(infected), NOW), nothing, unheard));
    expect(text(false)).toBe(text(false));
    expect(text(false)).not.toBe(text(true));
  });

  it('does not say when it was decided', () => {
    const at = (now: number) =>
      serialise(decideFor('edge', policies(), evaluating(device(false), now), nothing, unheard));
    expect(at(NOW)).toBe(at(NOW + 1_000));
  });

  it('is the same after the verdict was stored and read', () => {
    const { reviewAt, ...rest } = FULL;
    const stored = DecisionChanged.data.parse({
      ...rest,
      gateway: 'edge',
      deviceId: 'laptop',
      postureRevision: 3,
      policyRevision: 7,
      decidedAt: AT,
      reviewAt: new Date(reviewAt ?? 0).toISOString(),
    });
    const { resources, graces, identity, shadow } = stored;
    const read: Verdict = {
      resources,
      reviewAt: Date.parse(stored.reviewAt ?? ''),
      ...(graces && { graces }),
      ...(identity && { identity }),
      ...(shadow && { shadow }),
    };
    expect(serialise(read)).toBe(serialise(FULL));
    expect(read).toEqual(FULL);
  });

  it('tells apart verdicts that differ in anything that is stored', () => {
    const without = <Field extends keyof Verdict>(field: Field): string => serialise({ ...FULL, [field]: undefined });
    const texts = (['graces', 'identity', 'shadow', 'reviewAt'] as const).map(without);
    expect(new Set([serialise(FULL), ...texts]).size).toBe(5);
  });

  it('reads back', () => {
    expect(deserialise(serialise(FULL))).toEqual(FULL);
  });
});
