import { hiddenIn, mixedScriptsIn, type Deception } from './deceptive-text.js';
import { fieldOf, listOf } from './reading.js';
import type { Problem } from './shape-errors.js';
import type { Place } from './yaml-document.js';

/**
 * Words for whom a rule, an exception or a test is that are compared as they stand and read as something else: patterns,
 * blanks at their ends, characters that cannot be seen, letters of several scripts in one word.
 */
export function* scopeProblems(root: unknown): Generator<Problem> {
  for (const [index, rule] of listOf(fieldOf(root, 'rules'))) {
    for (const field of ['groups', 'tags', 'owners']) {
      const message = `a * stands for nothing here: leave ${field} out for everybody, or write each in full`;
      for (const [entry, text] of listOf(fieldOf(rule, field))) {
        yield* problemsOf(text, { path: ['rules', index, field, entry] }, starIn(text, message));
      }
    }
  }
  for (const [index, exception] of listOf(fieldOf(root, 'exceptions'))) {
    const device = fieldOf(exception, 'device');
    const message = 'a * stands for nothing here: an exception is for one device, by its id';
    yield* problemsOf(device, { path: ['exceptions', index, 'device'] }, starIn(device, message));
  }
  for (const [index, test] of listOf(fieldOf(root, 'tests'))) {
    yield* testDeviceProblems(fieldOf(test, 'device'), ['tests', index, 'device']);
  }
}

function* testDeviceProblems(device: unknown, path: Place['path']): Generator<Problem> {
  for (const field of ['id', 'owner', 'network', 'os']) {
    yield* problemsOf(fieldOf(device, field), { path: [...path, field] });
  }
  for (const field of ['network', 'os']) yield* lengthProblems(fieldOf(device, field), [...path, field]);
  for (const field of ['groups', 'tags']) {
    const message = `a * stands for nothing here: write the ${field} of one device`;
    for (const [entry, text] of listOf(fieldOf(device, field))) {
      yield* problemsOf(text, { path: [...path, field, entry] }, text === '*' ? starIn(text, message) : undefined);
      yield* lengthProblems(text, [...path, field, entry]);
    }
  }
}

/** As long as rules may name it. */
const LONGEST = 320;

function* lengthProblems(text: unknown, path: Place['path']): Generator<Problem> {
  if (typeof text !== 'string' || text.length <= LONGEST) return;
  yield { message: `expected at most ${LONGEST} characters`, place: { path } };
}

function* problemsOf(text: unknown, place: Place, star?: Deception): Generator<Problem> {
  if (typeof text !== 'string') return;
  const problem = star ?? hiddenIn(text) ?? mixedScriptsIn(text) ?? outerBlankIn(text);
  if (problem !== undefined) yield { message: problem.message, place: { ...place, offset: problem.offset } };
}

function starIn(text: unknown, message: string): Deception | undefined {
  return typeof text === 'string' && text.includes('*') ? { message, offset: text.indexOf('*') } : undefined;
}

function outerBlankIn(text: string): Deception | undefined {
  if (text === text.trim()) return undefined;
  return { message: 'this begins or ends with a blank, which would have to match; take it out', offset: 0 };
}
