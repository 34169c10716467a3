import { attributeDefinition } from '../attributes/catalogue.js';
import { attributeSuggestion } from '../attributes/nearest-attribute.js';
import { VALUE_TYPES } from '../conditions/value-type.js';
import { suggestion } from '../nearest.js';
import { notServed, type Names } from './names.js';
import { entriesOf, fieldOf } from './reading.js';
import type { Problem } from './shape-errors.js';

/** What is wrong with one of a policy's own tests, beyond its shape. */
export function* testProblems(test: unknown, path: readonly PropertyKey[], names: Names): Generator<Problem> {
  for (const [resource] of entriesOf(fieldOf(test, 'expect'))) {
    if (names.resources.has(resource)) continue;
    yield {
      message: notServed(resource, names.resources),
      place: { path: [...path, 'expect', resource], atKey: true },
    };
  }
  for (const [name, value] of entriesOf(fieldOf(fieldOf(test, 'device'), 'attributes'))) {
    const problem = testValueProblem(name, value);
    if (problem === undefined) continue;
    const place = { path: [...path, 'device', 'attributes', name], atKey: problem.atKey };
    yield { message: problem.message, place };
  }
  if (fieldOf(test, 'failingFor') !== undefined && fieldOf(test, 'from') === undefined) {
    yield {
      message: 'failingFor goes with from: passing: only a device that has passed has a grace',
      place: { path: [...path, 'failingFor'], atKey: true },
    };
  }
}

function testValueProblem(name: string, value: unknown): { message: string; atKey: boolean } | undefined {
  const definition = attributeDefinition(name);
  if (definition === undefined) {
    return {
      message: `there is no attribute ${name.slice(0, 100)}${attributeSuggestion(name)}`,
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
