import { z } from 'zod';
import { badParameter } from './api-errors.js';
import type { Position } from './ordered-index.js';

/** Where a page ended and what it was a page of. */
export interface Cursor extends Position {
  readonly view: string;
  readonly sortBy: string;
  readonly descending: boolean;
  /** Names the filters of the first page. */
  readonly filters: string;
}

const keyset = z.object({
  id_column: z.string(),
  id_value: z.string().min(1),
  id_sort_order: z.enum(['asc', 'desc']),
  sort_by_column: z.string(),
  sort_by_value: z.union([z.string(), z.number(), z.boolean(), z.null()]),
  sort_order: z.enum(['asc', 'desc']),
  filters: z.string(),
});

/**
 * The cursor as it stands in a body: base64 of a keyset in JSON, percent-encoded once more than a client expects, as in
 * real answers (`...fQ%3D%3D`). Blanks behind the JSON make the encoded signs always occur.
 */
export function encodeCursor(cursor: Cursor): string {
  const order = cursor.descending ? 'desc' : 'asc';
  const json = JSON.stringify({
    id_column: `${cursor.view}.id`,
    id_value: cursor.id,
    id_sort_order: order,
    sort_by_column: `${cursor.view}.${cursor.sortBy}`,
    sort_by_value: cursor.value,
    sort_order: order,
    filters: cursor.filters,
  } satisfies z.infer<typeof keyset>);
  const bytes = Buffer.from(json);
  const padding = ' '.repeat((4 - (bytes.length % 3)) % 3);
  return encodeURIComponent(Buffer.from(json + padding).toString('base64'));
}

/**
 * Reads the `cursor` parameter after the URL's own decoding. The text of a body put into a URL as it stands works, and
 * so does the unquoted text encoded again; a cursor encoded twice (`%253D`) is broken, like any other text: 400.
 */
export function decodeCursor(text: string, view: string): Cursor {
  const parsed = keyset.safeParse(readJson(text));
  if (!parsed.success) throw badParameter('cursor: invalid cursor');
  const { id_column, id_value, sort_by_column, sort_by_value, sort_order, id_sort_order, filters } = parsed.data;
  if (id_column !== `${view}.id` || !sort_by_column.startsWith(`${view}.`) || sort_order !== id_sort_order) {
    throw badParameter('cursor: invalid cursor');
  }
  const sortBy = sort_by_column.slice(view.length + 1);
  return { view, id: id_value, value: sort_by_value, sortBy, descending: sort_order === 'desc', filters };
}

function readJson(text: string): unknown {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return undefined;
  try {
    return JSON.parse(Buffer.from(text, 'base64').toString('utf8'));
  } catch {
    // Not JSON: the caller answers 400 as for any other broken cursor.
    return undefined;
  }
}
