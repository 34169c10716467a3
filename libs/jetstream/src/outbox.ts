/**
 * Sends what comes together in one go: the client then writes to its socket once instead of once per message.
 */
export class Outbox {
  private waiting: (() => void)[] = [];
  private cancel: (() => void) | undefined;

  /**
   * `delayMs`: how long the first may wait for others; by default only until the present turn of the event loop has done its
   * work.
   */
  constructor(private readonly options: { delayMs?: number } = {}) {}

  add(send: () => void): void {
    this.waiting.push(send);
    this.cancel ??= this.schedule();
  }

  /** Sends at once, as before a connection closes. */
  flush(): void {
    this.cancel?.();
    this.cancel = undefined;
    const { waiting } = this;
    this.waiting = [];
    for (const send of waiting) send();
  }

  private schedule(): () => void {
    const { delayMs } = this.options;
    if (delayMs === undefined) {
      const immediate = setImmediate(() => this.flush());
      return () => clearImmediate(immediate);
    }
    const timer = setTimeout(() => this.flush(), delayMs);
    return () => clearTimeout(timer);
  }
}
