/** How far some work is: `done` is another value whenever something of it was finished. */
export interface Standing {
  readonly done: number | string;
  readonly waiting: number;
}

/** Work of which nothing was finished since some time, although more waits. */
export interface Standstill {
  readonly work: string;
  readonly waiting: number;
  readonly sinceMs: number;
}

/** Notices work that stands still: whoever looks at it now and then tells how far it is. Pure: time is given. */
export class Standstills {
  private readonly seen = new Map<string, { standing: Standing; since: number }>();

  look(work: string, standing: Standing, now: number): void {
    const before = this.seen.get(work);
    const stands = before !== undefined && before.standing.waiting > 0 && before.standing.done === standing.done;
    this.seen.set(work, { standing, since: stands ? before.since : now });
  }

  /** The work that has stood still for longest, if that is longer than the limit. */
  longest(limitMs: number, now: number): Standstill | undefined {
    const all = [...this.seen].map(([work, { standing, since }]) => ({
      work,
      waiting: standing.waiting,
      sinceMs: now - since,
    }));
    return all
      .filter(({ waiting, sinceMs }) => waiting > 0 && sinceMs > limitMs)
      .toSorted((one, other) => other.sinceMs - one.sinceMs)[0];
  }
}
