import type { ReadCondition } from '../conditions/condition-reader.js';
import { InvalidCondition } from '../conditions/syntax.js';
import { conditionsOf, entriesOf, fieldOf, listOf, posturesOf, referencesOf } from './reading.js';
import type { Problem } from './shape-errors.js';
import { gracedWeight, testEffort, type Weight } from './test-effort.js';

/** Rules times the resources that they cover: what evaluating one device may cost. */
const MOST_GRANTS = 1_000_000;
/** Conditions and the values that they list, counted again for each `maxAge` that rules ask for them under. */
const MOST_CONDITIONS = 100_000;
/** Conditions of postures with grace, for each age that they compare: each may be when a grace began. */
const MOST_GRACED = 2_000_000;
/** Looks at rules and conditions that the policy's own tests take. */
const MOST_TEST_EFFORT = 50_000_000;
/** Ages that time alone passes, counted in the same way: each is a moment at which a device may have to be decided about. */
const MOST_AGES = 1000;

/** A short text can ask for more than a fleet can be evaluated against: `*`, `maxAge` and lists multiply. */
export function* weightProblems(root: unknown, read: ReadCondition): Generator<Problem> {
  const place = { path: ['rules'], atKey: true };
  const grants = grantsOf(root);
  if (grants > MOST_GRANTS) {
    const message = `the rules cover ${grants} resources, counting each once per rule; at most ${MOST_GRANTS} are taken`;
    yield { message, place };
  }
  const weights = posturesByWeight(root, read);
  const asked = askedFor(root, weights);
  if (asked.size > MOST_CONDITIONS) {
    const message = `the rules ask for ${asked.size} conditions and listed values, counting each once per maxAge; at most ${MOST_CONDITIONS} are taken`;
    yield { message, place };
  }
  if (asked.ages > MOST_AGES) {
    const message = `the rules compare stance:lastSeenAge with ${asked.ages} values, counting each once per maxAge; at most ${MOST_AGES} are taken`;
    yield { message, place };
  }
  const graced = gracedFor(root, weights);
  if (graced > MOST_GRACED) {
    const message = `the postures with grace have ${graced} conditions, counting each once per rule and per value of stance:lastSeenAge beside it; at most ${MOST_GRACED} are taken`;
    yield { message, place };
  }
  // What rules without a bound cover is not added up again for each test.
  const effort = grants > MOST_GRANTS ? 0 : testEffort(root, weights, asked);
  if (effort > MOST_TEST_EFFORT) {
    const message = `the tests look at rules and conditions ${effort} times; at most ${MOST_TEST_EFFORT} are taken`;
    yield { message, place: { path: ['tests'], atKey: true } };
  }
}

function posturesByWeight(root: unknown, read: ReadCondition): Map<string, Weight> {
  return new Map(
    entriesOf(fieldOf(root, 'postures')).map(([name, posture]) => {
      let [size, ages] = [0, 0];
      for (const { value } of conditionsOf(posture)) {
        const condition = typeof value === 'string' ? read(value) : undefined;
        if (condition === undefined || condition instanceof InvalidCondition) continue;
        const { definition, literals } = condition;
        size += Math.max(1, literals.length);
        if (definition.type === 'duration') ages += literals.length;
      }
      return [name, { size, ages }];
    }),
  );
}

function grantsOf(root: unknown): number {
  const served = servedBy(root);
  return listOf(fieldOf(root, 'rules')).reduce((sum, [, rule]) => {
    const resources = listOf(fieldOf(rule, 'resources'));
    return sum + (resources.some(([, resource]) => resource === '*') ? served.size : resources.length);
  }, 0);
}

function servedBy(root: unknown): ReadonlySet<unknown> {
  return new Set(
    entriesOf(fieldOf(root, 'gateways')).flatMap(([, gateway]) =>
      listOf(fieldOf(gateway, 'resources')).map(([, resource]) => resource),
    ),
  );
}

function gracedFor(root: unknown, weights: ReadonlyMap<string, Weight>): number {
  return listOf(fieldOf(root, 'rules'))
    .flatMap(([, rule]) => referencesOf(rule).map((reference) => gracedWeight(reference, weights)))
    .reduce((sum, { size, ages }) => sum + size * (1 + ages), 0);
}

function askedFor(root: unknown, weights: ReadonlyMap<string, Weight>): Weight {
  const counted = new Set<string>();
  let [size, ages] = [0, 0];
  for (const [, rule] of listOf(fieldOf(root, 'rules'))) {
    const maxAge = fieldOf(rule, 'maxAge');
    for (const name of posturesOf(rule)) {
      const asked = `${typeof maxAge === 'string' ? maxAge : ''} ${name}`;
      if (counted.has(asked)) continue;
      counted.add(asked);
      const weight = weights.get(name);
      size += weight?.size ?? 0;
      ages += weight?.ages ?? 0;
    }
  }
  return { size, ages };
}
