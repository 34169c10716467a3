import { compareIds } from './ids.js';

/** A value a collection can be ordered by. */
export type SortValue = string | number | boolean | null;

/** A place in an order: the value sorted by, ties broken by id. */
export interface Position {
  readonly value: SortValue;
  readonly id: string;
}

/** A cut through an order: true for every position before it. */
export type Cut = (position: Position) => boolean;

/** Null first, then false before true, numbers by size, text by code unit. */
export function compareValues(left: SortValue, right: SortValue): number {
  if (left === right) return 0;
  if (left === null) return -1;
  if (right === null) return 1;
  return left < right ? -1 : 1;
}

export function comparePositions(left: Position, right: Position): number {
  return compareValues(left.value, right.value) || compareIds(left.id, right.id);
}

const CHUNK = 512;

/**
 * Items in order, as sorted chunks: a change or a look-up costs a binary search and one short splice, counting between
 * two cuts costs a pass over the chunks, whatever the number of items.
 */
export class OrderedIndex<T> {
  readonly #chunks: (Position & { readonly item: T })[][] = [];

  constructor(entries: readonly (Position & { readonly item: T })[]) {
    const sorted = entries.toSorted(comparePositions);
    for (let start = 0; start < sorted.length; start += CHUNK) this.#chunks.push(sorted.slice(start, start + CHUNK));
  }

  add(entry: Position & { readonly item: T }): void {
    const [at, offset] = this.#locate((other) => comparePositions(other, entry) < 0);
    const chunk = this.#chunks[at] ?? this.#chunks.at(-1);
    if (chunk === undefined) {
      this.#chunks.push([entry]);
      return;
    }
    const target = Math.min(at, this.#chunks.length - 1);
    chunk.splice(at === target ? offset : chunk.length, 0, entry);
    if (chunk.length > 2 * CHUNK) this.#chunks.splice(target + 1, 0, chunk.splice(CHUNK));
  }

  remove(position: Position): void {
    const [at, offset] = this.#locate((other) => comparePositions(other, position) < 0);
    const chunk = this.#chunks[at];
    const found = chunk?.[offset];
    if (chunk === undefined || found === undefined || comparePositions(found, position) !== 0) return;
    chunk.splice(offset, 1);
    if (chunk.length === 0) this.#chunks.splice(at, 1);
  }

  /** How many items lie before the cut. */
  countBefore(cut: Cut): number {
    const [at, offset] = this.#locate(cut);
    let count = offset;
    for (let chunk = 0; chunk < at; chunk += 1) count += this.#chunks[chunk]?.length ?? 0;
    return count;
  }

  /** The items between two cuts, upwards. */
  *ascending(from: Cut, to: Cut): Generator<T> {
    let [at, offset] = this.#locate(from);
    for (; at < this.#chunks.length; at += 1, offset = 0) {
      const chunk = this.#chunks[at] ?? [];
      for (; offset < chunk.length; offset += 1) {
        const entry = chunk[offset];
        if (entry === undefined || !to(entry)) return;
        yield entry.item;
      }
    }
  }

  /** The items between two cuts, downwards. */
  *descending(from: Cut, to: Cut): Generator<T> {
    let [at, offset] = this.#locate(to);
    for (; at >= 0; at -= 1) {
      const chunk = this.#chunks[at] ?? [];
      for (offset = Math.min(offset, chunk.length) - 1; offset >= 0; offset -= 1) {
        const entry = chunk[offset];
        if (entry === undefined || from(entry)) return;
        yield entry.item;
      }
      offset = Infinity;
    }
  }

  /** Chunk and offset of the first item that is not before the cut. */
  #locate(cut: Cut): [chunk: number, offset: number] {
    const at = partition(this.#chunks, (chunk) => {
      const last = chunk.at(-1);
      return last !== undefined && cut(last);
    });
    return [at, partition(this.#chunks[at] ?? [], cut)];
  }
}

/** The number of leading elements for which `before` holds; it must hold for a prefix only. */
function partition<E>(elements: readonly E[], before: (element: E) => boolean): number {
  let low = 0;
  let high = elements.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const element = elements[middle];
    if (element !== undefined && before(element)) low = middle + 1;
    else high = middle;
  }
  return low;
}
