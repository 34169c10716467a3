import type { z } from 'zod';
import { suggestion } from '../nearest.js';
import { fieldsAt } from './schema.js';
import type { Place } from './yaml-document.js';

/** A problem found in the data of a document, before it is known on which line that is. */
export interface Problem {
  readonly message: string;
  readonly place: Place;
}

type Issue = z.core.$ZodIssue;

/**
 * Zod's issues in the words of the person who wrote the policy, each worded when it is asked for. `root` is the document
 * they were found in.
 */
export function* shapeProblems(root: unknown, issues: readonly Issue[]): Generator<Problem> {
  for (const issue of issues) yield* problemsOf(root, issue, []);
}

function* problemsOf(root: unknown, issue: Issue, parent: readonly PropertyKey[]): Generator<Problem> {
  const path = [...parent, ...issue.path];
  if (issue.code === 'invalid_union') {
    const branch = likeliestBranch(issue.errors);
    if (branch === undefined) {
      yield { message: `expected a value of another kind, got ${kindOf(valueAt(root, path))}`, place: { path } };
    } else {
      for (const inner of branch) yield* problemsOf(root, inner, path);
    }
    return;
  }
  if (issue.code === 'unrecognized_keys') {
    const fields = fieldsAt(path);
    for (const key of issue.keys) {
      yield { message: unknownField(key, fields), place: { path: [...path, key], atKey: true } };
    }
    return;
  }
  if (issue.code === 'invalid_key') {
    yield { message: issue.issues.map((inner) => inner.message).join('; '), place: { path, atKey: true } };
    return;
  }
  const value = valueAt(root, path);
  const last = path.at(-1);
  if (value === undefined && typeof last === 'string') {
    yield { message: `${last} is missing`, place: { path: path.slice(0, -1) } };
    return;
  }
  yield { message: describe(issue, value), place: { path } };
}

function unknownField(key: string, fields: readonly string[]): string {
  const hint = suggestion(key, fields);
  return `there is no field ${key.slice(0, 60)} here${hint || `; there are ${fields.join(', ')}`}`;
}

/** Of a union, the branch whose kind of value was written; the others only say that it is not of their kind. */
function likeliestBranch(branches: readonly (readonly Issue[])[]): readonly Issue[] | undefined {
  return branches.find((issues) => !issues.some((issue) => issue.path.length === 0 && issue.code === 'invalid_type'));
}

const EXPECTED: Readonly<Record<string, string>> = {
  string: 'a text',
  array: 'a list',
  object: 'fields',
  record: 'names with their values',
  boolean: 'true or false',
  number: 'a number',
};

function describe(issue: Issue, value: unknown): string {
  switch (issue.code) {
    case 'invalid_type':
      return `expected ${EXPECTED[issue.expected] ?? issue.expected}, got ${kindOf(value)}`;
    case 'invalid_value':
      return unexpectedValue(issue.values.map(String), value);
    case 'too_small':
      return issue.origin === 'array' ? 'expected at least one entry' : 'expected a text that is not empty';
    case 'too_big':
      return `expected at most ${issue.maximum} ${issue.origin === 'array' ? 'entries' : 'characters'}`;
    default:
      return issue.message;
  }
}

function unexpectedValue(values: readonly string[], value: unknown): string {
  const got = typeof value === 'string' || typeof value === 'number' ? String(value).slice(0, 60) : kindOf(value);
  const hint = typeof value === 'string' ? suggestion(value, values) : '';
  return `expected ${values.join(', ')}, got ${got}${hint}`;
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'fields';
  if (typeof value === 'string') return 'a text';
  return typeof value === 'boolean' ? 'true or false' : `a ${typeof value}`;
}

function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((value, step) => {
    if (typeof value !== 'object' || value === null) return undefined;
    return Object.getOwnPropertyDescriptor(value, step)?.value;
  }, root);
}
