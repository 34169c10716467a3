import { z } from 'zod';

const scripted = {
  /** Path below `/web/api/v2.1`, for example `/agents`; default any. */
  path: z.string().startsWith('/').optional(),
  /** How many requests it strikes; default 1. */
  times: z.int().min(1).optional(),
  /** How many fitting requests pass before it strikes; default 0. */
  after: z.int().min(0).optional(),
};
const retryAfterSeconds = z.int().min(0).nullable().optional();

/** One scripted fault: what the next fitting requests get instead of their answer. */
export const faultSchema = z.discriminatedUnion('kind', [
  /** 429; `Retry-After` in seconds (default 1), null leaves the header out; with `asDate` the same as a date. */
  z.strictObject({ kind: z.literal('rate-limited'), retryAfterSeconds, asDate: z.boolean().optional(), ...scripted }),
  /** 5xx, by default 500 and without `Retry-After`. */
  z.strictObject({
    kind: z.literal('server-error'),
    status: z.int().min(500).max(599).optional(),
    retryAfterSeconds,
    ...scripted,
  }),
  /** 401, as after the token expired. */
  z.strictObject({ kind: z.literal('unauthorized'), ...scripted }),
  /** 403 with code 4030010. */
  z.strictObject({ kind: z.literal('forbidden'), ...scripted }),
  /** A page of HTML, as a proxy or a login page gives it; status 200 unless given. */
  z.strictObject({ kind: z.literal('html'), status: z.int().min(200).max(599).optional(), ...scripted }),
  /** The announced length, half of the body, then a closed connection. */
  z.strictObject({ kind: z.literal('truncated-body'), ...scripted }),
  /** A complete answer that is no JSON: the second half is missing. */
  z.strictObject({ kind: z.literal('invalid-json'), ...scripted }),
  /** A list without `pagination`. */
  z.strictObject({ kind: z.literal('missing-pagination'), ...scripted }),
  /** A page whose `nextCursor` is the cursor it was asked with; strikes only requests with a cursor. */
  z.strictObject({ kind: z.literal('repeated-cursor'), ...scripted }),
  /** A page with more to come that names no cursor. */
  z.strictObject({ kind: z.literal('missing-cursor'), ...scripted }),
  /** A page whose cursor is not percent-encoded in the body. */
  z.strictObject({ kind: z.literal('plain-cursor'), ...scripted }),
  /** A page behind the first that says `totalItems` 0; strikes only requests with a cursor. */
  z.strictObject({ kind: z.literal('total-zero'), ...scripted }),
  /** A list without rows that says it is complete; with `keepsCursor`, it leads on and the rows of this page are lost. */
  z.strictObject({ kind: z.literal('empty-page'), keepsCursor: z.boolean().optional(), ...scripted }),
  /** 200 with an `errors` body and no data. */
  z.strictObject({ kind: z.literal('error-body'), ...scripted }),
  /** The last page carries a cursor, and the page behind it is empty. Strikes only a last page. */
  z.strictObject({ kind: z.literal('extra-last-page'), ...scripted }),
  /** No answer until the client gives up. */
  z.strictObject({ kind: z.literal('hang'), ...scripted }),
  /** The right answer, late; with `asOfRequest`, what was right when it was asked for. */
  z.strictObject({
    kind: z.literal('slow'),
    delayMs: z.int().min(0),
    asOfRequest: z.boolean().optional(),
    ...scripted,
  }),
  /** The connection closes without an answer. */
  z.strictObject({ kind: z.literal('connection-reset'), ...scripted }),
  /**
   * The fleet changes between two pages: before a request for a further page of `/agents`, so many agents are touched
   * (`updatedAt` moves), removed and inserted. `among` takes them from those whose rows this listing has given
   * (`read`), has still to give (`unread`) or any (default), by the seed (default 1). The answer itself is right, so
   * another fault may strike the same request.
   */
  z.strictObject({
    kind: z.literal('shift'),
    touch: z.int().min(0).optional(),
    remove: z.int().min(0).optional(),
    insert: z.int().min(0).optional(),
    among: z.enum(['read', 'unread', 'any']).optional(),
    seed: z.int().optional(),
    ...scripted,
  }),
]);

export type Fault = z.infer<typeof faultSchema>;
export type FaultKind = Fault['kind'];
/** A fault that changes the fleet between two pages. */
export type ShiftFault = Extract<Fault, { kind: 'shift' }>;
/** A fault that changes an answer. */
export type AnswerFault = Exclude<Fault, ShiftFault>;

/** Kinds that change a page of rows; they pass over calls that list nothing. */
const PAGE_FAULTS: ReadonlySet<FaultKind> = new Set([
  'missing-pagination',
  'repeated-cursor',
  'missing-cursor',
  'plain-cursor',
  'total-zero',
  'empty-page',
  'extra-last-page',
  'shift',
]);

/** Kinds that strike only where a listing goes on. */
const FURTHER_PAGE_FAULTS: ReadonlySet<FaultKind> = new Set(['repeated-cursor', 'total-zero', 'shift']);

/** What a fault can look at in a request. */
export interface StruckRequest {
  readonly path: string;
  readonly lists: boolean;
  readonly hasCursor: boolean;
}

/** The faults still to come. They strike in the order they were scripted: one request meets the first that fits. */
export class Faults {
  #waiting: { readonly fault: Fault; passes: number; strikes: number }[] = [];

  script(...faults: readonly Fault[]): void {
    for (const fault of faults) this.#waiting.push({ fault, passes: fault.after ?? 0, strikes: fault.times ?? 1 });
  }

  clear(): void {
    this.#waiting = [];
  }

  /** What is still to come, with the counts that are left. */
  pending(): Fault[] {
    return this.#waiting.map(({ fault, passes, strikes }) => ({ ...fault, after: passes, times: strikes }));
  }

  /** Takes the first fault that fits, shifts aside. `extra-last-page` is only offered: `spend` takes it where it strikes. */
  take(request: StruckRequest): AnswerFault | undefined {
    const struck = this.#take(request, isAnswerFault);
    if (struck !== undefined && struck.kind !== 'extra-last-page') this.spend(struck);
    return struck;
  }

  /** Takes the first shift that fits. */
  takeShift(request: StruckRequest): ShiftFault | undefined {
    const struck = this.#take(request, isShift);
    if (struck !== undefined) this.spend(struck);
    return struck;
  }

  spend(fault: Fault): void {
    const found = this.#waiting.find((waiting) => waiting.fault === fault);
    if (found === undefined) return;
    found.strikes -= 1;
    if (found.strikes <= 0) this.#waiting = this.#waiting.filter((waiting) => waiting !== found);
  }

  #take<F extends Fault>(request: StruckRequest, wanted: (fault: Fault) => fault is F): F | undefined {
    for (const waiting of this.#waiting) {
      const { fault } = waiting;
      if (!wanted(fault) || !fits(fault, request)) continue;
      if (waiting.passes === 0) return fault;
      waiting.passes -= 1;
      return undefined;
    }
    return undefined;
  }
}

function isShift(fault: Fault): fault is ShiftFault {
  return fault.kind === 'shift';
}

function isAnswerFault(fault: Fault): fault is AnswerFault {
  return fault.kind !== 'shift';
}

function fits(fault: Fault, { path, lists, hasCursor }: StruckRequest): boolean {
  if ((fault.path ?? (fault.kind === 'shift' ? '/agents' : path)) !== path) return false;
  if (PAGE_FAULTS.has(fault.kind) && !lists) return false;
  return hasCursor || !FURTHER_PAGE_FAULTS.has(fault.kind);
}
