import { MalformedAnswer } from './sentinelone.errors.js';

/** One page of `GET /agents`. */
export interface AgentsPage {
  /** The records as received; read each with `readAgent`. */
  readonly agents: readonly unknown[];
  /** The next page's cursor as received; null: there is none; undefined: the answer does not say. */
  readonly nextCursor: string | null | undefined;
  /** As received: may be 0 on later pages; undefined when the answer has none. */
  readonly totalItems: number | undefined;
  /** When the answer had been read, in milliseconds since the epoch. */
  readonly receivedAt: number;
}

/** Empty pages in a row that still name a next one; more is a console going round in circles. */
const MAX_EMPTY_PAGES = 3;

/**
 * Decides, page by page, where a listing goes on and where it ends. An end must be certain, because a complete listing
 * is what retires agents:
 * - `nextCursor: null` ends it, whatever `totalItems` says (it may be 0, and an extra empty last page occurs);
 * - no `nextCursor`, or no `pagination` at all, ends it only on a page shorter than the limit, and not while
 *   `totalItems` says that there is more: the rest would be lost in silence;
 * - a cursor seen before, or a row of empty pages, is an error: it would never end.
 */
export class CursorTrail {
  readonly #cursors = new Set<string>();
  #agents = 0;
  #emptyPages = 0;

  constructor(
    private readonly endpoint: string,
    private readonly limit: number,
  ) {}

  /**
   * The cursor of the page after this one, or undefined at the end.
   * @throws {MalformedAnswer} when the listing can neither be continued nor be called complete
   */
  follow(page: AgentsPage): string | undefined {
    this.#agents += page.agents.length;
    if (page.nextCursor === null) return undefined;
    if (page.nextCursor === undefined) {
      if (page.agents.length < this.limit && this.#agents >= (page.totalItems ?? 0)) return undefined;
      const total = page.totalItems === undefined ? '' : ` of ${page.totalItems}`;
      throw new MalformedAnswer(this.endpoint, `after ${this.#agents}${total} agents it does not say how to go on`);
    }
    if (this.#cursors.has(page.nextCursor)) throw new MalformedAnswer(this.endpoint, 'the same cursor came twice');
    this.#cursors.add(page.nextCursor);
    this.#emptyPages = page.agents.length === 0 ? this.#emptyPages + 1 : 0;
    if (this.#emptyPages > MAX_EMPTY_PAGES) {
      throw new MalformedAnswer(this.endpoint, `${this.#emptyPages} empty pages in a row, each naming a next one`);
    }
    return page.nextCursor;
  }
}

/**
 * A cursor ready to be put into a query, which encodes it once. Real cursors arrive percent-encoded (`...%3D%3D`) and
 * documented ones do not; encoding the first kind again would send `%253D`, which the console does not know.
 */
export function plainCursor(received: string): string {
  try {
    return decodeURIComponent(received);
  } catch {
    return received;
  }
}
