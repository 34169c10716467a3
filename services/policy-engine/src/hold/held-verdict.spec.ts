import { describe, expect, it } from '@jest/globals';
import type { ReasonCode, ResourceDecision } from '@stance/contracts';
import type { PostureSubject } from '@stance/policy';
import type { Verdict } from '../decision.js';
import { deniesAnything, heldUntilOf, heldVerdict, type Circumstances } from './held-verdict.js';
import { Holds } from './holds.js';

const NOW = Date.parse('2026-11-21T08:00:00Z');
const UNTIL = NOW + 15 * 60_000;
const terms = { for: 15 * 60_000, above: 0.2 };
const heldUntil = new Date(UNTIL).toISOString();

const allow: ResourceDecision = { effect: 'allow', enforced: true, reasons: [] };
const warn: ResourceDecision = { effect: 'warn', enforced: true, reasons: [] };
const deny: ResourceDecision = denyFor('condition-false');
const reported: ResourceDecision = { ...deny, enforced: false };
const held: ResourceDecision = { ...reported, heldUntil };

function denyFor(code: ReasonCode): ResourceDecision {
  return { effect: 'deny', enforced: true, reasons: [{ code, message: 'So it is.' }] };
}

const verdict = (wiki: ResourceDecision, others: Record<string, ResourceDecision> = {}): Verdict => ({
  resources: { wiki, ...others },
  reviewAt: null,
});

const subject = (overrides: Partial<PostureSubject> = {}): PostureSubject => ({
  deviceId: 'd1',
  device: { state: 'enrolled', groups: [], tags: [] },
  agents: [],
  attributes: { 'sentinelOne:infected': { value: false, agent: 0 } },
  problems: [],
  ...overrides,
});

const session = (resource: string, sessionId = resource) => ({
  gateway: 'edge',
  deviceId: 'd1',
  sessionId,
  resource,
  user: undefined,
  proof: undefined,
  expiresAt: Infinity,
});

/** A gateway whose hold is on. */
function holding(): Holds {
  const holds = new Holds(
    () => undefined,
    () => undefined,
  );
  holds.stored('edge', 'other', { until: UNTIL, since: NOW - 1_000 });
  return holds;
}

const decide = (wanted: Verdict, overrides: Partial<Circumstances> = {}, holds = holding()): Verdict =>
  heldVerdict(wanted, holds, {
    gateway: 'edge',
    deviceId: 'd1',
    terms,
    subject: subject(),
    before: verdict(allow),
    sessions: [session('wiki')],
    open: 10,
    now: NOW,
    ...overrides,
  });

describe('a denial is held', () => {
  it.each<[string, Partial<Circumstances>]>([
    ['where it would end a session that was allowed', {}],
    ['where it would end one that was warned', { before: verdict(warn) }],
    ['where it would end one that was only reported', { before: verdict(reported) }],
    ['where it was held before, although its session has ended', { before: verdict(held), sessions: [] }],
  ])('%s', (_, circumstances) => {
    expect(decide(verdict(deny), circumstances)).toEqual({ resources: { wiki: held }, reviewAt: UNTIL });
  });

  it('until the same time however often it is decided, and reviewed no later', () => {
    const first = decide(verdict(deny));
    expect(decide(verdict(deny), { before: first, now: NOW + 60_000 })).toEqual(first);
    expect(decide({ ...verdict(deny), reviewAt: NOW + 1 }).reviewAt).toBe(NOW + 1);
    expect(decide({ ...verdict(deny), reviewAt: UNTIL + 1 }).reviewAt).toBe(UNTIL);
  });

  it.each([
    ['was allowed to the owner', { ...allow, requiresOwner: 'kim@example.com' }],
    ['was held for the owner', { ...held, requiresOwner: 'kim@example.com' }],
  ])('for nobody else, where it %s', (_, before) => {
    const { wiki } = decide(verdict(deny), { before: verdict(before) }).resources;
    expect(wiki).toEqual({ ...held, requiresOwner: 'kim@example.com' });
  });

  it('only on the resources with a session', () => {
    const before = verdict(allow, { payroll: allow, docs: allow });
    expect(decide(verdict(deny, { payroll: deny, docs: allow }), { before }).resources).toEqual({
      wiki: held,
      payroll: deny,
      docs: allow,
    });
  });
});

describe('a denial is carried out', () => {
  const wanted = (decision: ResourceDecision) => verdict(decision);
  it.each<[string, ResourceDecision, Partial<Circumstances>]>([
    ['of a device without a session there', deny, { sessions: [] }],
    ['of a device with a session for something else', deny, { sessions: [session('payroll')] }],
    ['where the last decision denied it already', deny, { before: verdict(deny) }],
    ['where there is no decision before', deny, { before: undefined }],
    ['of a resource that the last decision does not know', deny, { before: verdict(allow, {}), sessions: [] }],
    ['when the time of its hold is over', deny, { before: verdict(held), now: UNTIL }],
    ['of an unknown device', denyFor('not-enrolled'), { subject: undefined }],
    ['of a device that is not enrolled', denyFor('not-enrolled'), {}],
    ['of a retired device', denyFor('device-retired'), {}],
    ['of a quarantined device', denyFor('device-quarantined'), {}],
    ['as there is no policy', denyFor('no-policy'), {}],
    ['as the policy cannot be evaluated', denyFor('evaluation-error'), {}],
    [
      'of an infected device',
      deny,
      { subject: subject({ attributes: { 'sentinelOne:infected': { value: true, agent: 0 } } }) },
    ],
    ['of a device of which nothing is known', deny, { subject: subject({ attributes: {} }) }],
    ['of a device whose agents disagree', deny, { subject: subject({ problems: ['conflict'] }) }],
    ['of an infected device that was held', deny, { before: verdict(held), subject: subject({ attributes: {} }) }],
  ])('%s', (_, decision, circumstances) => {
    const given = wanted(decision);
    expect(decide(given, circumstances)).toBe(given);
  });
});

it('a resource that the last decision does not know is denied, also one named as what every object has', () => {
  const sessions = [session('wiki'), session('constructor')];
  const { resources } = decide(verdict(deny, { constructor: deny }), { sessions });
  expect(Object.values(resources)).toEqual([held, deny]);
});

describe('what is not denied', () => {
  it('is left as it is, also where it was held', () => {
    const allowed = verdict(allow);
    expect(decide(allowed, { before: verdict(held) })).toBe(allowed);
  });

  it.each([
    ['an allow', allow, false],
    ['a warning', warn, false],
    ['a denial that is only reported', reported, false],
    ['a denial', deny, true],
  ])('%s: nothing to hold', (_, decision, isDenial) => {
    expect(deniesAnything(verdict(decision))).toBe(isDenial);
  });
});

it('a device that joins a hold counts for nothing towards the next one', () => {
  const holds = holding();
  expect(heldUntilOf(decide(verdict(deny), {}, holds))).toBe(UNTIL);
  expect(heldUntilOf(decide(verdict(deny), { now: UNTIL, before: verdict(held) }, holds))).toBeUndefined();
  expect(heldUntilOf(verdict(allow))).toBeUndefined();
});
