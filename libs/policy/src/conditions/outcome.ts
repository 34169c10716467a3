import type { Explanation } from '@stance/contracts';

/**
 * What became of a condition, a posture or a rule. Everything from `UNSET` on is unknown, and says why; a small integer
 * because millions are handed around.
 */
export const Outcome = {
  TRUE: 1,
  FALSE: 2,
  UNSET: 3,
  MISTYPED: 4,
  UNLISTED: 5,
  CONFLICTING: 6,
  STALE: 7,
} as const;
export type Outcome = (typeof Outcome)[keyof typeof Outcome];

export type Verdict = Explanation['rules'][number]['verdict'];

/** Whether an outcome is neither true nor false. */
export const isUnknown = (outcome: Outcome): boolean => outcome >= Outcome.UNSET;

export function verdictOf(outcome: Outcome): Verdict {
  if (outcome === Outcome.TRUE) return 'true';
  return outcome === Outcome.FALSE ? 'false' : 'unknown';
}
