import type { ReadCondition } from '../conditions/condition-reader.js';
import { InvalidCondition } from '../conditions/syntax.js';
import { formatDuration, parseDuration, policyDuration } from '../duration.js';
import { hiddenInCondition, mixedScriptsIn, type Deception } from './deceptive-text.js';
import { lookAlikeProblems } from './look-alikes.js';
import { hint, notServed, unknownName, type Names } from './names.js';
import { conditionsOf, entriesOf, fieldOf, listOf } from './reading.js';
import { scopeProblems } from './scope-errors.js';
import type { Problem } from './shape-errors.js';
import { testProblems } from './test-errors.js';
import { weightProblems } from './weight.js';

/** What has to be known from outside to judge a policy. */
export interface PolicyLimits {
  /** The shortest `maxAge` in milliseconds at which an unchanged, healthy agent stays current; anything goes by default. */
  readonly leastMaxAge?: number;
}

type Path = readonly PropertyKey[];

/**
 * Names that refer to nothing, conditions that make no sense, fields that do not go together; each found when it is asked
 * for, as the nearest names of a hundred thousand wrong ones would take minutes.
 */
export function* meaningProblems(root: unknown, limits: PolicyLimits, read: ReadCondition): Generator<Problem> {
  const postures = entriesOf(fieldOf(root, 'postures'));
  const resources = new Set(
    entriesOf(fieldOf(root, 'gateways')).flatMap(([, gateway]) =>
      listOf(fieldOf(gateway, 'resources')).map(([, resource]) => resource),
    ),
  );
  const rules = listOf(fieldOf(root, 'rules'));
  const rulesByName = new Map(rules.map(([, rule]) => [fieldOf(rule, 'name'), rule]));
  const names: Names = {
    postures: new Set(postures.map(([name]) => name)),
    resources: new Set([...resources].filter((resource) => typeof resource === 'string')),
  };
  yield* maxAgeProblems(fieldOf(root, 'defaults'), ['defaults'], limits);
  for (const [name, posture] of postures) yield* postureProblems(posture, ['postures', name], limits, read);
  yield* gatewayProblems(root);
  for (const [index, rule] of rules) yield* ruleProblems(rule, ['rules', index], names, limits);
  yield* sameNames(rules, 'rules', 'rule');
  yield* sameNames(listOf(fieldOf(root, 'tests')), 'tests', 'test');
  for (const [index, exception] of listOf(fieldOf(root, 'exceptions'))) {
    yield* exceptionProblems(exception, ['exceptions', index], rulesByName);
  }
  for (const [index, test] of listOf(fieldOf(root, 'tests'))) yield* testProblems(test, ['tests', index], names);
  yield* lookAlikeProblems(root);
  yield* scopeProblems(root);
  yield* weightProblems(root, read);
}

function* postureProblems(posture: unknown, path: Path, limits: PolicyLimits, read: ReadCondition): Generator<Problem> {
  yield* maxAgeProblems(posture, path, limits);
  for (const { value, path: inner } of conditionsOf(posture)) {
    const problem = typeof value === 'string' && value !== '' ? conditionProblem(value, read) : undefined;
    if (problem === undefined) continue;
    yield { message: problem.message, place: { path: [...path, ...inner], offset: problem.offset } };
  }
}

function conditionProblem(text: string, read: ReadCondition): Deception | InvalidCondition | undefined {
  const deception = hiddenInCondition(text) ?? mixedScriptsIn(beforeValues(text));
  if (deception !== undefined) return deception;
  const condition = read(text);
  return condition instanceof InvalidCondition ? condition : undefined;
}

const beforeValues = (condition: string): string => /^[^'"]*/.exec(condition)?.[0] ?? '';

function maxAgeProblems(holder: unknown, path: Path, { leastMaxAge = 1 }: PolicyLimits): Problem[] {
  const value = fieldOf(holder, 'maxAge');
  const duration = typeof value === 'string' ? parseDuration(value) : undefined;
  if (duration === undefined || duration >= leastMaxAge) return [];
  const message =
    leastMaxAge > 1
      ? `maxAge ${String(value)} is too short: an unchanged agent is confirmed only every ${formatDuration(leastMaxAge)}`
      : 'maxAge has to be longer than nothing';
  return [{ message, place: { path: [...path, 'maxAge'] } }];
}

function* gatewayProblems(root: unknown): Generator<Problem> {
  for (const [name, gateway] of entriesOf(fieldOf(root, 'gateways'))) {
    const seen = new Set<unknown>();
    for (const [index, resource] of listOf(fieldOf(gateway, 'resources'))) {
      if (seen.has(resource)) {
        const message = `${name} lists ${String(resource).slice(0, 100)} twice`;
        yield { message, place: { path: ['gateways', name, 'resources', index] } };
      }
      seen.add(resource);
    }
    yield* holdProblems(fieldOf(gateway, 'hold'), ['gateways', name, 'hold']);
  }
}

/** Longer than a night, it would not be a delay but another policy. */
const LONGEST_HOLD = 86_400_000;

function holdProblems(hold: unknown, path: Path): Problem[] {
  const inMapping = typeof hold === 'object';
  const text = inMapping ? fieldOf(hold, 'for') : hold;
  const duration = typeof text === 'string' ? policyDuration(text) : undefined;
  if (duration === undefined || (duration > 0 && duration <= LONGEST_HOLD)) return [];
  const message = `revocations are held for more than nothing and at most ${formatDuration(LONGEST_HOLD)}`;
  return [{ message, place: { path: inMapping ? [...path, 'for'] : path } }];
}

function* ruleProblems(rule: unknown, path: Path, names: Names, limits: PolicyLimits): Generator<Problem> {
  yield* maxAgeProblems(rule, path, limits);
  const denies = fieldOf(rule, 'effect') === 'deny';
  const asked = new Set<string>();
  for (const field of ['require', 'requireAny', 'when']) {
    const references = fieldOf(rule, field);
    if (references === undefined) continue;
    const fits = (field === 'when') === denies;
    if (!fits) yield { message: misplaced(field), place: { path: [...path, field], atKey: true } };
    for (const [index, reference] of listOf(references)) {
      const inMapping = typeof reference === 'object';
      const name = inMapping ? fieldOf(reference, 'posture') : reference;
      const place = { path: [...path, field, index, ...(inMapping ? ['posture'] : [])] };
      if (typeof name === 'string' && !names.postures.has(name)) {
        yield { message: unknownName('posture', name, names.postures), place };
      } else if (typeof name === 'string' && asked.has(name)) {
        // Both would share what is remembered of the posture, whatever grace and rearm each has.
        yield { message: `this rule asks for ${name.slice(0, 100)} twice; once is enough`, place };
      }
      if (typeof name === 'string') asked.add(name);
      yield* graceProblems(reference, [...path, field, index], denies);
    }
  }
  for (const [index, resource] of listOf(fieldOf(rule, 'resources'))) {
    if (typeof resource === 'string' && resource !== '*' && !names.resources.has(resource)) {
      yield { message: notServed(resource, names.resources), place: { path: [...path, 'resources', index] } };
    }
  }
}

function graceProblems(reference: unknown, path: Path, denies: boolean): Problem[] {
  const at = (field: string, message: string): Problem => ({ message, place: { path: [...path, field], atKey: true } });
  const [grace, rearm] = [fieldOf(reference, 'grace'), fieldOf(reference, 'rearm')];
  if (denies) {
    const misplacedFields = ['grace', 'rearm'].filter((field) => fieldOf(reference, field) !== undefined);
    return misplacedFields.map((field) => at(field, `${field} belongs to an allow rule: a deny rule denies at once`));
  }
  if (rearm !== undefined && grace === undefined) return [at('rearm', 'rearm means nothing without grace')];
  if (typeof grace === 'string' && parseDuration(grace) === 0)
    return [at('grace', 'grace has to be longer than nothing')];
  return [];
}

/** An exception that names what its rule does not ask for would be taken for one that works. */
function* exceptionProblems(exception: unknown, path: Path, rules: ReadonlyMap<unknown, unknown>): Generator<Problem> {
  const name = fieldOf(exception, 'rule');
  if (typeof name !== 'string') return;
  const rule = rules.get(name);
  const place = { path: [...path, 'rule'] };
  if (rule === undefined) {
    const known = new Set([...rules.keys()].filter((one) => typeof one === 'string'));
    yield { message: unknownName('rule', name, known), place };
    return;
  }
  if (fieldOf(rule, 'effect') === 'deny') {
    yield { message: 'no exception overrides a deny rule', place };
    return;
  }
  const required = new Set(
    ['require', 'requireAny']
      .flatMap((field) => listOf(fieldOf(rule, field)))
      .map(([, reference]) => (typeof reference === 'string' ? reference : fieldOf(reference, 'posture')))
      .filter((posture) => typeof posture === 'string'),
  );
  for (const [index, posture] of listOf(fieldOf(exception, 'waive'))) {
    if (typeof posture !== 'string' || required.has(posture)) continue;
    const instead = hint(posture, required) || `; it requires ${listed(required)}`;
    const message = `the rule does not require ${posture.slice(0, 100)}${instead}`;
    yield { message, place: { path: [...path, 'waive', index] } };
  }
}

const listed = (names: ReadonlySet<string>): string => [...names].slice(0, 10).join(', ') || 'nothing';

function misplaced(field: string): string {
  return field === 'when'
    ? 'when belongs to a deny rule; an allow rule takes require or requireAny'
    : `${field} belongs to an allow rule; a deny rule takes when`;
}

function* sameNames(items: [number, unknown][], room: string, what: string): Generator<Problem> {
  const seen = new Set<unknown>();
  for (const [index, item] of items) {
    const name = fieldOf(item, 'name');
    if (typeof name === 'string' && seen.has(name)) {
      yield { message: `another ${what} has this name`, place: { path: [room, index, 'name'] } };
    }
    seen.add(name);
  }
}
