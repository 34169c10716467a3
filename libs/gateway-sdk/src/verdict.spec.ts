import { describe, expect, test } from '@jest/globals';
import type { ResourceDecision } from '@stance/contracts';
import { DecisionCache } from './decision-cache.js';
import { ALLOW, decisionOf, DENY, TIME } from './fixtures/played-engine.js';
import { verdictOf, type Situation } from './verdict.js';

const NOW = Date.parse(TIME);

function situation(
  decision: Parameters<typeof decisionOf>[0] | null = {},
  overrides: Partial<Omit<Situation, 'decision'>> = {},
): Situation {
  const cache = new DecisionCache();
  if (decision !== null) cache.apply(decisionOf(decision), 1);
  return {
    decision: cache.get('laptop-1'),
    floor: undefined,
    engine: 'fresh',
    isInSession: () => false,
    now: NOW,
    ...overrides,
  };
}

const warn = (until: string): ResourceDecision => ({ ...DENY, effect: 'warn', until });
const report: ResourceDecision = { ...DENY, enforced: false };
const held: ResourceDecision = { ...report, heldUntil: '2026-03-01T09:15:00Z' };
const ownersOnly: ResourceDecision = { ...ALLOW, requiresOwner: 'Anna@example.org' };

describe('a verdict', () => {
  test.each([
    ['an allow', situation()],
    ['a warning whose time is not over', situation({ wiki: warn('2026-03-01T09:00:01Z') })],
    ['a denial that is only reported', situation({ wiki: report })],
    ['a decision just before its review', situation({ reviewAt: '2026-03-01T09:00:00.001Z' })],
  ])('lets %s through', (_case, given) => {
    expect(verdictOf(given, 'wiki', {})).toMatchObject({ allowed: true });
  });

  test.each([
    ['no decision for the device', situation(null), 'decision-missing'],
    ['no decision for the resource', situation({ resources: { git: ALLOW } }), 'decision-missing'],
    ['a denial', situation({ wiki: DENY }), 'condition-false'],
    ['an engine that is silent', situation({}, { engine: 'silent' }), 'engine-silent'],
    ['an engine that is ahead', situation({}, { engine: 'behind' }), 'engine-silent'],
    ['a decision at its review time', situation({ reviewAt: TIME }), 'decision-expired'],
    ['a warning whose time is over', situation({ wiki: warn(TIME) }), 'decision-expired'],
    ['an allow older than a revocation', situation({}, { floor: { posture: 2, policy: 1 } }), 'awaiting-decision'],
    ['a reported denial past its review', situation({ wiki: report, reviewAt: TIME }), 'decision-expired'],
    ['a reported denial with a silent engine', situation({ wiki: report }, { engine: 'silent' }), 'engine-silent'],
  ])('denies %s', (_case, given, code) => {
    const verdict = verdictOf(given, 'wiki', {});
    expect(verdict).toMatchObject({ effect: 'deny', allowed: false, enforced: true, reasons: [{ code }] });
  });

  test('denies the device whose last decision is unreadable', () => {
    const cache = new DecisionCache();
    cache.apply(decisionOf(), 1);
    cache.applyUnreadable('laptop-1', 2);
    const verdict = verdictOf({ ...situation(), decision: cache.get('laptop-1') }, 'wiki', {});
    expect(verdict).toMatchObject({ allowed: false, reasons: [{ code: 'decision-missing' }] });
  });

  test.each([
    ['its owner, however spelled', 'anna@EXAMPLE.org', true],
    ['nobody in particular: the device is the principal', undefined, true],
    ['somebody else', 'bela@example.org', false],
  ])('for a resource of the owner lets in %s: %s is %s', (_case, user, allowed) => {
    expect(verdictOf(situation({ wiki: ownersOnly }), 'wiki', { user }).allowed).toBe(allowed);
  });

  test.each([
    ['an allow', ALLOW],
    ['a warning', warn('2026-03-01T09:00:01Z')],
    ['a denial that is held back', held],
  ])('of a device without an owner, %s for its owner is for no user at all', (_case, decision) => {
    const given = situation({ wiki: { ...decision, requiresOwner: '' } }, { isInSession: () => true });
    expect(verdictOf(given, 'wiki', { user: 'anna@example.org' })).toMatchObject({ allowed: false, enforced: true });
    expect(verdictOf(given, 'wiki', { user: '' }).allowed).toBe(false);
    expect(verdictOf(given, 'wiki', {}).allowed).toBe(true);
  });

  test('while a denial is held back, an open session goes on and none begins', () => {
    const inSession = (isOpen: boolean) =>
      verdictOf(situation({ wiki: held }, { isInSession: () => isOpen }), 'wiki', {});
    expect(inSession(true)).toMatchObject({ effect: 'deny', allowed: true, enforced: false });
    expect(inSession(false)).toMatchObject({ effect: 'deny', allowed: false, enforced: true, reasons: DENY.reasons });
  });

  test('what is held back for the owner lets nobody else in; what is only reported does', () => {
    const requiresOwner = 'anna@example.org';
    const askedBy = (decision: ResourceDecision, user: string) =>
      verdictOf(situation({ wiki: { ...decision, requiresOwner } }, { isInSession: () => true }), 'wiki', { user });
    expect(askedBy(held, 'anna@example.org').allowed).toBe(true);
    expect(askedBy(held, 'bela@example.org')).toMatchObject({
      allowed: false,
      enforced: true,
      reasons: [{ code: 'no-rule' }],
    });
    expect(askedBy(report, 'bela@example.org')).toMatchObject({ allowed: true, reasons: [{ code: 'no-rule' }] });
  });

  test('a resource may be named as what every object has', () => {
    const given = situation({ wiki: ALLOW });
    expect(verdictOf(given, 'constructor', {}).reasons).toMatchObject([{ code: 'decision-missing' }]);
  });

  test('keeps the owners of two resources apart', () => {
    const other = { ...ALLOW, requiresOwner: 'bela@example.org' };
    const given = situation({ resources: { git: other, wiki: ownersOnly } });
    expect(verdictOf(given, 'wiki', { user: 'bela@example.org' }).allowed).toBe(false);
    expect(verdictOf(given, 'wiki', { user: 'anna@example.org' }).allowed).toBe(true);
  });

  test('tells the denial of the decision even when the engine is silent', () => {
    const verdict = verdictOf(situation({ wiki: DENY, reviewAt: TIME }, { engine: 'silent' }), 'wiki', {});
    expect(verdict.reasons).toEqual(DENY.reasons);
  });

  test('says what is only reported, until when a warning holds, and of which revisions it is', () => {
    expect(verdictOf(situation({ wiki: report, postureRevision: 7 }), 'wiki', {})).toMatchObject({
      effect: 'deny',
      enforced: false,
      reasons: DENY.reasons,
      revisions: { posture: 7, policy: 1 },
    });
    expect(verdictOf(situation({ wiki: warn('2026-03-02T09:00:00Z') }), 'wiki', {})).toMatchObject({
      effect: 'warn',
      until: '2026-03-02T09:00:00.000Z',
    });
  });

  test.each([
    ['certificate', 'certificate', true],
    ['certificate', 'token', true],
    ['token', 'certificate', false],
    ['address', 'token', false],
    [undefined, 'token', false],
    [undefined, 'address', true],
  ] as const)('of a device proved by %s where %s is needed: %s', (proof, identity, allowed) => {
    const verdict = verdictOf(situation({ identity }), 'wiki', { proof });
    expect([verdict.allowed, verdict.reasons[0]?.code]).toEqual([allowed, allowed ? undefined : 'identity-missing']);
  });

  test('a gateway that only reports still lets nobody in who is not proved well enough', () => {
    const verdict = verdictOf(situation({ wiki: report, identity: 'certificate' }), 'wiki', { proof: 'address' });
    expect(verdict).toMatchObject({ allowed: false, enforced: true });
  });
});
