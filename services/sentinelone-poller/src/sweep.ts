import type { KnownAgent } from './observation.js';

/** Fewer absences than this are ordinary, whatever share of a small fleet they are. */
const ORDINARY_ABSENCES = 3;

export type Retirement =
  | { readonly allowed: true; readonly absent: readonly KnownAgent[] }
  | { readonly allowed: false; readonly absent: readonly KnownAgent[]; readonly limit: number };

/**
 * Which agents a complete sweep shows to be gone. An agent observed since the sweep started is there, whether the sweep
 * came by it or not. More than `limitShare` of the fleet at once is not believed: a person has to look.
 */
export function retirementAfter(
  known: Iterable<KnownAgent>,
  seen: ReadonlySet<string>,
  startedAt: string,
  limitShare: number,
): Retirement {
  const present = [...known].filter(({ presence }) => presence === 'present');
  const absent = present.filter(({ agentId, observedAt }) => !seen.has(agentId) && observedAt < startedAt);
  const limit = Math.max(ORDINARY_ABSENCES, Math.floor(present.length * limitShare));
  // An empty listing is not the word that everybody is gone, unless a person has allowed just that.
  const isEmpty = seen.size === 0 && absent.length > 0 && limitShare < 1;
  return isEmpty || absent.length > limit ? { allowed: false, absent, limit } : { allowed: true, absent };
}
