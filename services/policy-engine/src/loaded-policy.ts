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
 * Reads a published document that is about to come into force, and runs its own tests. `now` in milliseconds; `leastMaxAge`,
 * in milliseconds, refuses a `maxAge` in which the sources could not have confirmed a value. Pure.
 */
export function loadPolicy(
  published: PublishedPolicy,
  now: number,
  { leastMaxAge = 0 }: { leastMaxAge?: number } = {},
): LoadedPolicy {
  const loaded = reloadPolicy(published, { leastMaxAge });
  if (!loaded.ok) return loaded;
  return refusing(loaded.revision, 'its own tests cannot be run', () => {
    const failures = runPolicyTests(loaded.compiled, now).filter(({ passed }) => !passed);
    const errors = failures.map(({ name, mismatches }) => ({
      message: `test "${name}" fails: ${mismatches.map(({ message }) => message).join('; ')}`,
    }));
    return errors.length === 0 ? loaded : { ok: false, revision: loaded.revision, errors };
  });
}

/**
 * Parses, checks and compiles a published document. All that is asked of one that is in force: a test of it may speak of a
 * time that has passed. Pure.
 */
export function reloadPolicy(
  { revision, document, sha256 }: PublishedPolicy,
  { leastMaxAge = 0 }: { leastMaxAge?: number } = {},
): LoadedPolicy {
  const refuse = (errors: readonly ActivationError[]): LoadedPolicy => ({ ok: false, revision, errors });
  if (createHash('sha256').update(document).digest('hex') !== sha256) {
    return refuse([{ message: 'the document does not fit its sha256: it was altered on its way' }]);
  }
  return refusing(revision, 'it cannot be read', () => {
    const parsed = parsePolicy(document, { leastMaxAge });
    return parsed.ok ? { ok: true, revision, compiled: compilePolicy(parsed.policy) } : refuse(parsed.errors);
  });
}

/** What is thrown on the way refuses the policy. */
function refusing(revision: number, what: string, load: () => LoadedPolicy): LoadedPolicy {
  try {
    return load();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { ok: false, revision, errors: [{ message: `${what}, by a defect of Stance: ${why}` }] };
  }
}
