import { describe, expect, it } from '@jest/globals';
import { MAX_PLANNED_DEVICES, MAX_PLANNED_GROUPS, type Reason } from '@stance/contracts';
import { PlanTally } from './plan-tally.js';
import type { DeviceOutcome, ResourceChange } from './resource-change.js';

const PLENTY = 700 * 1024;

const infected: Reason = {
  code: 'condition-false',
  message: 'sentinelOne:infected is true, healthy needs == false.',
  rule: 'staff',
  posture: 'healthy',
  condition: 'sentinelOne:infected == false',
  actual: true,
  agentId: '101',
};

const lost = (over: Partial<ResourceChange> = {}): ResourceChange => ({
  gateway: 'edge',
  resource: 'wiki',
  change: 'lose',
  from: 'allow',
  to: 'deny',
  reasons: [infected],
  sessions: [],
  ...over,
});
const gained = (over: Partial<ResourceChange> = {}) => lost({ change: 'gain', from: 'deny', to: 'allow', ...over });
const warned = (over: Partial<ResourceChange> = {}) => lost({ change: 'warn', to: 'warn', ...over });

const sessions = (count: number, user?: string) =>
  Array.from({ length: count }, (_, index) => ({
    gateway: 'edge',
    resource: 'wiki',
    sessionId: `s${index}`,
    user,
    proof: undefined,
  }));

const device = (deviceId: string, changes: readonly ResourceChange[] = [], over: Partial<DeviceOutcome> = {}) => ({
  deviceId,
  owner: `${deviceId}@example.com`,
  changes,
  openSessions: 0,
  ...over,
});

function tallied(outcomes: Iterable<DeviceOutcome>, maxBytes = PLENTY) {
  const tally = new PlanTally();
  for (const outcome of outcomes) tally.add(outcome);
  return tally.result(maxBytes);
}

function* many(count: number, changes: (index: number) => readonly ResourceChange[]): Generator<DeviceOutcome> {
  for (let index = 0; index < count; index += 1) yield device(`d${index}`, changes(index));
}

describe('the totals of a plan', () => {
  it('of no device are zero', () => {
    const zero = {
      lose: 0,
      gain: 0,
      warn: 0,
      clear: 0,
      report: 0,
      unchanged: 0,
      people: 0,
      openSessions: 0,
      revocations: 0,
    };
    expect(tallied([])).toEqual({ devices: 0, totals: zero, groups: [], changes: [], truncated: false });
  });

  it('count a device once for each thing that happens to it, on however many resources', () => {
    const { devices, totals } = tallied([
      device('d1', [lost(), lost({ resource: 'git' }), gained({ resource: 'crm' })]),
      device('d2', [warned()]),
      device('d3', [lost({ change: 'clear', from: 'warn', to: 'allow' }), lost({ change: 'report' })]),
      device('d4'),
    ]);
    expect(devices).toBe(4);
    expect(totals).toMatchObject({ lose: 1, gain: 1, warn: 1, clear: 1, report: 1, unchanged: 1 });
  });

  it('count open sessions, and those that would be revoked', () => {
    const { totals } = tallied([
      device('d1', [lost({ sessions: sessions(2) })], { openSessions: 3 }),
      device('d2', [], { openSessions: 4 }),
    ]);
    expect(totals).toMatchObject({ openSessions: 7, revocations: 2 });
  });

  it('count each person once: owners who lose, and users whose sessions are revoked', () => {
    const owner = 'kim@example.com';
    const { totals } = tallied([
      device('d1', [lost({ sessions: sessions(2, 'Ben@example.com') })], { owner }),
      device('d2', [lost()], { owner: 'Kim@example.com' }),
      device('d3', [gained()]),
      device('d4', [lost()], { owner: undefined }),
      device('shared', [lost({ to: 'allow', sessions: sessions(1, 'eve@example.com') })]),
      device('proved by its address', [lost({ to: 'allow', sessions: sessions(1) })], { owner: 'ida@example.com' }),
    ]);
    expect(totals.people).toBe(4);
  });
});

describe('the groups of a plan', () => {
  it('are the devices whose access changes alike, without what is one device’s own', () => {
    const stale: Reason = { ...infected, code: 'attribute-stale' };
    const { groups } = tallied([
      device('d1', [lost({ sessions: sessions(1) })]),
      device('d2', [lost({ reasons: [{ ...infected, agentId: '102', message: 'another' }] })]),
      device('d3', [lost({ reasons: [stale, infected] })]),
      device('d4', [lost({ gateway: 'vpn' })]),
    ]);
    const cause = {
      code: 'condition-false',
      rule: 'staff',
      posture: 'healthy',
      condition: 'sentinelOne:infected == false',
    };
    const same = { resource: 'wiki', change: 'lose', from: 'allow', to: 'deny' };
    expect(groups).toEqual([
      { gateway: 'edge', ...same, cause, devices: 2, sessions: 1 },
      { gateway: 'edge', ...same, cause: { ...cause, code: 'attribute-stale' }, devices: 1, sessions: 0 },
      { gateway: 'vpn', ...same, cause, devices: 1, sessions: 0 },
    ]);
  });

  it('say how devices are proved, and how they would have to be', () => {
    const poorly = (proof: string): Reason => ({
      code: 'identity-missing',
      message: `${proof}, and not a certificate`,
    });
    const { groups } = tallied([
      device('d1', [lost({ to: 'allow', reasons: [poorly('a token')] })]),
      device('d2', [lost({ to: 'allow', reasons: [poorly('a token')] })]),
      device('d3', [lost({ to: 'allow', reasons: [poorly('an address')] })]),
    ]);
    expect(groups).toMatchObject([
      { cause: poorly('a token'), devices: 2 },
      { cause: poorly('an address'), devices: 1 },
    ]);
  });

  it('say what a reason without a condition says', () => {
    const nobody: Reason = { code: 'no-rule', message: 'No gateway serves wiki any more.' };
    expect(tallied([device('d1', [lost({ reasons: [nobody] })])]).groups).toMatchObject([{ cause: nobody }]);
    expect(tallied([device('d1', [gained({ reasons: [] })])]).groups[0]).not.toHaveProperty('cause');
  });

  it('begin with the largest losses', () => {
    const { groups } = tallied([
      ...many(5, () => [gained(), warned({ resource: 'crm' })]),
      ...many(2, () => [lost({ resource: 'small' })]),
      ...many(3, () => [lost({ resource: 'large' })]),
    ]);
    expect(groups.map(({ resource, devices }) => `${resource} ${devices}`)).toEqual([
      'large 3',
      'small 2',
      'crm 5',
      'wiki 5',
    ]);
  });

  it('are a limited number', () => {
    const { groups, truncated } = tallied(many(300, (index) => [lost({ resource: `r${index}` })]));
    expect([groups.length, truncated]).toEqual([MAX_PLANNED_GROUPS, true]);
  });

  it('of more kinds than can be counted still leave the totals right', () => {
    const { totals, truncated } = tallied(many(10_100, (index) => [lost({ resource: `r${index}` })]));
    expect([totals.lose, truncated]).toEqual([10_100, true]);
  });
});

describe('the devices of a plan', () => {
  it('begin with those that lose open sessions, then by what matters', () => {
    const { changes } = tallied([
      device('cleared', [lost({ change: 'clear' })]),
      device('gains', [gained()]),
      device('reported', [lost({ change: 'report' })]),
      device('warned', [warned()]),
      device('loses', [gained({ resource: 'crm' }), lost()]),
      device('revoked', [lost({ sessions: sessions(1) })]),
    ]);
    expect(changes.map(({ deviceId }) => deviceId)).toEqual([
      'revoked',
      'loses',
      'warned',
      'reported',
      'gains',
      'cleared',
    ]);
  });

  it('say who they belong to, what changes, the worst first, whose sessions end, and why', () => {
    const outcome = device('d1', [
      gained({ resource: 'crm', reasons: [] }),
      lost({ sessions: sessions(1, 'kim@example.com') }),
    ]);
    expect(tallied([outcome]).changes).toEqual([
      {
        deviceId: 'd1',
        owner: 'd1@example.com',
        changes: [
          { gateway: 'edge', resource: 'wiki', change: 'lose', from: 'allow', to: 'deny' },
          { gateway: 'edge', resource: 'crm', change: 'gain', from: 'deny', to: 'allow' },
        ],
        reasons: [infected],
        sessions: [{ gateway: 'edge', resource: 'wiki', sessionId: 's0', user: 'kim@example.com' }],
      },
    ]);
  });

  it('tell three reasons that differ', () => {
    const reasons = ['a', 'a', 'b', 'c', 'd'].map((condition) => ({ ...infected, condition }));
    const { changes, truncated } = tallied([device('d1', [lost({ reasons })])]);
    expect(changes[0]?.reasons.map(({ condition }) => condition)).toEqual(['a', 'b', 'c']);
    expect(truncated).toBe(false);
  });

  it('are a limited number, those with open sessions kept however late they come', () => {
    const { changes, totals, truncated } = tallied([
      ...many(2_000, () => [lost()]),
      device('late', [lost({ sessions: sessions(1) })]),
    ]);
    expect([changes.length, changes[0]?.deviceId, totals.lose, truncated]).toEqual([
      MAX_PLANNED_DEVICES,
      'late',
      2_001,
      true,
    ]);
  });

  it('of which one loses very much tell a part of it', () => {
    const changesOfOne = Array.from({ length: 60 }, (_, index) =>
      lost({ resource: `r${index}`, sessions: sessions(50) }),
    );
    const { changes, totals, truncated } = tallied([device('d1', changesOfOne)]);
    expect([changes[0]?.changes.length, changes[0]?.sessions.length, truncated]).toEqual([20, 20, true]);
    expect(totals.revocations).toBe(3_000);
  });
});

it('a plan fits into the bytes that it may take, with both groups and devices', () => {
  const message = '界'.repeat(1_000);
  const huge: Reason = { ...infected, message: '界'.repeat(40_000) };
  const plan = tallied(
    [
      device('huge', [lost({ reasons: [huge] })]),
      ...many(500, (index) => [lost({ reasons: [{ code: 'deny-rule', rule: `rule ${index}`, message }] })]),
    ],
    100 * 1024,
  );
  expect(Buffer.byteLength(JSON.stringify(plan))).toBeLessThan(101 * 1024);
  expect([plan.truncated, plan.groups.length > 10, plan.changes.length > 10]).toEqual([true, true, true]);
  expect(plan.changes.some(({ deviceId }) => deviceId === 'huge')).toBe(false);
});
