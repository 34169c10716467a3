import { describe, expect, test } from '@jest/globals';
import { DecisionChanged, OperatorActed, SessionEnded, SessionRevoked } from '@stance/contracts';
import {
  decision,
  denied,
  ended,
  eventOf,
  infected,
  linked,
  OBSERVED_AT,
  revoked,
  unlinked,
} from '../fixtures/facts.js';
import { decisionHappenings, endHappening, operationHappening, revocationHappening } from './happenings.js';

const cause = { observedat: OBSERVED_AT };
const allows = eventOf(DecisionChanged, decision(), cause);
const denies = eventOf(DecisionChanged, decision({ resources: denied }), cause);

describe('decisionHappenings', () => {
  test('a first decision comes from none', () => {
    expect(decisionHappenings(allows, undefined)).toMatchObject([{ resource: 'wiki', before: null, effect: 'allow' }]);
  });

  test('a changed effect comes with its reasons and the time since the observation', () => {
    expect(decisionHappenings(denies, allows)).toEqual([
      {
        time: '2026-01-05T10:00:00.020Z',
        kind: 'decision',
        deviceId: 'laptop-1',
        gateway: 'office',
        resource: 'wiki',
        before: 'allow',
        effect: 'deny',
        enforced: true,
        reasons: [infected],
        reactionMs: 20,
      },
    ]);
  });

  test('only the resources whose effect or enforcement changed', () => {
    const both = (wiki: boolean) =>
      eventOf(
        DecisionChanged,
        decision({
          resources: {
            wiki: { effect: 'deny', enforced: wiki, reasons: [infected] },
            git: { effect: 'allow', enforced: true, reasons: [] },
          },
        }),
      );
    expect(decisionHappenings(both(true), both(true))).toEqual([]);
    expect(decisionHappenings(both(true), both(false))).toMatchObject([{ resource: 'wiki', enforced: true }]);
  });

  test('a resource that is decided no more is denied', () => {
    const nothing = eventOf(DecisionChanged, decision({ resources: {} }));
    expect(decisionHappenings(nothing, allows)).toMatchObject([
      { resource: 'wiki', before: 'allow', effect: 'deny', reasons: [{ code: 'decision-missing' }], reactionMs: null },
    ]);
  });
});

describe('revocations and ends', () => {
  const revocation = eventOf(SessionRevoked, revoked(), cause);

  test('a revocation counts from the observation to the order', () => {
    expect(revocationHappening(revocation)).toMatchObject({ kind: 'revocation', effect: 'deny', reactionMs: 30 });
  });

  test('a cut session counts to the cut, and has the reasons of its revocation', () => {
    const cut = eventOf(SessionEnded, ended({ cause: 'revoked', enforcedAt: '2026-01-05T10:00:00.041Z' }));
    expect(endHappening(cut, revocation)).toMatchObject({
      kind: 'session',
      cause: 'revoked',
      effect: 'deny',
      reasons: [infected],
      reactionMs: 41,
      user: 'one@example.com',
    });
  });

  test('a session that its user closed reacts to nothing', () => {
    const closed = eventOf(SessionEnded, ended(), cause);
    expect(endHappening(closed, undefined)).toMatchObject({
      cause: 'closed',
      effect: null,
      reasons: [],
      reactionMs: null,
    });
  });
});

describe('acts of people', () => {
  const link = eventOf(OperatorActed, linked({ until: '2026-02-01T00:00:00.000Z' }));

  test('a link names the agent, the device, who and why', () => {
    expect(operationHappening(link, undefined)).toEqual({
      time: OBSERVED_AT,
      kind: 'operation',
      operation: 'manual-link',
      targetId: 'office-console/102',
      deviceId: 'laptop-2',
      by: 'ana',
      reason: 'new mainboard',
      until: '2026-02-01T00:00:00.000Z',
    });
  });

  test('an unlink has the device of the link that it takes back', () => {
    expect(operationHappening(eventOf(OperatorActed, unlinked()), link)).toMatchObject({
      operation: 'manual-unlink',
      deviceId: 'laptop-2',
    });
  });
});
