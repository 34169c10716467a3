import { hiddenIn, mixedScriptsIn, type Deception } from './deceptive-text.js';
import { entriesOf, fieldOf, listOf } from './reading.js';
import { looksOf } from './looks.js';
import type { Problem } from './shape-errors.js';
import type { Place } from './yaml-document.js';

/** A name that a policy gives to something of its own. */
interface Given {
  readonly name: string;
  readonly place: Place;
}

/**
 * Names that could be taken for something else by who reads the policy: with characters that cannot be seen, with letters
 * of several scripts in one word, or that look like another name of their kind.
 */
export function* lookAlikeProblems(root: unknown): Generator<Problem> {
  for (const names of namesByKind(root)) {
    for (const { name, place } of names) {
      const problem = deception(name);
      if (problem !== undefined) yield { message: problem.message, place: { ...place, offset: problem.offset } };
    }
    yield* sameLookingProblems(names);
  }
}

function deception(name: string): Deception | undefined {
  const hidden = hiddenIn(name);
  if (hidden !== undefined) return hidden;
  const composed = name.normalize('NFC');
  if (composed !== name) {
    const message = `${shown(name)} has letters and accents apart (not Unicode NFC); write it as ${shown(composed)}`;
    return { message, offset: 0 };
  }
  return mixedScriptsIn(name);
}

function* sameLookingProblems(names: readonly Given[]): Generator<Problem> {
  const known = new Map<string, string>();
  for (const { name, place } of names) {
    const looks = looksOf(name);
    const other = looks.map((look) => known.get(look)).find((one) => one !== undefined && one !== name);
    for (const look of looks) if (!known.has(look)) known.set(look, name);
    if (other !== undefined) {
      yield {
        message: `${shown(name)} looks like ${shown(other)}, which is another name here; rename one of them`,
        place,
      };
    }
  }
}

/** Each kind apart: a posture may be called as a resource is. */
function namesByKind(root: unknown): readonly Given[][] {
  const gateways = entriesOf(fieldOf(root, 'gateways'));
  return [
    entriesOf(fieldOf(root, 'postures')).map(([name]) => ({ name, place: { path: ['postures', name], atKey: true } })),
    gateways.map(([name]) => ({ name, place: { path: ['gateways', name], atKey: true } })),
    gateways.flatMap(([gateway, fields]) => given(fieldOf(fields, 'resources'), ['gateways', gateway, 'resources'])),
    listOf(fieldOf(root, 'rules')).flatMap(([index, rule]) => {
      const name = fieldOf(rule, 'name');
      return typeof name === 'string' ? [{ name, place: { path: ['rules', index, 'name'] } }] : [];
    }),
  ];
}

function given(list: unknown, path: readonly PropertyKey[]): Given[] {
  return listOf(list).flatMap(([index, name]) =>
    typeof name === 'string' ? [{ name, place: { path: [...path, index] } }] : [],
  );
}

const shown = (name: string): string => name.slice(0, 100);
