/** What JSON and YAML can hold and what throws when it is measured, compared or printed as if it were a text or a list. */
const HOSTILE: readonly unknown[] = [
  { length: { toString: null } },
  { toString: null, valueOf: null },
  { length: -1, size: { toString: null }, toJSON: 1, constructor: null },
];

/** The document with something hostile in one place of it: once for each place, the document itself among them. */
export function* hostileInEachPlace(document: unknown): Generator {
  yield* HOSTILE;
  if (Array.isArray(document)) {
    const entries: readonly unknown[] = document;
    for (const [index, entry] of entries.entries()) {
      for (const hostile of hostileInEachPlace(entry)) yield entries.with(index, hostile);
    }
  } else if (typeof document === 'object' && document !== null) {
    for (const [name, field] of Object.entries(document)) {
      for (const hostile of hostileInEachPlace(field)) yield { ...document, [name]: hostile };
    }
  }
}
