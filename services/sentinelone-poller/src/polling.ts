import { SettingProblem, type Logger } from '@stance/service-kit';
import type { Lane, LaneName } from './lanes/lane.js';
import { Outlived } from './outlived.js';
import { Pause } from './pause.js';
import { failureOf, worstOf, type Failure, type Intervals } from './source-health.js';
import type { SourceReporter } from './source-reporter.js';
import { TokenGate, type Pass } from './token-gate.js';

export interface PollingOptions extends Intervals {
  /** The present token; a paused source tries again as soon as it is another one. */
  readonly token: () => string;
  /** What is wrong with the source though every lane reads it. */
  readonly standing: () => readonly Error[];
  /** Another poller of the source is active. */
  readonly outlived: (error: Outlived) => void;
}

/** What became of an attempt. */
interface Outcome {
  /** Whether the console answered. */
  readonly isAnswered: boolean;
  readonly failure?: Failure | undefined;
}

const UNANSWERED: Outcome = { isAnswered: false };

/** Runs the lanes of a source beside each other until it is stopped; each waits, fails and recovers by itself. */
export class Polling {
  private readonly stopping = new AbortController();
  private readonly gate = new TokenGate(() => this.token());
  private readonly pauses = new Map<LaneName, Pause>();
  private running: Promise<unknown> = Promise.resolve();
  /** The token that was accepted after a refusal: what is refused to one lane by then is refused to that lane alone. */
  private vindicated: string | undefined;
  /** Of the lanes that fail at present. */
  private readonly failures = new Map<LaneName, { inARow: number; failure: Failure | undefined }>();

  constructor(
    /** Takes up where the last poller stopped; the lanes run from then on. Resolves to whether the console was asked. */
    private readonly takeUp: (signal: AbortSignal) => Promise<boolean>,
    private readonly lanes: readonly Lane[],
    private readonly reporter: SourceReporter,
    private readonly options: PollingOptions,
    private readonly logger: Logger,
  ) {}

  start(): void {
    this.running = this.run();
  }

  async stop(): Promise<void> {
    this.stopping.abort(new Error('the poller stops'));
    await this.running;
  }

  /** Lets a lane look at once whether it is due. */
  wake(lane: LaneName): void {
    this.pauses.get(lane)?.wake();
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    const beginning: Pick<Lane, 'name' | 'read'> = { name: 'changes', read: this.takeUp };
    const pause = new Pause();
    for (let { failure } = await this.attempt(beginning); failure !== undefined && !signal.aborted;) {
      await pause.for(failure.retryAfterMs, signal);
      ({ failure } = await this.attempt(beginning));
    }
    // Stopped before it was known where to read from: there is nothing for the lanes to do.
    if (signal.aborted) return;
    await Promise.all(this.lanes.map((lane) => this.runLane(lane)));
  }

  private async runLane(lane: Lane): Promise<void> {
    const { signal } = this.stopping;
    const pause = new Pause();
    this.pauses.set(lane.name, pause);
    let waitMs = lane.dueInMs();
    while (!signal.aborted) {
      const isWoken = await pause.for(waitMs, signal);
      // Whoever was woken looks whether it is due, and waits on if it is not.
      if (isWoken && lane.dueInMs() > 0) {
        waitMs = lane.dueInMs();
        continue;
      }
      const startedAt = performance.now();
      const { failure, isAnswered } = await this.attempt(lane);
      waitMs = failure?.retryAfterMs ?? lane.dueInMs(performance.now() - startedAt);
      if (!isAnswered || signal.aborted) continue;
      const nextInMs = lane.name === 'changes' ? waitMs : undefined;
      await this.tell(() => this.reporter.succeeded(this.worst(), nextInMs));
    }
  }

  /** One attempt, once the token may be used; resolves to what became of it. */
  private async attempt(lane: Pick<Lane, 'name' | 'read'>): Promise<Outcome> {
    const { signal } = this.stopping;
    // A single lane tries a token that was refused, and not the one that would keep the others waiting longest.
    const pass = await this.gate.enter(lane.name === 'changes', signal);
    if (signal.aborted) return UNANSWERED;
    try {
      const isAnswered = await lane.read(signal);
      this.gate.left(pass, isAnswered);
      this.failures.delete(lane.name);
      if (pass.isTrial && isAnswered) this.vindicate(pass);
      return { isAnswered };
    } catch (error) {
      if (signal.aborted) return UNANSWERED;
      return { isAnswered: false, failure: await this.failed(lane.name, error, pass) };
    }
  }

  private async failed(lane: LaneName, error: unknown, pass: Pass): Promise<Failure | undefined> {
    if (error instanceof Outlived) {
      this.giveUp(error);
      return undefined;
    }
    const inARow = (this.failures.get(lane)?.inARow ?? 0) + 1;
    const isOwn = lane !== 'changes' && pass.token !== undefined && pass.token === this.vindicated;
    const found = failureOf(error, inARow, lane, this.options);
    const failure: Failure = isOwn ? { ...found, state: 'degraded' } : found;
    // The gate says when to ask again: for a new token that is at once.
    const isPause = failure.state === 'paused';
    if (isPause && !this.gate.refused(pass, failure.retryAfterMs)) return { ...failure, retryAfterMs: 0 };
    if (!isPause) this.gate.left(pass, false);
    // It is the one that tries a new token, however long its own wait would be.
    else this.wake('changes');
    this.failures.set(lane, { inARow, failure });
    await this.tell(() => this.reporter.failed(failure, this.worst() ?? failure, lane));
    return isPause ? { ...failure, retryAfterMs: 0 } : failure;
  }

  /** What was refused to one lane was refused to all, and is accepted again. */
  private vindicate({ token }: Pass): void {
    this.vindicated = token;
    for (const entry of this.failures.values()) if (entry.failure?.state === 'paused') entry.failure = undefined;
  }

  /** One lane's success does not hide the failure of another. */
  private worst(): Failure | undefined {
    const failing = (names: readonly LaneName[]) => names.flatMap((name) => this.failures.get(name)?.failure ?? []);
    const standing = this.options.standing().map((error) => failureOf(error, 1, 'sweep', this.options));
    return worstOf([...failing(['changes', 'sweep']), ...standing, ...failing(['threats', 'removals', 'returning'])]);
  }

  private async tell(report: () => Promise<void>): Promise<void> {
    try {
      await report();
    } catch (error) {
      if (error instanceof Outlived) return this.giveUp(error);
      this.logger.warn({ err: error }, 'the state of the source cannot be stored');
    }
  }

  private giveUp(error: Outlived): void {
    if (this.stopping.signal.aborted) return;
    this.stopping.abort(error);
    this.options.outlived(error);
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
}
