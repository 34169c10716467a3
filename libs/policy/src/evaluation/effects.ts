import type { Effect } from '@stance/contracts';
import type { CompiledPolicy, CompiledResource } from './compile-policy.js';
import { decide, effectOf, standingOf } from './decide.js';
import { Facts } from './facts.js';
import { NO_PAST, type Past } from './past.js';
import type { PreparedSubject } from './subject.js';

/**
 * What a device may reach, without reasons, times and what has to be remembered: for those who count over a whole fleet and
 * want to know more of few. `subject` is prepared for the same policy, `now` in whole milliseconds since the epoch.
 */
export function effectOn(
  compiled: CompiledPolicy,
  resource: CompiledResource,
  subject: PreparedSubject,
  now: number,
  past: Past = NO_PAST,
): Effect {
  if (standingOf(subject.subject) !== undefined) return 'deny';
  return effectOf(decide(resource, new Facts(compiled, subject, now, past)));
}
