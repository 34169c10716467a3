/** Ends what had its last live connection closed, unless another came within a while. */
export class Lingering {
  private readonly timers = new Map<string, NodeJS.Timeout>();
  private isStopped = false;

  constructor(
    private readonly options: {
      /** Milliseconds. */
      readonly forMs: number;
      readonly isLive: (grantId: string) => boolean;
      readonly end: (grantId: string) => void;
    },
  ) {}

  begin(grantId: string): void {
    if (this.isStopped) return;
    const { forMs, isLive, end } = this.options;
    clearTimeout(this.timers.get(grantId));
    const timer = setTimeout(() => {
      this.timers.delete(grantId);
      if (!isLive(grantId)) end(grantId);
    }, forMs);
    this.timers.set(grantId, timer.unref());
  }

  /** Nothing is ended any more. */
  stop(): void {
    this.isStopped = true;
    for (const timer of this.timers.values()) clearTimeout(timer);
    this.timers.clear();
  }
}
