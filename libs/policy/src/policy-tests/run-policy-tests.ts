import type { Effect, Reason } from '@stance/contracts';
import type { CompiledPolicy } from '../evaluation/compile-policy.js';
import { evaluateResources } from '../evaluation/evaluate.js';
import type { PostureSubject } from '../evaluation/subject.js';
import { NO_PAST, type Past } from '../evaluation/past.js';
import type { PolicyTest } from '../policy.js';
import { startingPoint, subjectOf } from './test-device.js';

/** A resource on which a test expected something else. */
export interface PolicyTestMismatch {
  readonly resource: string;
  readonly expected: Effect;
  readonly actual: Effect;
  readonly reasons: readonly Reason[];
  /** A sentence for the person who wrote the policy. */
  readonly message: string;
}

export interface PolicyTestResult {
  readonly name: string;
  readonly passed: boolean;
  readonly mismatches: readonly PolicyTestMismatch[];
}

/** Runs the `tests:` of a policy as of `now`, in whole milliseconds since the epoch. */
export function runPolicyTests(compiled: CompiledPolicy, now: number): PolicyTestResult[] {
  return compiled.policy.tests.map((test) => {
    const mismatches = runTest(compiled, test, now);
    return { name: test.name, passed: mismatches.length === 0, mismatches };
  });
}

function runTest(compiled: CompiledPolicy, test: PolicyTest, now: number): PolicyTestMismatch[] {
  const { values, impassable } = startingPoint(compiled, test);
  const at = test.at ?? now;
  const subject = subjectOf(test.device, values, at);
  const past = test.fromPassing
    ? pastOf(compiled, test, subjectOf(test.device, values, at - test.failingFor), at)
    : NO_PAST;
  return [...test.expect].flatMap(([name, expected]) => {
    const resource = compiled.resources.get(name);
    const decision = resource && evaluateResources(compiled, [resource], subject, at, past).resources[name];
    const actual = decision?.effect ?? 'deny';
    const reasons = decision?.reasons ?? [];
    // A denial that nothing could have prevented would prove nothing about what the test changes.
    if (impassable.includes(name)) {
      const message = `${name}: no device can pass, as what its rules require contradicts itself or another rule`;
      return [{ resource: name, expected, actual, reasons, message }];
    }
    if (actual === expected) return [];
    const why = reasons[0] === undefined ? '' : `: ${reasons[0].message}`;
    return [
      { resource: name, expected, actual, reasons, message: `${name}: expected ${expected}, got ${actual}${why}` },
    ];
  });
}

/** What is remembered of a device that has held everything, and has been as it is since `failingFor` before `at`. */
function pastOf(compiled: CompiledPolicy, { failingFor }: PolicyTest, subject: PostureSubject, at: number): Past {
  const graced = compiled.policy.rules.flatMap(({ name: rule, require, requireAny }) =>
    [...require, ...requireAny].filter(({ grace }) => grace > 0).map(({ posture }) => ({ rule, posture })),
  );
  const held: Past = { ...NO_PAST, graces: graced };
  const resources = [...compiled.resources.values()];
  return { ...NO_PAST, graces: evaluateResources(compiled, resources, subject, at - failingFor, held).graces };
}
