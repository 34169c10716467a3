/** How long a turn of the event loop may be kept busy, in milliseconds: what comes in waits no longer for it. */
const SLICE_MS = 2;
/** How long work waits for a turn in which none is added, in milliseconds. */
const PATIENCE_MS = 100;

/**
 * Does what can wait when many sessions end at the same moment: ending access comes first. Work begins in the first turn of
 * the event loop in which none is added, after {@link PATIENCE_MS} anyhow, and goes on in slices of {@link SLICE_MS}.
 */
export class Afterwards {
  private waiting: (() => void)[] = [];
  private done = 0;
  private isScheduled = false;
  private wasAdded = false;
  private since = 0;

  /** Resolves to what `work` returns, or resolves to; rejects with what it throws. */
  run<Result>(work: () => Result | Promise<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.add(() => {
        try {
          resolve(work());
        } catch (error) {
          reject(error);
        }
      });
    });
  }

  private add(work: () => void): void {
    this.waiting.push(work);
    this.wasAdded = true;
    if (this.isScheduled) return;
    this.since = performance.now();
    this.schedule();
  }

  private schedule(): void {
    this.isScheduled = true;
    setImmediate(this.turn);
  }

  private readonly turn = (): void => {
    const now = performance.now();
    const isQuiet = !this.wasAdded || now - this.since >= PATIENCE_MS;
    this.wasAdded = false;
    if (isQuiet) this.work(now + SLICE_MS);
    if (this.done < this.waiting.length) return this.schedule();
    this.isScheduled = false;
    this.waiting = [];
    this.done = 0;
  };

  private work(until: number): void {
    do this.waiting[this.done++]?.();
    while (this.done < this.waiting.length && performance.now() < until);
  }
}
