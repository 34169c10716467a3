import type { Logger } from './log.js';

const RETRY_DELAY_MS = 1_000;
/** Entries looked at before messages get their turn again. */
const BATCH = 256;

/** Brings up to date, in the background, what a crash half way or a lost message may have left when a replica becomes active. */
export class Review {
  private running: Promise<void> = Promise.resolve();
  private readonly stopping = new AbortController();

  constructor(
    /** Everything there is: the id of each entry that may be out of date, `undefined` for each of the others. */
    private readonly outdated: () => Iterable<string | undefined>,
    private readonly refresh: (id: string) => Promise<void>,
    private readonly logger: Logger,
    /** What the review waits for before it begins; by default nothing. Must resolve when `stopped`. */
    private readonly ready: (stopped: AbortSignal) => Promise<unknown> = () => Promise.resolve(),
  ) {}

  start(): void {
    this.running = this.review();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  private async review(): Promise<void> {
    await this.ready(this.stopping.signal);
    let looked = 0;
    for (const id of this.outdated()) {
      if (this.stopping.signal.aborted) return;
      if (id !== undefined) await this.refreshOne(id);
      looked += 1;
      if (looked % BATCH === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Tries until it is done: an entry left out would keep what is no longer so. */
  private async refreshOne(id: string): Promise<void> {
    while (!this.stopping.signal.aborted) {
      try {
        await this.refresh(id);
        return;
      } catch (error) {
        this.logger.warn({ id, err: error }, 'cannot be brought up to date yet, trying again');
        await new Promise((resolve) => setTimeout(resolve, RETRY_DELAY_MS));
      }
    }
  }
}
