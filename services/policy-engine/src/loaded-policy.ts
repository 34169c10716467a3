import { createHash } from 'node:crypto';
import type { DataOf, PolicyActivated, PolicyPublished } from '@stance/contracts';
import { compilePolicy, parsePolicy, runPolicyTests, type CompiledPolicy } from '@stance/policy';

export type PublishedPolicy = DataOf<typeof PolicyPublished>;
type ActivationError = DataOf<typeof PolicyActivated>['errors'][number];

/** A revision that may come into force. */
export interface UsablePolicy {
  readonly ok: true;
  readonly revision: number;
  readonly compiled: CompiledPolicy;
}

/** A revision that may come into force, or why it may not. */
export type LoadedPolicy =
  UsablePolicy | { readonly ok: false; readonly revision: number; readonly errors: readonly ActivationError[] };

/**
 * Parses, checks and compiles a published document and runs its own tests. `now` in milliseconds; `leastMaxAge`, in
 * milliseconds, refuses a `maxAge` in which the sources could not have confirmed a value. Pure.
 */
export function loadPolicy(
  { revision, document, sha256 }: PublishedPolicy,
  now: number,
  { leastMaxAge = 0 }: { leastMaxAge?: number } = {},
): LoadedPolicy {
  const refuse = (errors: readonly ActivationError[]): LoadedPolicy => ({ ok: false, revision, errors });
  if (createHash('sha256').update(document).digest('hex') !== sha256) {
    return refuse([{ message: 'the document does not fit its sha256: it was altered on its way' }]);
  }
  const parsed = parsePolicy(document, { leastMaxAge });
  if (!parsed.ok) return refuse(parsed.errors);
  const compiled = compilePolicy(parsed.policy);
  const failures = runPolicyTests(compiled, now).filter(({ passed }) => !passed);
  if (failures.length > 0) {
    return refuse(
      failures.map(({ name, mismatches }) => ({
        message: `test "${name}" fails: ${mismatches.map(({ message }) => message).join('; ')}`,
      })),
    );
  }
  return { ok: true, revision, compiled };
}
