import type { Bound, Condition } from './conditions.js';
import { OrderedIndex, comparePositions, compareValues } from './ordered-index.js';
import type { Cut, Position, SortValue } from './ordered-index.js';

interface StoredRecord<D> {
  document: D;
  json: string | undefined;
}

/** What a list call asks of a collection. */
export interface ListQuery<D> {
  readonly sortBy: string;
  readonly descending: boolean;
  readonly conditions: readonly Condition<D>[];
  /** Names the conditions; equal signatures must mean equal conditions. */
  readonly signature: string;
  /** Only rows behind this place in the order. */
  readonly after?: Position;
  readonly skip: number;
  readonly limit: number;
  /** Whether to count all matching rows. */
  readonly count: boolean;
}

/** A page: the rows already serialised, the place of the last of them, and whether more follow. */
export interface ListPage {
  readonly rows: readonly string[];
  readonly last: Position | undefined;
  readonly more: boolean;
  /** Rows that match, whatever the page; 0 when not asked for. */
  readonly total: number;
}

type Columns<D> = ReadonlyMap<string, (document: D) => SortValue>;

const EVERYTHING_BEFORE: Cut = () => true;
const NOTHING_BEFORE: Cut = () => false;

/**
 * Documents by id with their JSON kept and one ordered index per column in use, both updated change by change: a page
 * costs a binary search and the joining of strings, a range read costs its own rows.
 */
export class RecordStore<D extends { readonly id: string }> {
  readonly #records = new Map<string, StoredRecord<D>>();
  readonly #indexes = new Map<string, OrderedIndex<StoredRecord<D>>>();
  readonly #totals = new Map<string, number>();
  readonly #columns: Columns<D>;
  readonly #serialise: (document: D) => string;

  constructor(columns: Columns<D>, serialise: (document: D) => string) {
    this.#columns = columns;
    this.#serialise = serialise;
  }

  get size(): number {
    return this.#records.size;
  }

  get(id: string): D | undefined {
    return this.#records.get(id)?.document;
  }

  *values(): Generator<D> {
    for (const record of this.#records.values()) yield record.document;
  }

  /** Adds the document or puts it in the place of the one with its id. */
  put(document: D): void {
    const record = this.#records.get(document.id);
    this.#totals.clear();
    if (record === undefined) {
      const added = { document, json: undefined };
      this.#records.set(document.id, added);
      for (const [column, index] of this.#indexes)
        index.add({ value: this.#read(column, document), id: document.id, item: added });
      return;
    }
    for (const [column, index] of this.#indexes) {
      const before = this.#read(column, record.document);
      const after = this.#read(column, document);
      if (before === after) continue;
      index.remove({ value: before, id: document.id });
      index.add({ value: after, id: document.id, item: record });
    }
    record.document = document;
    record.json = undefined;
  }

  delete(id: string): void {
    const record = this.#records.get(id);
    if (record === undefined) return;
    this.#totals.clear();
    this.#records.delete(id);
    for (const [column, index] of this.#indexes) index.remove({ value: this.#read(column, record.document), id });
  }

  /** Serialises the document anew when it is next read: something outside it that its JSON shows has changed. */
  refresh(id: string): void {
    const record = this.#records.get(id);
    if (record !== undefined) record.json = undefined;
  }

  /** Serialises every document now, so that first reads cost what later ones do. */
  serialiseAll(): void {
    for (const record of this.#records.values()) record.json ??= this.#serialise(record.document);
  }

  count(query: Pick<ListQuery<D>, 'conditions' | 'signature' | 'sortBy'>): number {
    return this.list({ ...query, descending: false, skip: 0, limit: 0, count: true }).total;
  }

  list(query: ListQuery<D>): ListPage {
    const few = this.#narrow(query);
    return few === undefined ? this.#walk(query) : this.#arrange(few, query);
  }

  /** The candidates when ids or a range on another column name few of them; undefined when walking the order is cheaper. */
  #narrow(query: ListQuery<D>): StoredRecord<D>[] | undefined {
    const listed = query.conditions.find((condition) => condition.ids !== undefined)?.ids;
    if (listed !== undefined) {
      return [...new Set(listed)].map((id) => this.#records.get(id)).filter((record) => record !== undefined);
    }
    for (const { range } of query.conditions) {
      if (range === undefined || range.column === query.sortBy) continue;
      const index = this.#index(range.column);
      const [from, to] = [cutBefore(range.from), cutAfter(range.to)];
      if (index.countBefore(to) - index.countBefore(from) <= this.size / 8) return [...index.ascending(from, to)];
    }
    return undefined;
  }

  /** Filters and sorts a few candidates. */
  #arrange(candidates: readonly StoredRecord<D>[], query: ListQuery<D>): ListPage {
    const direction = query.descending ? -1 : 1;
    const ordered = candidates
      .filter(({ document }) => query.conditions.every((condition) => condition.matches(document)))
      .map((record) => ({ record, place: this.#place(query.sortBy, record) }))
      .toSorted((left, right) => direction * comparePositions(left.place, right.place));
    const { after } = query;
    const rest =
      after === undefined ? ordered : ordered.filter(({ place }) => direction * comparePositions(place, after) > 0);
    const taken = rest.slice(query.skip, query.skip + query.limit).map(({ record }) => record);
    const total = query.count ? ordered.length : 0;
    return this.#page(taken, rest.length > query.skip + taken.length, total, query);
  }

  /** Walks the sorted column from the place where the last page ended. */
  #walk(query: ListQuery<D>): ListPage {
    const index = this.#index(query.sortBy);
    const ranges = query.conditions.flatMap(({ range }) => (range?.column === query.sortBy ? [range] : []));
    const others = query.conditions.filter(({ range }) => range?.column !== query.sortBy);
    const lows = ranges.map(({ from }) => cutBefore(from));
    const highs = ranges.map(({ to }) => cutAfter(to));
    const low: Cut = (position) => lows.some((cut) => cut(position));
    const high: Cut = (position) => highs.every((cut) => cut(position));
    const total = query.count ? this.#total(query.signature, index, low, high, others) : 0;

    const { after } = query;
    const start: Cut = (position) => low(position) || (after !== undefined && comparePositions(position, after) <= 0);
    const stop: Cut = (position) => high(position) && (after === undefined || comparePositions(position, after) < 0);
    const rows = query.descending ? index.descending(low, stop) : index.ascending(start, high);
    const taken: StoredRecord<D>[] = [];
    let toSkip = query.skip;
    for (const record of rows) {
      if (!others.every((condition) => condition.matches(record.document))) continue;
      if (toSkip > 0) {
        toSkip -= 1;
        continue;
      }
      if (taken.length === query.limit) return this.#page(taken, true, total, query);
      taken.push(record);
    }
    return this.#page(taken, false, total, query);
  }

  #total(
    signature: string,
    index: OrderedIndex<StoredRecord<D>>,
    low: Cut,
    high: Cut,
    others: readonly Condition<D>[],
  ): number {
    if (others.length === 0) return Math.max(0, index.countBefore(high) - index.countBefore(low));
    const known = this.#totals.get(signature);
    if (known !== undefined) return known;
    let total = 0;
    for (const { document } of index.ascending(low, high))
      if (others.every((condition) => condition.matches(document))) total += 1;
    this.#totals.set(signature, total);
    return total;
  }

  #page(records: readonly StoredRecord<D>[], more: boolean, total: number, query: ListQuery<D>): ListPage {
    const final = records.at(-1);
    return {
      rows: records.map((record) => (record.json ??= this.#serialise(record.document))),
      last: final === undefined ? undefined : this.#place(query.sortBy, final),
      more: more && final !== undefined,
      total,
    };
  }

  #index(column: string): OrderedIndex<StoredRecord<D>> {
    const existing = this.#indexes.get(column);
    if (existing !== undefined) return existing;
    const entries = [...this.#records.values()].map((item) => ({ ...this.#place(column, item), item }));
    const built = new OrderedIndex(entries);
    this.#indexes.set(column, built);
    return built;
  }

  #place(column: string, { document }: StoredRecord<D>): Position {
    return { value: this.#read(column, document), id: document.id };
  }

  #read(column: string, document: D): SortValue {
    return this.#columns.get(column)?.(document) ?? null;
  }
}

function cutBefore(bound: Bound | undefined): Cut {
  if (bound === undefined) return NOTHING_BEFORE;
  return ({ value }) => compareValues(value, bound.value) < (bound.inclusive ? 0 : 1);
}

function cutAfter(bound: Bound | undefined): Cut {
  if (bound === undefined) return EVERYTHING_BEFORE;
  return ({ value }) => compareValues(value, bound.value) < (bound.inclusive ? 1 : 0);
}
