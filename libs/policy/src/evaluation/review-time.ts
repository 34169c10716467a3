import type { CompiledRequirement } from './compile-policy.js';
import type { KnownCauses } from './decide.js';
import { differs, type Decided } from './decided.js';
import type { Facts } from './facts.js';
import { sameFailure } from './grace.js';
import { graceOf } from './verdict.js';

/** After so many looks ahead that changed nothing, another look is left to the review. */
const LOOKS_AHEAD = 32;

/**
 * When time alone changes any of what was decided, or what is remembered of a failure, in milliseconds since the epoch; null for
 * never. Between two changes of what was asked nothing can differ, so only those moments are tried, in order.
 */
export function reviewTime(
  decided: readonly Decided[],
  graced: readonly CompiledRequirement[],
  facts: Facts,
): number | null {
  let at = facts.changesAt;
  for (let looks = 0; at !== undefined && looks < LOOKS_AHEAD; looks++) {
    const later = facts.at(at);
    const known: KnownCauses = [];
    if (decided.some((before) => differs(before, later, known)) || forgets(graced, facts, later)) return at;
    at = later.changesAt;
  }
  return at ?? null;
}

/** A grace runs from the first failure, so that failure has to be seen. */
function forgets(graced: readonly CompiledRequirement[], facts: Facts, later: Facts): boolean {
  return graced.some((requirement) => !sameFailure(graceOf(requirement, facts), graceOf(requirement, later)));
}
