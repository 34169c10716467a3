import { isNode, isScalar, visit, type Document, type YAMLMap } from 'yaml';

/** A key that plain data cannot hold faithfully. */
interface KeyError {
  readonly message: string;
  /** Characters into the text. */
  readonly offset: number;
}

/** The first `most` keys of a document that are no text, would change a prototype, or are there twice. */
export function keyErrors(parsed: Document, most: number): KeyError[] {
  const errors: KeyError[] = [];
  visit(parsed, {
    Map(_, map) {
      errors.push(...errorsIn(map, most - errors.length));
      return errors.length < most ? undefined : visit.BREAK;
    },
  });
  return errors;
}

/** The parser compares every key with every other one of its mapping; here each is looked up once. */
function errorsIn({ items }: YAMLMap, most: number): KeyError[] {
  const errors: KeyError[] = [];
  const seen = new Set<string>();
  for (const { key } of items) {
    if (errors.length >= most) break;
    const offset = isNode(key) ? (key.range?.[0] ?? 0) : 0;
    if (!isScalar(key) || typeof key.value !== 'string' || key.value === '__proto__') {
      errors.push({ message: 'a key has to be a text, and not __proto__', offset });
    } else if (seen.has(key.value)) {
      errors.push({ message: 'this key is there twice', offset });
    } else {
      seen.add(key.value);
    }
  }
  return errors;
}
