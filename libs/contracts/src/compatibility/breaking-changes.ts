/** A JSON value; a JSON Schema is one. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** Say something to people, nothing to a validator. */
const ANNOTATIONS = new Set(['$schema', 'title', 'description', 'examples', 'deprecated']);

/**
 * What changed between two JSON Schemas besides added optional fields, each as `path: what`. Within v1 this stays empty:
 * anything else breaks a reader or a writer of the version before.
 */
export function breakingChanges(before: Json, after: Json, path = 'event'): string[] {
  if (isSchema(before) && isSchema(after)) {
    const keywords = new Set([...Object.keys(before), ...Object.keys(after)].filter((key) => !ANNOTATIONS.has(key)));
    return [...keywords].flatMap((keyword) => keywordChanges(keyword, before[keyword], after[keyword], path));
  }
  if (Array.isArray(before) && Array.isArray(after) && before.length === after.length) {
    return before.flatMap((item: Json, index) => breakingChanges(item, after[index] as Json, `${path}[${index}]`));
  }
  return isEqual(before, after) ? [] : [`${path}: ${JSON.stringify(before)} became ${JSON.stringify(after)}`];
}

function keywordChanges(keyword: string, before: Json | undefined, after: Json | undefined, path: string): string[] {
  if (keyword === 'properties' && isSchema(before) && isSchema(after)) return fieldChanges(before, after, path);
  if (keyword === 'required') return requiredChanges(before ?? [], after ?? [], path);
  if (before === undefined || after === undefined) {
    return [`${path}: ${keyword} was ${before === undefined ? 'added' : 'removed'}`];
  }
  return breakingChanges(before, after, `${path} ${keyword}`);
}

/** Added fields are optional unless `required`, which is compared by itself, names them. */
function fieldChanges(before: Fields, after: Fields, path: string): string[] {
  return Object.entries(before).flatMap(([name, field]) => {
    const now = after[name];
    return now === undefined ? [`${path}.${name}: was removed`] : breakingChanges(field, now, `${path}.${name}`);
  });
}

function requiredChanges(before: Json, after: Json, path: string): string[] {
  const [was, is] = [names(before), names(after)];
  return [
    ...is.filter((name) => !was.includes(name)).map((name) => `${path}.${name}: became required`),
    ...was.filter((name) => !is.includes(name)).map((name) => `${path}.${name}: became optional`),
  ];
}

type Fields = { readonly [key: string]: Json };

function names(required: Json): string[] {
  return Array.isArray(required) ? required.map(String) : [];
}

function isSchema(value: Json | undefined): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isEqual(left: Json, right: Json): boolean {
  return JSON.stringify(left) === JSON.stringify(right);
}
