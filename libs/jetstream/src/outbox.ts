/**
 * Sends what one turn of the event loop has to send in one go: the client writes to its socket once instead of once per
 * message. Nothing waits longer than until the turn's work is done.
 */
export class Outbox {
  private waiting: (() => void)[] = [];
  private scheduled: NodeJS.Immediate | undefined;

  add(send: () => void): void {
    this.waiting.push(send);
    this.scheduled ??= setImmediate(() => this.flush());
  }

  /** Sends at once, as before a connection closes. */
  flush(): void {
    if (this.scheduled !== undefined) clearImmediate(this.scheduled);
    this.scheduled = undefined;
    const { waiting } = this;
    this.waiting = [];
    for (const send of waiting) send();
  }
}
