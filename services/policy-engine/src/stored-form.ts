import type { Reason, ResourceDecision } from '@stance/contracts';
import type { Verdict } from './decision.js';

/** How much of a verdict is stored. */
export interface StoredForm {
  /** In words, for the log. */
  readonly name: string;
  /** What sessions are revoked by. */
  readonly told: (verdict: Verdict) => Verdict;
  /** What is stored of what is told. */
  readonly stored: (told: Verdict) => Verdict;
}

const itself = (verdict: Verdict): Verdict => verdict;

/** From the whole verdict to what always fits: where an event would be too large, the next one is stored. */
export const STORED_FORMS: readonly StoredForm[] = [
  { name: 'complete', told: itself, stored: itself },
  { name: 'with the first reason of each resource only', told: (verdict) => shortened(verdict, brief), stored: itself },
  { name: 'without reasons', told: (verdict) => shortened(verdict, () => []), stored: itself },
  // A resource of which nothing is said is denied.
  { name: 'as a denial of everything', told: deniedForSize, stored: () => ({ resources: {}, reviewAt: null }) },
];

const brief = ([first]: readonly Reason[]): Reason[] =>
  first === undefined ? [] : [{ code: first.code, message: first.message }];

/** What is decided stays, and what is remembered; what a policy in report mode would decide is left out. */
function shortened(verdict: Verdict, shorten: (reasons: readonly Reason[]) => Reason[]): Verdict {
  const { shadow } = verdict;
  return {
    ...verdict,
    resources: mapped(verdict.resources, ({ exceptions: _told, shadowReasons, reasons, ...decision }) => ({
      ...decision,
      reasons: shorten(reasons),
      ...(shadowReasons !== undefined && { shadowReasons: shorten(shadowReasons) }),
    })),
    ...(shadow !== undefined && { shadow: { ...shadow, resources: {} } }),
  };
}

function deniedForSize({ resources }: Verdict): Verdict {
  const message =
    'The decision about this device is too large to be stored, so that it is denied: ' +
    'fewer resources and shorter messages in the policy make it smaller.';
  const denial: ResourceDecision = {
    effect: 'deny',
    enforced: true,
    reasons: [{ code: 'evaluation-error', message }],
  };
  return { resources: mapped(resources, () => denial), reviewAt: null };
}

function mapped(
  resources: Verdict['resources'],
  map: (decision: ResourceDecision) => ResourceDecision,
): Verdict['resources'] {
  return Object.fromEntries(Object.entries(resources).map(([name, decision]) => [name, map(decision)]));
}
