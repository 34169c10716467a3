import { SettingProblem, type Logger } from '@stance/service-kit';
import { CheckpointTaken } from './checkpoint.store.js';
import type { Poller } from './poller.js';
import { failureOf, type Failure } from './source-health.js';
import type { SourceReporter } from './source-reporter.js';

/** How often a paused source looks whether it has been given a new token. */
const TOKEN_CHECK_MS = 1_000;

export interface PollingOptions {
  readonly pollIntervalMs: number;
  /** The present token; a paused source tries again as soon as it is another one. */
  readonly token: () => string;
}

/** What fails and recovers by itself: reading changes, and reading everything. */
type Lane = 'changes' | 'sweep';

/** Runs a poller's two lanes until it is stopped: changes at every interval, a sweep whenever it is due. */
export class Polling {
  private readonly stopping = new AbortController();
  private running: Promise<unknown> = Promise.resolve();
  /** Of the lanes that fail at present. */
  private readonly failures = new Map<Lane, { inARow: number; failure: Failure }>();

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
    while (!signal.aborted && !(await this.succeeds('changes', () => this.poller.resume(signal))));
    await Promise.all([this.readChanges(), this.sweepWhenDue()]);
  }

  private async readChanges(): Promise<void> {
    const { signal } = this.stopping;
    const { pollIntervalMs } = this.options;
    while (!signal.aborted) {
      const startedAt = performance.now();
      if (!(await this.succeeds('changes', () => this.poller.poll(signal)))) continue;
      await this.tell(() => this.reporter.succeeded(this.standingFailure(), pollIntervalMs));
      // The interval is from start to start; a poll that took longer is followed at once.
      await this.pause(Math.max(0, pollIntervalMs - (performance.now() - startedAt)));
    }
  }

  private async sweepWhenDue(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      const dueInMs = this.poller.sweepDueIn();
      if (dueInMs > 0) await this.pause(dueInMs);
      else if (await this.succeeds('sweep', () => this.poller.sweep(signal))) {
        await this.tell(() => this.reporter.succeeded(this.standingFailure()));
      }
    }
  }

  /** One attempt; after a failure, waits until the next may be made. */
  private async succeeds(lane: Lane, attempt: () => Promise<void>): Promise<boolean> {
    // Before the attempt: a token that changes while its refusal is on the way is a new one.
    const token = this.token();
    try {
      await attempt();
      this.failures.delete(lane);
      return true;
    } catch (error) {
      if (!this.stopping.signal.aborted) await this.fail(lane, error, token);
      return false;
    }
  }

  private async fail(lane: Lane, error: unknown, token: string | undefined): Promise<void> {
    if (error instanceof CheckpointTaken) {
      this.stopping.abort(error);
      this.outlived(error);
      return;
    }
    const inARow = (this.failures.get(lane)?.inARow ?? 0) + 1;
    const failure = failureOf(error, inARow, this.options.pollIntervalMs);
    this.failures.set(lane, { inARow, failure });
    await this.tell(() => this.reporter.failed(failure));
    await (failure.state === 'paused'
      ? this.pauseUntilNewToken(failure.retryAfterMs, token)
      : this.pause(failure.retryAfterMs));
  }

  /** One lane's success does not hide the other's failure. */
  private standingFailure(): Failure | undefined {
    return [...this.failures.values()][0]?.failure;
  }

  private async tell(report: () => Promise<void>): Promise<void> {
    try {
      await report();
    } catch (unreported) {
      this.logger.warn({ err: unreported }, 'the state of the source cannot be stored');
    }
  }

  private async pauseUntilNewToken(milliseconds: number, refused: string | undefined): Promise<void> {
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
