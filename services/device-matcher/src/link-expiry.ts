import type { Logger } from '@stance/service-kit';

/** The longest that Node's timers wait, in milliseconds. */
const LONGEST_WAIT_MS = 2 ** 31 - 1;
const RETRY_DELAY_MS = 1_000;

/** Ends manual links when their time has come. */
export class LinkExpiry {
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> = Promise.resolve();
  private stopped = false;

  constructor(
    private readonly nextEnd: () => number | undefined,
    private readonly end: () => Promise<void>,
    private readonly logger: Logger,
    private readonly now: () => number = Date.now,
  ) {}

  /** Waits for the next link that ends, as of now. */
  schedule(): void {
    clearTimeout(this.timer);
    const next = this.nextEnd();
    if (next === undefined || this.stopped) return;
    this.wait(Math.min(Math.max(0, next - this.now()), LONGEST_WAIT_MS));
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.running;
  }

  private wait(milliseconds: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.running = this.endDue();
    }, milliseconds);
  }

  private async endDue(): Promise<void> {
    try {
      await this.end();
      this.schedule();
    } catch (error) {
      this.logger.warn({ err: error }, 'an ended link cannot be taken back yet, trying again');
      if (!this.stopped) this.wait(RETRY_DELAY_MS);
    }
  }
}
