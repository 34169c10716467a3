interface Waiting {
  readonly timer: NodeJS.Timeout;
  /** When the last connection was closed, in milliseconds since 1970. */
  since: number;
}

/** Ends what had its last live connection closed, unless another came within a while. */
export class Lingering {
  private readonly waiting = new Map<string, Waiting>();
  private isStopped = false;

  constructor(
    private readonly options: {
      /** Milliseconds. */
      readonly forMs: number;
      readonly isLive: (grantId: string) => boolean;
      /** `since`: when its last connection was closed. */
      readonly end: (grantId: string, since: number) => void;
    },
  ) {}

  begin(grantId: string): void {
    if (this.isStopped) return;
    // The last one of a grant leaves after each of its requests: a timer that is there already is used again.
    const waiting = this.waiting.get(grantId);
    if (waiting === undefined) {
      const timer = setTimeout(this.over, this.options.forMs, grantId).unref();
      this.waiting.set(grantId, { timer, since: Date.now() });
    } else {
      waiting.since = Date.now();
      waiting.timer.refresh();
    }
  }

  /** Nothing is ended any more. */
  stop(): void {
    this.isStopped = true;
    for (const { timer } of this.waiting.values()) clearTimeout(timer);
    this.waiting.clear();
  }

  private readonly over = (grantId: string): void => {
    const waiting = this.waiting.get(grantId);
    this.waiting.delete(grantId);
    if (waiting !== undefined && !this.options.isLive(grantId)) this.options.end(grantId, waiting.since);
  };
}
