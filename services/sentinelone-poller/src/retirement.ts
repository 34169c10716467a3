/** Fewer absences than this are ordinary, whatever share of a small fleet they are. */
const ORDINARY_ABSENCES = 3;

/** What a complete sweep found. */
export interface Absences {
  /** Agents that were present before it. */
  readonly present: number;
  /** Those of them that the console does not show, in no listing and not when asked for by their ids. */
  readonly absent: number;
  /** Whether it showed no agent at all. */
  readonly isEmpty: boolean;
}

export interface Retirement {
  readonly allowed: boolean;
  /** Agents that a sweep may retire without a person's word. */
  readonly limit: number;
}

/**
 * Whether those absent are to be taken for gone. More than `limitShare` of the fleet at once is not believed, nor is an
 * empty listing, unless a person has approved of just these agents.
 */
export function retirementOf(
  { present, absent, isEmpty }: Absences,
  limitShare: number,
  isApproved: boolean,
): Retirement {
  const limit = Math.max(ORDINARY_ABSENCES, Math.floor(present * limitShare));
  const isOrdinary = absent <= limit && !isEmpty;
  return { allowed: absent === 0 || isOrdinary || isApproved, limit };
}
