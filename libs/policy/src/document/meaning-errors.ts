import { ATTRIBUTES, attributeDefinition } from '../attributes/catalogue.js';
import { parseCondition } from '../conditions/condition.js';
import { InvalidCondition } from '../conditions/syntax.js';
import { VALUE_TYPES } from '../conditions/value-type.js';
import { formatDuration, parseDuration } from '../duration.js';
import { suggestion } from '../nearest.js';
import { conditionsOf, entriesOf, fieldOf, listOf } from './reading.js';
import type { Problem } from './shape-errors.js';

/** What has to be known from outside to judge a policy. */
export interface PolicyLimits {
  /** The shortest `maxAge` in milliseconds at which an unchanged, healthy agent stays current; anything goes by default. */
  readonly leastMaxAge?: number;
}

type Path = readonly PropertyKey[];

/** Names that refer to nothing, conditions that make no sense, fields that do not go together. */
export function meaningProblems(root: unknown, limits: PolicyLimits): Problem[] {
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
  return [
    ...maxAgeProblems(fieldOf(root, 'defaults'), ['defaults'], limits),
    ...postures.flatMap(([name, posture]) => postureProblems(posture, ['postures', name], limits)),
    ...gatewayProblems(root),
    ...rules.flatMap(([index, rule]) => ruleProblems(rule, ['rules', index], names, limits)),
    ...sameNames(rules, 'rules', 'rule'),
    ...sameNames(listOf(fieldOf(root, 'tests')), 'tests', 'test'),
    ...listOf(fieldOf(root, 'exceptions')).flatMap(([index, exception]) =>
      exceptionProblems(exception, ['exceptions', index], rulesByName),
    ),
    ...listOf(fieldOf(root, 'tests')).flatMap(([index, test]) => testProblems(test, ['tests', index], names)),
  ];
}

interface Names {
  readonly postures: ReadonlySet<string>;
  readonly resources: ReadonlySet<string>;
}

function postureProblems(posture: unknown, path: Path, limits: PolicyLimits): Problem[] {
  const problems = maxAgeProblems(posture, path, limits);
  for (const { value, path: inner } of conditionsOf(posture)) {
    if (typeof value !== 'string' || value === '') continue;
    try {
      parseCondition(value);
    } catch (error) {
      if (!(error instanceof InvalidCondition)) throw error;
      problems.push({ message: error.message, place: { path: [...path, ...inner], offset: error.offset } });
    }
  }
  return problems;
}

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

function gatewayProblems(root: unknown): Problem[] {
  return entriesOf(fieldOf(root, 'gateways')).flatMap(([name, gateway]) => {
    const seen = new Set<unknown>();
    const twice = listOf(fieldOf(gateway, 'resources')).flatMap(([index, resource]) => {
      const again = seen.has(resource);
      seen.add(resource);
      const message = `${name} lists ${String(resource)} twice`;
      return again ? [{ message, place: { path: ['gateways', name, 'resources', index] } }] : [];
    });
    return [...twice, ...holdProblems(fieldOf(gateway, 'hold'), ['gateways', name, 'hold'])];
  });
}

/** Longer than a night, it would not be a delay but another policy. */
const LONGEST_HOLD = 86_400_000;

function holdProblems(hold: unknown, path: Path): Problem[] {
  const inMapping = typeof hold === 'object';
  const text = inMapping ? fieldOf(hold, 'for') : hold;
  const duration = typeof text === 'string' ? parseDuration(text) : undefined;
  if (duration === undefined || (duration > 0 && duration <= LONGEST_HOLD)) return [];
  const message = `revocations are held for more than nothing and at most ${formatDuration(LONGEST_HOLD)}`;
  return [{ message, place: { path: inMapping ? [...path, 'for'] : path } }];
}

function ruleProblems(rule: unknown, path: Path, names: Names, limits: PolicyLimits): Problem[] {
  const problems = maxAgeProblems(rule, path, limits);
  const denies = fieldOf(rule, 'effect') === 'deny';
  for (const field of ['require', 'requireAny', 'when']) {
    const references = fieldOf(rule, field);
    if (references === undefined) continue;
    const fits = (field === 'when') === denies;
    if (!fits) problems.push({ message: misplaced(field), place: { path: [...path, field], atKey: true } });
    for (const [index, reference] of listOf(references)) {
      const inMapping = typeof reference === 'object';
      const name = inMapping ? fieldOf(reference, 'posture') : reference;
      const place = { path: [...path, field, index, ...(inMapping ? ['posture'] : [])] };
      if (typeof name === 'string' && !names.postures.has(name)) {
        problems.push({ message: unknownName('posture', name, names.postures), place });
      }
      problems.push(...graceProblems(reference, [...path, field, index], denies));
    }
  }
  for (const [index, resource] of listOf(fieldOf(rule, 'resources'))) {
    if (typeof resource === 'string' && resource !== '*' && !names.resources.has(resource)) {
      const message = `no gateway serves ${resource.slice(0, 100)}${suggestion(resource, names.resources)}`;
      problems.push({ message, place: { path: [...path, 'resources', index] } });
    }
  }
  return problems;
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
function exceptionProblems(exception: unknown, path: Path, rules: ReadonlyMap<unknown, unknown>): Problem[] {
  const name = fieldOf(exception, 'rule');
  if (typeof name !== 'string') return [];
  const problem = (message: string, ...inner: PropertyKey[]): Problem => ({
    message,
    place: { path: [...path, ...inner] },
  });
  const rule = rules.get(name);
  if (rule === undefined) {
    const known = new Set([...rules.keys()].filter((one) => typeof one === 'string'));
    return [problem(unknownName('rule', name, known), 'rule')];
  }
  if (fieldOf(rule, 'effect') === 'deny') return [problem('no exception overrides a deny rule', 'rule')];
  const required = new Set(
    ['require', 'requireAny']
      .flatMap((field) => listOf(fieldOf(rule, field)))
      .map(([, reference]) => (typeof reference === 'string' ? reference : fieldOf(reference, 'posture')))
      .filter((posture) => typeof posture === 'string'),
  );
  return listOf(fieldOf(exception, 'waive')).flatMap(([index, posture]) => {
    if (typeof posture !== 'string' || required.has(posture)) return [];
    const hint = suggestion(posture, required) || `; it requires ${[...required].join(', ') || 'nothing'}`;
    return [problem(`the rule does not require ${posture.slice(0, 100)}${hint}`, 'waive', index)];
  });
}

function misplaced(field: string): string {
  return field === 'when'
    ? 'when belongs to a deny rule; an allow rule takes require or requireAny'
    : `${field} belongs to an allow rule; a deny rule takes when`;
}

function unknownName(what: string, name: string, names: ReadonlySet<string>): string {
  return `there is no ${what} ${name.slice(0, 100)}${suggestion(name, names)}`;
}

function sameNames(items: [number, unknown][], room: string, what: string): Problem[] {
  const seen = new Set<unknown>();
  return items.flatMap(([index, item]) => {
    const name = fieldOf(item, 'name');
    const again = typeof name === 'string' && seen.has(name);
    seen.add(name);
    const message = `another ${what} has this name`;
    return again ? [{ message, place: { path: [room, index, 'name'] } }] : [];
  });
}

function testProblems(test: unknown, path: Path, names: Names): Problem[] {
  const expected = entriesOf(fieldOf(test, 'expect'))
    .filter(([resource]) => !names.resources.has(resource))
    .map(([resource]) => ({
      message: `no gateway serves ${resource.slice(0, 100)}${suggestion(resource, names.resources)}`,
      place: { path: [...path, 'expect', resource], atKey: true },
    }));
  const attributes = entriesOf(fieldOf(fieldOf(test, 'device'), 'attributes')).flatMap(([name, value]) => {
    const place = { path: [...path, 'device', 'attributes', name] };
    const problem = testValueProblem(name, value);
    return problem === undefined ? [] : [{ ...problem, place: { ...place, atKey: problem.atKey } }];
  });
  const aimless =
    fieldOf(test, 'failingFor') !== undefined && fieldOf(test, 'from') === undefined
      ? [
          {
            message: 'failingFor goes with from: passing: only a device that has passed has a grace',
            place: { path: [...path, 'failingFor'], atKey: true },
          },
        ]
      : [];
  return [...expected, ...attributes, ...aimless];
}

function testValueProblem(name: string, value: unknown): { message: string; atKey: boolean } | undefined {
  const definition = attributeDefinition(name);
  if (definition === undefined) {
    return {
      message: `there is no attribute ${name.slice(0, 100)}${suggestion(name, Object.keys(ATTRIBUTES))}`,
      atKey: true,
    };
  }
  if (definition.origin === 'inventory') {
    const field = name.replace('device:', '');
    return { message: `write ${field} beside attributes, as a field of device`, atKey: true };
  }
  if (value === null) return undefined;
  const entries: unknown[] = definition.type === 'list' && Array.isArray(value) ? value : [value];
  const { read, written } = VALUE_TYPES[definition.type];
  const isList = definition.type === 'list';
  const measured = definition.type === 'duration' && typeof value === 'number';
  if (measured || isList !== Array.isArray(value) || entries.some((entry) => read(entry) === undefined)) {
    return {
      message: `${name} is a ${definition.type}: expected ${isList ? 'a list of strings' : written}`,
      atKey: false,
    };
  }
  const { values = [] } = definition;
  const unlisted = entries.filter((entry) => typeof entry === 'string').find((entry) => !values.includes(entry));
  if (values.length === 0 || unlisted === undefined) return undefined;
  return { message: `${name} is never ${unlisted.slice(0, 60)}${suggestion(unlisted, values)}`, atKey: false };
}
