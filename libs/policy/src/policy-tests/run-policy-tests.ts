import type { Effect, Reason } from '@stance/contracts';
import type { CompiledPolicy, CompiledResource } from '../evaluation/compile-policy.js';
import { effectOn } from '../evaluation/effects.js';
import { evaluateResources } from '../evaluation/evaluate.js';
import { Facts } from '../evaluation/facts.js';
import { graceStateOf } from '../evaluation/grace.js';
import { NO_PAST, type Past } from '../evaluation/past.js';
import { prepareSubject } from '../evaluation/subject.js';
import { graceOf } from '../evaluation/verdict.js';
import type { PolicyTest } from '../policy.js';
import { SearchTooLong, type Values } from './passing-values.js';
import { StartingPoints, type StartingPoint } from './starting-point.js';
import { subjectOf } from './test-device.js';

/** A resource on which a test expected something else. */
export interface PolicyTestMismatch {
  readonly resource: string;
  readonly expected: Effect;
  readonly actual: Effect;
  /** Empty after the first twenty mismatches of a policy. */
  readonly reasons: readonly Reason[];
  /** A sentence for the person who wrote the policy. */
  readonly message: string;
}

export interface PolicyTestResult {
  readonly name: string;
  readonly passed: boolean;
  readonly mismatches: readonly PolicyTestMismatch[];
}

/** Mismatches told with reasons; whoever has more of them begins with the first. */
const MOST_EXPLAINED = 20;

/** Runs the `tests:` of a policy as of `now`, in whole milliseconds since the epoch. */
export function runPolicyTests(compiled: CompiledPolicy, now: number): PolicyTestResult[] {
  const startingPoints = new StartingPoints(compiled);
  let explained = 0;
  return compiled.policy.tests.map((test) => {
    const mismatches = runTest(compiled, test, startingPoints, now).map((mismatch) =>
      explained++ < MOST_EXPLAINED ? mismatch.explain() : mismatch.told,
    );
    return { name: test.name, passed: mismatches.length === 0, mismatches };
  });
}

/** A mismatch whose reasons are found only for who asks: they cost many times what the effect does. */
interface Mismatch {
  readonly told: PolicyTestMismatch;
  readonly explain: () => PolicyTestMismatch;
}

function runTest(compiled: CompiledPolicy, test: PolicyTest, startingPoints: StartingPoints, now: number): Mismatch[] {
  const at = test.at ?? now;
  const start = startOf(test, startingPoints);
  const { values, impassable } = start ?? NO_START;
  const subject = subjectOf(test.device, values, at);
  const prepared = prepareSubject(compiled.attributes, subject);
  const resources = [...test.expect.keys()]
    .map((name) => compiled.resources.get(name))
    .filter((one) => one !== undefined);
  const past = test.fromPassing ? pastOf(compiled, resources, test, values, at - test.failingFor) : NO_PAST;
  return resources.flatMap((resource): Mismatch[] => {
    const { name } = resource;
    const expected = test.expect.get(name) ?? 'deny';
    const actual = effectOn(compiled, resource, prepared, at, past);
    const problem = start === undefined ? TOO_LONG : impassable.has(name) ? CONTRADICTION : undefined;
    if (problem === undefined && actual === expected) return [];
    const message = `${name}: ${problem ?? `expected ${expected}, got ${actual}`}`;
    const told: PolicyTestMismatch = { resource: name, expected, actual, reasons: [], message };
    const explain = (): PolicyTestMismatch => {
      const reasons = evaluateResources(compiled, [resource], subject, at, past).resources[name]?.reasons ?? [];
      const why = problem !== undefined || reasons[0] === undefined ? '' : `: ${reasons[0].message}`;
      return { ...told, reasons, message: `${message}${why}` };
    };
    return [{ told, explain }];
  });
}

const NO_START: StartingPoint = { values: new Map(), impassable: new Set() };
// A denial that nothing could have prevented would prove nothing about what the test changes.
const CONTRADICTION = 'no device can pass, as what its rules require contradicts itself or another rule';
const TOO_LONG = 'a device that passes was not found in time; write the values of the device instead of from: passing';

/** Undefined where no starting point was found in time. */
function startOf(test: PolicyTest, startingPoints: StartingPoints): StartingPoint | undefined {
  try {
    return startingPoints.of(test);
  } catch (error) {
    if (error instanceof SearchTooLong) return undefined;
    throw error;
  }
}

/** What is remembered of a device that has held everything, and became what it is at this time. */
function pastOf(
  compiled: CompiledPolicy,
  resources: readonly CompiledResource[],
  { device }: PolicyTest,
  values: Values,
  became: number,
): Past {
  const books = resources.map((resource) => resource.withReported ?? resource).filter(({ hasGraces }) => hasGraces);
  if (books.length === 0) return NO_PAST;
  const graced = [...new Set(books.flatMap(({ allows }) => allows))].flatMap((rule) => rule.graced);
  const held = graced.map(({ rule, posture }) => ({ rule: rule.name, posture: posture.name }));
  const prepared = prepareSubject(compiled.attributes, subjectOf(device, values, became));
  const facts = new Facts(compiled, prepared, became, { ...NO_PAST, graces: held });
  return { ...NO_PAST, graces: graced.map((requirement) => graceStateOf(requirement, graceOf(requirement, facts))) };
}
