import { createHash } from 'node:crypto';
import { badParameter } from './api-errors.js';
import type { Condition } from './conditions.js';
import { decodeCursor } from './cursor.js';
import type { Cursor } from './cursor.js';
import { parseFlag, parseInteger } from './filter-rules.js';
import type { FilterRules } from './filter-rules.js';
import type { Position } from './ordered-index.js';
import type { ListQuery } from './record-store.js';

/** How one collection is listed. */
export interface ListShape<D> {
  /** The table's name inside cursors. */
  readonly view: string;
  readonly columns: ReadonlyMap<string, unknown>;
  readonly filters: FilterRules<D>;
  /** Conditions for filters that were not asked for. */
  readonly defaults: (asked: ReadonlySet<string>) => readonly Condition<D>[];
}

/** A judged list call. */
export interface ListRequest<D> {
  readonly query: ListQuery<D>;
  readonly countOnly: boolean;
  readonly cursorAt: (position: Position) => Cursor;
}

const PAGING = new Set(['limit', 'skip', 'cursor', 'sortBy', 'sortOrder', 'countOnly', 'skipCount']);

/** Judges the parameters of a list call; throws a 400 refusal naming the first bad one. */
export function readListRequest<D>(
  parameters: URLSearchParams,
  shape: ListShape<D>,
  scope: readonly Condition<D>[],
): ListRequest<D> {
  const given = mergeRepeated(parameters);
  const sortBy = given.get('sortBy') ?? 'id';
  if (!shape.columns.has(sortBy)) throw badParameter(`sortBy: ${sortBy} is not a column to sort by`);
  const sortOrder = given.get('sortOrder') ?? 'asc';
  if (sortOrder !== 'asc' && sortOrder !== 'desc') throw badParameter('sortOrder: must be one of asc, desc');
  const descending = sortOrder === 'desc';
  const limit = parseInteger(given.get('limit') ?? '10', 'limit', 1, 1000);
  const skip = parseInteger(given.get('skip') ?? '0', 'skip', 0, 1000);
  const flag = (name: string) => parseFlag(given.get(name) ?? 'false', name);
  const countOnly = flag('countOnly');

  const asked = new Map([...given].filter(([name]) => !PAGING.has(name)));
  const conditions = [...compile(asked, shape.filters), ...shape.defaults(new Set(asked.keys())), ...scope];
  const signature = signatureOf(asked);
  const after = readCursor(given.get('cursor'), shape.view, { sortBy, descending, filters: signature }, skip);
  return {
    countOnly,
    cursorAt: (position) => ({ ...position, view: shape.view, sortBy, descending, filters: signature }),
    query: {
      sortBy,
      descending,
      conditions,
      signature,
      skip,
      limit,
      count: !flag('skipCount'),
      ...(after && { after }),
    },
  };
}

function compile<D>(asked: ReadonlyMap<string, string>, rules: FilterRules<D>): Condition<D>[] {
  return [...asked].flatMap(([name, text]) => {
    const rule = Object.hasOwn(rules, name) ? rules[name] : undefined;
    // Ignoring a filter would answer with rows nobody asked for.
    if (rule === undefined) throw badParameter(`${name}: unknown parameter`);
    return rule(text, name) ?? [];
  });
}

/** A cursor continues the list it came from: another order or other filters make it invalid. */
function readCursor(
  text: string | undefined,
  view: string,
  list: Pick<Cursor, 'sortBy' | 'descending' | 'filters'>,
  skip: number,
): Position | undefined {
  if (text === undefined) return undefined;
  const cursor = decodeCursor(text, view);
  if (cursor.sortBy !== list.sortBy || cursor.descending !== list.descending) {
    throw badParameter('cursor: sortBy and sortOrder differ from the first page');
  }
  if (cursor.filters !== list.filters) throw badParameter('cursor: filters differ from the first page');
  if (skip > 0) throw badParameter('skip: cannot be used with cursor');
  return { value: cursor.value, id: cursor.id };
}

/** `ids=1&ids=2` means `ids=1,2`. */
function mergeRepeated(parameters: URLSearchParams): ReadonlyMap<string, string> {
  return new Map([...new Set(parameters.keys())].map((name) => [name, parameters.getAll(name).join(',')]));
}

function signatureOf(asked: ReadonlyMap<string, string>): string {
  const sorted = [...asked].toSorted(([left], [right]) => (left < right ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(sorted)).digest('base64url').slice(0, 16);
}
