import { MalformedAnswer } from './sentinelone.errors.js';

/** The span of time that an answer belongs to. */
export interface AnswerSpan {
  /** When the answer had been read, in milliseconds since the epoch. */
  readonly receivedAt: number;
  /** Monotonic milliseconds: when the attempt that succeeded was sent. What the answer shows was true then or later. */
  readonly askedAt: number;
  /** Monotonic milliseconds: when the answer had been read. What it shows was true then or earlier. */
  readonly answeredAt: number;
  /** The span of the request, which what the answer shows follows from; undefined where OpenTelemetry is off. */
  readonly traceparent?: string | undefined;
}

/** What every page of a listing tells besides its records. */
export interface PageDetails extends AnswerSpan {
  /** The next page's cursor as received; null: there is none; undefined: the answer does not say. */
  readonly nextCursor: string | null | undefined;
  /** As received: may be 0 on later pages; undefined when the answer has none. */
  readonly totalItems: number | undefined;
  /** The console's own time, as the answer's Date header has it: milliseconds since the epoch, to the second. */
  readonly consoleTime?: number | undefined;
}

/** One page of any listing. */
export interface Page extends PageDetails {
  /** The records as received. */
  readonly records: readonly unknown[];
}

/** One page of `GET /agents`; read each record with `readAgent`. */
export interface AgentsPage extends PageDetails {
  readonly agents: readonly unknown[];
}

/** One page of `GET /threats`; read each record with `readThreat`. */
export interface ThreatsPage extends PageDetails {
  readonly threats: readonly unknown[];
}

/** One page of `GET /activities`; read each record with `readActivity`. */
export interface ActivitiesPage extends PageDetails {
  readonly activities: readonly unknown[];
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
  #records = 0;
  #emptyPages = 0;

  constructor(
    private readonly endpoint: string,
    private readonly limit: number,
    /** What the records are, for messages. */
    private readonly what: string,
  ) {}

  /**
   * The cursor of the page after this one, or undefined at the end.
   * @throws {MalformedAnswer} when the listing can neither be continued nor be called complete
   */
  follow(page: Page): string | undefined {
    this.#records += page.records.length;
    if (page.nextCursor === null) return undefined;
    if (page.nextCursor === undefined) {
      if (page.records.length < this.limit && this.#records >= (page.totalItems ?? 0)) return undefined;
      const total = page.totalItems === undefined ? '' : ` of ${page.totalItems}`;
      throw new MalformedAnswer(
        this.endpoint,
        `after ${this.#records}${total} ${this.what} it does not say how to go on`,
      );
    }
    if (this.#cursors.has(page.nextCursor)) throw new MalformedAnswer(this.endpoint, 'the same cursor came twice');
    this.#cursors.add(page.nextCursor);
    this.#emptyPages = page.records.length === 0 ? this.#emptyPages + 1 : 0;
    if (this.#emptyPages > MAX_EMPTY_PAGES) {
      throw new MalformedAnswer(this.endpoint, `${this.#emptyPages} empty pages in a row, each naming a next one`);
    }
    return page.nextCursor;
  }
}

/**
 * The pages of one listing; the next is already being read while the consumer handles the present one. Stopping early
 * abandons it.
 * @param fetchPage reads the page of a cursor, the first one without
 */
export async function* readAhead(
  trail: CursorTrail,
  fetchPage: (cursor: string | undefined, signal: AbortSignal) => Promise<Page>,
  signal?: AbortSignal,
): AsyncGenerator<Page, void, undefined> {
  const abandoned = new AbortController();
  const abort = (): void => abandoned.abort(signal?.reason);
  if (signal?.aborted) abort();
  signal?.addEventListener('abort', abort, { once: true });
  const begin = (cursor?: string): Promise<Page> => {
    const page = fetchPage(cursor, abandoned.signal);
    // The failure of a page read ahead is met when its turn comes; until then it is not an unhandled one.
    page.catch(() => undefined);
    return page;
  };
  try {
    for (let next: Promise<Page> | undefined = begin(); next !== undefined;) {
      const page: Page = await next;
      const cursor = trail.follow(page);
      next = cursor === undefined ? undefined : begin(cursor);
      yield page;
      signal?.throwIfAborted();
    }
  } finally {
    signal?.removeEventListener('abort', abort);
    abandoned.abort();
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
