import { setTimeout as sleep } from 'node:timers/promises';

/** How long specs wait for what has to come, in milliseconds: only failing takes as long, and a busy machine may be ten times slower. */
export const PATIENCE_MS = 30_000;

export interface WaitForOptions {
  /** What is awaited, for the message: "the session is revoked". */
  readonly what: string;
  /** Milliseconds; default {@link PATIENCE_MS}. */
  readonly timeoutMs?: number;
  /** Milliseconds between two looks; default 20. */
  readonly intervalMs?: number;
}

/** Thrown when the awaited thing does not come in time; `cause` is what the condition threw last, if it threw. */
export class ConditionNotMetError extends Error {
  override readonly name = 'ConditionNotMetError';

  constructor(what: string, timeoutMs: number, last: string, cause: unknown) {
    super(`Not so within ${timeoutMs} ms: ${what}. The last look ${last}.`, { cause });
  }
}

type Truthy<T> = Exclude<T, undefined | null | false | 0 | ''>;

/** Looks until the condition gives something truthy and returns that; a look that throws counts as "not yet". */
export async function waitFor<T>(condition: () => T | Promise<T>, options: WaitForOptions): Promise<Truthy<T>> {
  const timeoutMs = options.timeoutMs ?? PATIENCE_MS;
  const deadline = performance.now() + timeoutMs;
  let ended: Unmet | undefined;
  for (;;) {
    const look = await lookOnce(condition, deadline - performance.now());
    if ('value' in look) return look.value as Truthy<T>;
    if (performance.now() >= deadline) {
      // Of a look that was cut short there is nothing to tell: the one before says more.
      const last = look.cutShort && ended ? `${look.last}; the one before ${ended.last}` : look.last;
      throw new ConditionNotMetError(options.what, timeoutMs, last, look.cause ?? ended?.cause);
    }
    if (!look.cutShort) ended = look;
    await sleep(options.intervalMs ?? 20);
  }
}

interface Unmet {
  readonly last: string;
  readonly cause?: unknown;
  readonly cutShort?: boolean;
}

/** One look, given up after `limitMs`: a condition that never answers must not outlast the deadline. */
async function lookOnce<T>(condition: () => T | Promise<T>, limitMs: number): Promise<{ value: T } | Unmet> {
  const abort = new AbortController();
  const unfinished: Unmet = { last: 'did not come to an end', cutShort: true };
  const limit = sleep(Math.max(limitMs, 1), unfinished, { signal: abort.signal });
  limit.catch(() => undefined);
  const look = async (): Promise<{ value: T } | Unmet> => {
    try {
      const value = await condition();
      return value ? { value } : { last: `gave ${String(value) || "''"}` };
    } catch (error) {
      return { last: `threw ${String(error)}`, cause: error };
    }
  };
  try {
    return await Promise.race([look(), limit]);
  } finally {
    abort.abort();
  }
}
