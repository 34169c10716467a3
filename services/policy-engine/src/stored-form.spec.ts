import { describe, expect, it } from '@jest/globals';
import type { Verdict } from './decision.js';
import { STORED_FORMS } from './stored-form.js';

const at = '2026-11-21T08:00:00.000Z';
const first = { code: 'condition-false', message: 'Encrypt it.' } as const;
const reasons = [
  { ...first, attribute: 'sentinelOne:encryptedApplications', actual: false, agentId: 'a', source: 's' },
  { code: 'condition-false', message: 'Update it.' } as const,
];
const kept = { identity: 'token', graces: [{ rule: 'r', posture: 'p', failingSince: at }], reviewAt: 5 } as const;
const verdict: Verdict = {
  ...kept,
  graces: [...kept.graces],
  resources: {
    wiki: {
      effect: 'warn',
      enforced: true,
      until: at,
      graceSince: at,
      reasons,
      shadow: 'deny',
      shadowReasons: reasons,
    },
    git: { effect: 'deny', enforced: false, heldUntil: at, requiresOwner: 'kim@example.com', reasons },
    ftp: {
      effect: 'allow',
      enforced: true,
      reasons: [],
      exceptions: [{ rule: 'r', waive: ['p'], until: at, reason: 'x', approvedBy: 'y' }],
    },
  },
  shadow: { policyRevision: 2, resources: { wiki: { effect: 'deny', reasons } }, graces: [...kept.graces] },
};

const [complete, brief, bare, closed] = STORED_FORMS;
const ofReasons = (left: readonly object[]) => ({
  ...kept,
  resources: {
    wiki: {
      effect: 'warn',
      enforced: true,
      until: at,
      graceSince: at,
      shadow: 'deny',
      reasons: left,
      shadowReasons: left,
    },
    git: { effect: 'deny', enforced: false, heldUntil: at, requiresOwner: 'kim@example.com', reasons: left },
    ftp: { effect: 'allow', enforced: true, reasons: [] },
  },
  shadow: { policyRevision: 2, resources: {}, graces: kept.graces },
});

describe('what is stored of a verdict', () => {
  it.each([
    ['all of it', complete, verdict],
    ['the first reason of each resource without its evidence', brief, ofReasons([first])],
    ['no reasons, but all that is decided and remembered', bare, ofReasons([])],
  ])('%s', (_, form, expected) => {
    const told = form?.told(verdict);
    expect(told).toEqual(expected);
    expect(told && form?.stored(told)).toEqual(expected);
  });

  it('at last nothing, which is a denial of everything; sessions hear why', () => {
    const told = closed?.told(verdict);
    const denied = { effect: 'deny', enforced: true, reasons: [expect.objectContaining({ code: 'evaluation-error' })] };
    expect(told).toEqual({ resources: { wiki: denied, git: denied, ftp: denied }, reviewAt: null });
    expect(told && closed?.stored(told)).toEqual({ resources: {}, reviewAt: null });
  });
});
