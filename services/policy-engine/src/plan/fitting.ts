/** Items that fit into an answer. */
export interface Fitting<Item> {
  readonly items: Item[];
  /** What they take as JSON. */
  readonly bytes: number;
  /** Some did not fit. */
  readonly truncated: boolean;
}

/** The first of some items, at most so many, in at most so many bytes of JSON; one too large for what is left is left out. */
export function fitting<Item>(candidates: readonly Item[], most: number, maxBytes: number): Fitting<Item> {
  const items: Item[] = [];
  let bytes = 0;
  for (const item of candidates) {
    if (items.length === most) break;
    const size = Buffer.byteLength(JSON.stringify(item)) + 1;
    if (bytes + size > maxBytes) continue;
    items.push(item);
    bytes += size;
  }
  return { items, bytes, truncated: items.length < candidates.length };
}
