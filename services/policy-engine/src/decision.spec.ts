import { describe, expect, it } from '@jest/globals';
import { resourceDecision } from '@stance/contracts';
import { compilePolicy, DeviceEvaluation, parsePolicy, type CompiledPolicy, type PostureSubject } from '@stance/policy';
import { decideFor, deserialise, serialise } from './decision.js';
import { earlierDecisions } from './earlier-decisions.js';
import { HEALTHY_READS_WIKI } from './spec/policies.js';

const NOW = Date.parse('2026-11-21T08:00:00Z');
const DAY = 24 * 60 * 60_000;

function compiled(): CompiledPolicy {
  const parsed = parsePolicy(HEALTHY_READS_WIKI);
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

const policies = (active = compiled()) => ({ active, reporting: undefined });

const served = (...resources: string[]) =>
  earlierDecisions(
    'edge',
    () => new Map(),
    () => resources,
  );

const nothing = served();

const evaluating =
  (subject: PostureSubject | undefined, now = NOW) =>
  (policy: CompiledPolicy) =>
    new DeviceEvaluation(policy, subject, now);

describe('deciding for a gateway', () => {
  it('allows what a rule allows, until the values are too old', () => {
    expect(decideFor('edge', policies(), evaluating(device(false), NOW), nothing)).toEqual({
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
    const { resources } = decideFor('edge', policies(), evaluating(subject, NOW), nothing);
    expect(resources['wiki']).toMatchObject({ effect: 'deny', enforced: true, reasons: [{ code }] });
  });

  it.each([
    ['no policy is in force', 'edge', false, 'no-policy'],
    ['the policy no longer names the gateway', 'vpn', true, 'no-rule'],
  ] as const)('denies all that was served when %s, for good', (_, gateway, hasPolicy, code) => {
    const policy = { active: hasPolicy ? compiled() : undefined, reporting: undefined };
    const { resources, reviewAt } = decideFor(gateway, policy, evaluating(device(false), NOW), served('wiki', 'ftp'));
    expect(Object.keys(resources)).toEqual(['ftp', 'wiki']);
    for (const one of Object.values(resources))
      expect(one).toEqual({ effect: 'deny', enforced: true, reasons: [{ code, message: expect.any(String) }] });
    expect(reviewAt).toBeNull();
  });
});

describe('the text of a verdict', () => {
  it('is the same for the same verdict, and another for another', () => {
    const text = (infected: boolean) =>
      serialise(decideFor('edge', policies(), evaluating(device(infected), NOW), nothing));
    expect(text(false)).toBe(text(false));
    expect(text(false)).not.toBe(text(true));
  });

  it('does not say when it was decided', () => {
    const at = (now: number) => serialise(decideFor('edge', policies(), evaluating(device(false), now), nothing));
    expect(at(NOW)).toBe(at(NOW + 1_000));
  });

  it('is the same after the verdict was stored and read', () => {
    const verdict = decideFor('edge', policies(), evaluating(device(true), NOW), nothing);
    const stored = Object.entries(verdict.resources).map(([name, decision]) => [
      name,
      resourceDecision.parse(decision),
    ]);
    expect(serialise({ ...verdict, resources: Object.fromEntries(stored) })).toBe(serialise(verdict));
  });

  it('reads back', () => {
    const verdict = decideFor('edge', policies(), evaluating(device(true), NOW), nothing);
    expect(deserialise(serialise(verdict))).toEqual(verdict);
  });
});
