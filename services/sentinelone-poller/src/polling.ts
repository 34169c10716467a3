import { SettingProblem, type Logger } from '@stance/service-kit';
import { CheckpointTaken } from './checkpoint.store.js';
import type { Poller } from './poller.js';
import { failureOf } from './source-health.js';
import type { SourceReporter } from './source-reporter.js';

/** How often a paused source looks whether it has been given a new token. */
const TOKEN_CHECK_MS = 1_000;

export interface PollingOptions {
  readonly pollIntervalMs: number;
  /** The present token; a paused source tries again as soon as it is another one. */
  readonly token: () => string;
  readonly now?: () => number;
}

/** Runs a poller's two lanes until it is stopped: changes at every interval, a sweep whenever it is due. */
export class Polling {
  private readonly stopping = new AbortController();
  private running: Promise<unknown> = Promise.resolve();
  private failuresInARow = 0;

  constructor(
    private readonly poller: Poller,
    private readonly reporter: SourceReporter,
    private readonly options: PollingOptions,
    private readonly logger: Logger,
    private readonly outlived: (error: Error) => void,
  ) {}

  start(): void {
    this.running = this.run();
  }

  async stop(): Promise<void> {
    this.stopping.abort(new Error('the poller stops'));
    await this.running;
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    await this.lane(
      () => this.poller.resume(signal),
      () => null,
    );
    await Promise.all([
      this.lane(
        () => this.poller.poll(signal),
        () => this.options.pollIntervalMs,
      ),
      this.lane(
        () => this.sweepWhenDue(signal),
        () => Math.max(TOKEN_CHECK_MS, this.poller.sweepDueIn()),
      ),
    ]);
  }

  private async sweepWhenDue(signal: AbortSignal): Promise<void> {
    if (this.poller.sweepDueIn() <= 0) await this.poller.sweep(signal);
  }

  /** Repeats `attempt` until stopped; `null` as the pause after a success ends the lane. */
  private async lane(attempt: () => Promise<void>, pauseMs: () => number | null): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      const startedAt = performance.now();
      try {
        await attempt();
        const pause = pauseMs();
        this.failuresInARow = 0;
        await this.reporter.succeeded(pause ?? 0);
        if (pause === null) return;
        // The interval is from start to start; a poll that took longer is followed at once.
        await this.pause(Math.max(0, pause - (performance.now() - startedAt)));
      } catch (error) {
        if (signal.aborted) return;
        await this.fail(error);
      }
    }
  }

  private async fail(error: unknown): Promise<void> {
    if (error instanceof CheckpointTaken) {
      this.stopping.abort(error);
      this.outlived(error);
      return;
    }
    this.failuresInARow += 1;
    const failure = failureOf(error, this.failuresInARow, this.options.pollIntervalMs);
    try {
      await this.reporter.failed(failure);
    } catch (unreported) {
      this.logger.warn({ err: unreported }, 'the state of the source cannot be stored');
    }
    await (failure.state === 'paused'
      ? this.pauseUntilNewToken(failure.retryAfterMs)
      : this.pause(failure.retryAfterMs));
  }

  private async pauseUntilNewToken(milliseconds: number): Promise<void> {
    const refused = this.token();
    const until = performance.now() + milliseconds;
    while (!this.stopping.signal.aborted && performance.now() < until && this.token() === refused) {
      await this.pause(Math.min(TOKEN_CHECK_MS, until - performance.now()));
    }
  }

  /** `undefined` while it cannot be read, as in the middle of a rotation. */
  private token(): string | undefined {
    try {
      return this.options.token();
    } catch (error) {
      if (error instanceof SettingProblem) return undefined;
      throw error;
    }
  }

  private async pause(milliseconds: number): Promise<void> {
    const { signal } = this.stopping;
    if (signal.aborted) return;
    await new Promise<void>((resolve) => {
      const done = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, milliseconds);
      signal.addEventListener('abort', done, { once: true });
    });
  }
}
