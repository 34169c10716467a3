import type { Logger } from '@stance/service-kit';

const RETRY_DELAY_MS = 1_000;
/** Devices looked at before messages get their turn again. */
const BATCH = 256;

/** Brings devices up to date that their agents may have left unnoticed, in the background, when a replica becomes active. */
export class LeftBehindReview {
  private running: Promise<void> = Promise.resolve();
  private readonly stopping = new AbortController();

  constructor(
    private readonly leftBehind: () => Iterable<string | undefined>,
    private readonly refresh: (deviceId: string) => Promise<void>,
    private readonly logger: Logger,
  ) {}

  start(): void {
    this.running = this.review();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  private async review(): Promise<void> {
    let looked = 0;
    for (const deviceId of this.leftBehind()) {
      if (this.stopping.signal.aborted) return;
      if (deviceId !== undefined) await this.refreshOne(deviceId);
      looked += 1;
      if (looked % BATCH === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Tries until it is done: a device left out would keep what is no longer so. */
  private async refreshOne(deviceId: string): Promise<void> {
    while (!this.stopping.signal.aborted) {
      try {
        await this.refresh(deviceId);
        return;
      } catch (error) {
        this.logger.warn({ deviceId, err: error }, 'cannot bring a posture up to date yet, trying again');
        await new Promise((resolve) => setTimeout(resolve, RETRY_DELAY_MS));
      }
    }
  }
}
