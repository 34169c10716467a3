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
  /** 429; `Retry-After` in seconds (default 1), null leaves the header out. */
  z.strictObject({ kind: z.literal('rate-limited'), retryAfterSeconds, ...scripted }),
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
  /** A list without rows that says it is complete. */
  z.strictObject({ kind: z.literal('empty-page'), ...scripted }),
  /** The last page carries a cursor, and the page behind it is empty. Strikes only a last page. */
  z.strictObject({ kind: z.literal('extra-last-page'), ...scripted }),
  /** No answer until the client gives up. */
  z.strictObject({ kind: z.literal('hang'), ...scripted }),
  /** The right answer, late. */
  z.strictObject({ kind: z.literal('slow'), delayMs: z.int().min(0), ...scripted }),
  /** The connection closes without an answer. */
  z.strictObject({ kind: z.literal('connection-reset'), ...scripted }),
]);

export type Fault = z.infer<typeof faultSchema>;
export type FaultKind = Fault['kind'];

/** Kinds that change a page of rows; they pass over calls that list nothing. */
const PAGE_FAULTS: ReadonlySet<FaultKind> = new Set([
  'missing-pagination',
  'repeated-cursor',
  'empty-page',
  'extra-last-page',
]);

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

  /** Takes the first fault that fits. `extra-last-page` is only offered: `spend` takes it where it strikes. */
  take(request: StruckRequest): Fault | undefined {
    const found = this.#waiting.find(({ fault }) => fits(fault, request));
    if (found === undefined) return undefined;
    if (found.passes > 0) {
      found.passes -= 1;
      return undefined;
    }
    if (found.fault.kind !== 'extra-last-page') this.spend(found.fault);
    return found.fault;
  }

  spend(fault: Fault): void {
    const found = this.#waiting.find((waiting) => waiting.fault === fault);
    if (found === undefined) return;
    found.strikes -= 1;
    if (found.strikes <= 0) this.#waiting = this.#waiting.filter((waiting) => waiting !== found);
  }
}

function fits(fault: Fault, { path, lists, hasCursor }: StruckRequest): boolean {
  if (fault.path !== undefined && fault.path !== path) return false;
  if (PAGE_FAULTS.has(fault.kind) && !lists) return false;
  return fault.kind !== 'repeated-cursor' || hasCursor;
}
