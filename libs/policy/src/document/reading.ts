/** Lenient views of a document that may be wrong elsewhere, so that every part of it can be checked in one go. */

/** The named entries of a mapping; none where it is something else. */
export function entriesOf(value: unknown): [string, unknown][] {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : [];
}

/** The entries of a list with their places; none where it is something else. */
export function listOf(value: unknown): [number, unknown][] {
  return Array.isArray(value) ? [...value.entries()] : [];
}

/** A field of a mapping; undefined where there is none. */
export function fieldOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return Object.getOwnPropertyDescriptor(value, name)?.value;
}

/** The conditions of a posture in either form, with the path to each. */
export function conditionsOf(posture: unknown): { value: unknown; path: PropertyKey[] }[] {
  if (Array.isArray(posture)) return listOf(posture).map(([index, value]) => ({ value, path: [index] }));
  return listOf(fieldOf(posture, 'conditions')).map(([index, value]) => ({ value, path: ['conditions', index] }));
}

/** Where a rule asks for postures, in either form. */
export function referencesOf(rule: unknown): unknown[] {
  return ['require', 'requireAny', 'when'].flatMap((field) =>
    listOf(fieldOf(rule, field)).map(([, reference]) => reference),
  );
}

/** The names of the postures that a rule asks for, as often as it does. */
export function posturesOf(rule: unknown): string[] {
  return referencesOf(rule)
    .map((reference) => (typeof reference === 'string' ? reference : fieldOf(reference, 'posture')))
    .filter((name) => typeof name === 'string');
}
