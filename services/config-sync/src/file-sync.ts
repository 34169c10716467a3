import { isUtf8 } from 'node:buffer';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '@stance/service-kit';
import { describeProblem } from './file-problem.js';
import { contentOf, WatchedFile, type FileContent, type WatchOptions } from './watched-file.js';

/** What became of a file's content. */
export type FileOutcome =
  | { readonly applied: true; readonly summary: Readonly<Record<string, string | number>> }
  | { readonly applied: false; readonly problems: readonly string[] };

/** How a file stands, as `/readyz` shows it. */
export interface FileStatus {
  readonly file: string;
  /** `refused`: its present content is not in force, the last good one is. `retrying`: NATS did not take it yet. */
  readonly state: 'waiting' | 'applied' | 'refused' | 'retrying';
  readonly lastAppliedAt?: string;
  readonly problems: readonly string[];
  readonly summary?: Readonly<Record<string, string | number>>;
}

export interface FileSyncOptions extends WatchOptions {
  /** How long after a failure it is tried again, in milliseconds; 2 s by default. */
  readonly retryMs?: number;
}

/** What belongs to a file besides its content. */
export interface FileCompany {
  /** A file beside it, such as its signature: what changes in either applies both. */
  readonly companion?: string;
  /** What others have against its present content although it was applied; none by default. */
  readonly objections?: () => readonly string[];
}

/** Problems that are logged one by one; the health details have all of them. */
const LOGGED_PROBLEMS = 20;

/** Applies a file whenever it changes: one content at a time, the newest wins, a failure is tried again. */
export class FileSync {
  private readonly watched: WatchedFile;
  private readonly companion: WatchedFile | undefined;
  private readonly stopping = new AbortController();
  private pending: FileContent | undefined;
  private last: FileContent | undefined;
  private applying: Promise<void> | undefined;
  private current: FileStatus;

  constructor(
    private readonly file: string,
    private readonly logger: Logger,
    /** Rejects where trying again may help. */
    private readonly apply: (text: string, companion: FileContent | undefined) => Promise<FileOutcome>,
    private readonly options: FileSyncOptions = {},
    private readonly company: FileCompany = {},
  ) {
    this.current = { file, state: 'waiting', problems: [] };
    this.watched = new WatchedFile(file, (content) => this.take(content), options);
    const { companion } = company;
    this.companion = companion === undefined ? undefined : new WatchedFile(companion, () => this.takeAgain(), options);
  }

  async start(): Promise<void> {
    await this.companion?.start();
    await this.watched.start();
  }

  /** Ends it when what is being applied is done. */
  async stop(): Promise<void> {
    this.watched.stop();
    this.companion?.stop();
    this.stopping.abort();
    await this.applying;
  }

  status(): FileStatus {
    const problems = this.current.state === 'applied' ? (this.company.objections?.() ?? []) : [];
    return problems.length === 0 ? this.current : { ...this.current, state: 'refused', problems };
  }

  /** The file beside it is another one. */
  private takeAgain(): void {
    if (this.last !== undefined) this.take(this.last);
  }

  private take(content: FileContent): void {
    this.last = content;
    this.pending = content;
    this.applying ??= this.applyPending().finally(() => {
      this.applying = undefined;
    });
  }

  private async applyPending(): Promise<void> {
    while (this.pending !== undefined && !this.stopping.signal.aborted) {
      const content = this.pending;
      this.pending = undefined;
      try {
        this.report(await this.applyContent(content));
      } catch (error) {
        this.reportFailure(error);
        await this.wait();
        this.pending ??= content;
      }
    }
  }

  private async applyContent(content: FileContent): Promise<FileOutcome> {
    if (!content.readable) return this.refusal(`it cannot be read: ${content.reason}`);
    const text = textOf(content.bytes);
    if (text === undefined) return this.refusal('it is not UTF-8 text');
    const { companion } = this.company;
    // Read now, not when it was seen to change: files that were written together belong together.
    return this.apply(text, companion === undefined ? undefined : await contentOf(companion));
  }

  private refusal(message: string): FileOutcome {
    return { applied: false, problems: [describeProblem(this.file, { message })] };
  }

  private report(outcome: FileOutcome): void {
    const { file, logger } = this;
    if (outcome.applied) {
      const { summary } = outcome;
      this.current = { file, state: 'applied', lastAppliedAt: new Date().toISOString(), problems: [], summary };
      logger.info({ file, ...summary }, 'applied');
      return;
    }
    const { problems } = outcome;
    this.current = { ...this.current, state: 'refused', problems };
    for (const problem of problems.slice(0, LOGGED_PROBLEMS)) logger.error(problem);
    const kept =
      this.current.lastAppliedAt === undefined ? 'nothing of it is applied' : 'the last good one stays in force';
    logger.error({ file, problems: problems.length }, `${file} is refused as a whole, ${kept}`);
  }

  private reportFailure(error: unknown): void {
    const problem = error instanceof Error ? error.message : String(error);
    if (this.current.state !== 'retrying')
      this.logger.warn({ file: this.file, err: error }, 'not applied yet, trying again');
    this.current = { ...this.current, state: 'retrying', problems: [describeProblem(this.file, { message: problem })] };
  }

  private async wait(): Promise<void> {
    const { signal } = this.stopping;
    // Being stopped ends the wait early, which is all there is to it.
    await delay(this.options.retryMs ?? 2_000, undefined, { signal }).catch(() => undefined);
  }
}

/** Text without a byte order mark; `undefined` when the bytes are none. */
function textOf(bytes: Buffer): string | undefined {
  return isUtf8(bytes) ? bytes.toString('utf8').replace(/^\uFEFF/, '') : undefined;
}
