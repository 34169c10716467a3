import { conditionsOf, entriesOf, fieldOf, listOf } from './reading.js';
import type { Problem } from './shape-errors.js';

/** Rules times the resources that they cover: what evaluating one device may cost. */
const MOST_GRANTS = 1_000_000;
/** Conditions, counted again for each `maxAge` that rules ask for them under. */
const MOST_CONDITIONS = 100_000;

/** A short text can ask for more than a fleet can be evaluated against: `*` and `maxAge` multiply. */
export function* weightProblems(root: unknown): Generator<Problem> {
  const grants = grantsOf(root);
  if (grants > MOST_GRANTS) {
    const message = `the rules cover ${grants} resources, counting each once per rule; at most ${MOST_GRANTS} are taken`;
    yield { message, place: { path: ['rules'], atKey: true } };
  }
  const conditions = conditionsAskedFor(root);
  if (conditions > MOST_CONDITIONS) {
    const message = `the rules ask for ${conditions} conditions, counting each once per maxAge; at most ${MOST_CONDITIONS} are taken`;
    yield { message, place: { path: ['rules'], atKey: true } };
  }
}

function grantsOf(root: unknown): number {
  const served = new Set(
    entriesOf(fieldOf(root, 'gateways')).flatMap(([, gateway]) =>
      listOf(fieldOf(gateway, 'resources')).map(([, resource]) => resource),
    ),
  );
  return listOf(fieldOf(root, 'rules')).reduce((sum, [, rule]) => {
    const resources = listOf(fieldOf(rule, 'resources'));
    return sum + (resources.some(([, resource]) => resource === '*') ? served.size : resources.length);
  }, 0);
}

function conditionsAskedFor(root: unknown): number {
  const sizes = new Map(
    entriesOf(fieldOf(root, 'postures')).map(([name, posture]) => [name, conditionsOf(posture).length]),
  );
  const counted = new Set<string>();
  let conditions = 0;
  for (const [, rule] of listOf(fieldOf(root, 'rules'))) {
    const maxAge = fieldOf(rule, 'maxAge');
    const age = typeof maxAge === 'string' ? maxAge : '';
    for (const name of ['require', 'requireAny', 'when'].flatMap((field) => postureNames(fieldOf(rule, field)))) {
      const asked = `${age} ${name}`;
      if (!counted.has(asked)) conditions += sizes.get(name) ?? 0;
      counted.add(asked);
    }
  }
  return conditions;
}

function postureNames(references: unknown): string[] {
  return listOf(references)
    .map(([, reference]) => (typeof reference === 'string' ? reference : fieldOf(reference, 'posture')))
    .filter((name) => typeof name === 'string');
}
