/** Microseconds since 1970; exact in a double until the year 2255. */
export type Microseconds = number;

/** Writes a time as the console does: `2023-09-20T09:03:07.151615Z`. */
export function formatTimestamp(at: Microseconds): string {
  const milliseconds = Math.floor(at / 1000);
  const rest = String(at - milliseconds * 1000).padStart(3, '0');
  return `${new Date(milliseconds).toISOString().slice(0, -1)}${rest}Z`;
}

const ISO_8601 = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.(\d{1,9}))?)?(?:Z|[+-]\d{2}:?\d{2})?)?$/;

/** Reads an ISO 8601 date-time (no zone means UTC) down to the microsecond; undefined when it is none. */
export function parseTimestamp(text: string): Microseconds | undefined {
  const match = ISO_8601.exec(text);
  if (match === null) return undefined;
  const fraction = match[1] ?? '';
  let whole = fraction === '' ? text : text.replace(`.${fraction}`, '');
  whole = whole.replace(' ', 'T');
  const zoned = /(?:Z|[+-]\d{2}:?\d{2})$/.test(whole) && whole.length > 10;
  const seconds = Date.parse(zoned || whole.length === 10 ? whole : `${whole}Z`);
  if (Number.isNaN(seconds)) return undefined;
  return seconds * 1000 + Number(fraction.slice(0, 6).padEnd(6, '0'));
}

/** The tenant's clock: every time it reports. No two ticks share a microsecond, and none goes backwards, unless the clock is set back. */
export class TenantClock {
  #last: Microseconds = 0;
  #offset: Microseconds = 0;
  readonly #now: () => number;

  /** `now` answers in milliseconds since 1970, as Date.now does. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** How far it is off, in milliseconds; ahead when positive. */
  get skewMs(): number {
    return this.#offset / 1000;
  }

  /** Sets how far it is off from now on. Set back, it stamps what follows earlier than what it stamped before. */
  skew(byMs: number): void {
    const offset = Math.round(byMs * 1000);
    this.#last += offset - this.#offset;
    this.#offset = offset;
  }

  /** The present, without taking a tick. */
  now(): Microseconds {
    return Math.max(this.#present(), this.#last);
  }

  /** The next tick: the present, or one microsecond after the last tick. */
  tick(): Microseconds {
    this.#last = Math.max(this.#present(), this.#last + 1);
    return this.#last;
  }

  /** Makes every later tick come after `at`. */
  advancePast(at: Microseconds): void {
    this.#last = Math.max(this.#last, at);
  }

  #present(): Microseconds {
    return Math.floor(this.#now() * 1000) + this.#offset;
  }
}
