import { isDeepStrictEqual } from 'node:util';
import type { SourceReported } from '@stance/contracts';
import type { FactTable } from '@stance/jetstream';
import type { Scope } from '@stance/sentinelone';
import type { Logger } from '@stance/service-kit';
import type { RefusedSweep } from './checkpoint.js';
import { Outlived } from './outlived.js';
import type { Failure, SourceReport } from './source-health.js';
import { describeProgress, progressOf } from './sweep-progress.js';

/** How often progress is told while nothing else changes, and logged. */
const PROGRESS_INTERVAL_MS = 2_000;
const LOG_INTERVAL_MS = 5_000;
const ALIVE_INTERVAL_MS = 60_000;

/** Thrown when another poller of the source has reported: this one has been outlived, and has to give up. */
class ReportTaken extends Outlived {
  override readonly name = 'ReportTaken';
}

/** What does not change while a source is polled. */
export interface ReportedSource {
  readonly source: string;
  readonly url: string;
  readonly sweepIntervalMs: number;
  readonly freshnessStepMs: number;
}

/** What is looked up whenever something is told. */
export interface ReportedFacts {
  /** Agents present. */
  readonly agents: () => number;
  readonly scope: () => Scope;
}

/** Tells how a source is doing: at every change of state, and now and then. */
export class SourceReporter {
  private report: SourceReport;
  private told: { news: string; progress: string; at: number } | undefined;
  /** What may be stored by our hand: the last report that was confirmed, and those since. */
  private ours: SourceReport[] = [];
  private loggedAt = -Infinity;
  /** The sweep under way; the report has it as `sweep` only while none was ever complete. */
  private underWay: { readonly startedAt: string; pages: number } | undefined;

  constructor(
    private readonly table: FactTable<typeof SourceReported, SourceReport>,
    source: ReportedSource,
    private readonly facts: ReportedFacts,
    private readonly logger: Logger,
    private readonly now: () => number = Date.now,
  ) {
    this.sweepIntervalSeconds = source.sweepIntervalMs / 1_000;
    this.report = {
      source: source.source,
      kind: 'sentinelone',
      url: source.url,
      state: 'starting',
      agents: 0,
      changed: 0,
      freshnessStep: source.freshnessStepMs / 1_000,
    };
  }

  private readonly sweepIntervalSeconds: number;

  get state(): SourceReport['state'] {
    return this.report.state;
  }

  get current(): SourceReport {
    return this.report;
  }

  published(): void {
    this.report = { ...this.report, changed: this.report.changed + 1 };
  }

  sweepStarted(startedAt: string): void {
    this.underWay = { startedAt, pages: 0 };
    this.showFirst();
    this.loggedAt = this.now();
    this.logger.info('sweep started');
  }

  /** Another page of the sweep is read: `read` agents so far. */
  async sweepPage(read: number, total: number | undefined): Promise<void> {
    if (this.underWay === undefined) return;
    const { startedAt } = this.underWay;
    this.underWay.pages += 1;
    this.showFirst();
    const progress = progressOf(startedAt, read, total, this.now() - Date.parse(startedAt));
    this.report = { ...this.report, progress };
    if (this.now() - this.loggedAt >= LOG_INTERVAL_MS) {
      this.loggedAt = this.now();
      this.logger.info(describeProgress(progress));
    }
    await this.tell(this.report);
  }

  /** The sweep is no longer under way, whatever became of it. */
  sweepEnded(): void {
    const { progress: _progress, ...report } = this.report;
    this.report = report;
  }

  sweepCompleted(completedAt: string): void {
    const { refusedSweep: _refusedSweep, ...report } = this.report;
    const swept = this.underWay && { ...this.underWay, completedAt, interval: this.sweepIntervalSeconds };
    this.report = { ...report, ...(swept && { sweep: swept }) };
    this.logger.info({ pages: swept?.pages, agents: this.facts.agents() }, 'sweep complete');
  }

  /** What is known of the last complete sweep stays while another is read, and when that fails. */
  private showFirst(): void {
    if (this.underWay === undefined || this.report.sweep?.completedAt !== undefined) return;
    this.report = { ...this.report, sweep: { ...this.underWay, interval: this.sweepIntervalSeconds } };
  }

  /** Also taken up from before a restart: it waits for a person however often the poller starts anew. */
  sweepRefused(refusedSweep: RefusedSweep): void {
    this.report = { ...this.report, refusedSweep };
  }

  /** Takes up what the last poller of the source told and a restart does not change. */
  resume(): void {
    const before = this.table.get({ source: this.report.source });
    if (before === undefined) return;
    this.ours = [before];
    const { lastSuccessAt, sweep } = before;
    this.report = {
      ...this.report,
      ...(lastSuccessAt !== undefined && { lastSuccessAt }),
      ...(sweep?.completedAt !== undefined && { sweep: { ...sweep, interval: this.sweepIntervalSeconds } }),
    };
  }

  /** Something was read. `standing`: what fails all the same; `nextAttemptInMs`: when changes are read next. */
  async succeeded(standing?: Failure, nextAttemptInMs?: number): Promise<void> {
    const now = new Date(this.now()).toISOString();
    const { error: _error, pausedUntil, ...rest } = this.report;
    await this.tell({
      ...rest,
      state: standing?.state ?? 'ok',
      ...(standing && { error: standing.error }),
      ...(standing?.state === 'paused' && pausedUntil !== undefined && { pausedUntil }),
      lastSuccessAt: now,
      lastAttemptAt: now,
      ...(nextAttemptInMs !== undefined && { nextAttemptAt: this.in(nextAttemptInMs) }),
    });
  }

  /** Something could not be read; `shown` is the failure that counts most of all there are. */
  async failed({ state, error, retryAfterMs }: Failure, shown: Failure, lane: string): Promise<void> {
    const nextAttemptAt = this.in(retryAfterMs);
    this.logger.error({ lane, state, error, nextAttemptAt }, 'the console cannot be read');
    const { pausedUntil, ...rest } = this.report;
    const until = state === 'paused' ? nextAttemptAt : pausedUntil;
    await this.tell({
      ...rest,
      state: shown.state,
      error: shown.error,
      lastAttemptAt: new Date(this.now()).toISOString(),
      nextAttemptAt,
      ...(shown.state === 'paused' && until !== undefined && { pausedUntil: until }),
    });
  }

  private in(milliseconds: number): string {
    return new Date(this.now() + milliseconds).toISOString();
  }

  private async tell(report: SourceReport): Promise<void> {
    const { siteIds, accountIds } = this.facts.scope();
    this.report = {
      ...report,
      agents: this.facts.agents(),
      ...(siteIds && { siteIds: [...siteIds] }),
      ...(accountIds && { accountIds: [...accountIds] }),
    };
    const { state, error, sweep, changed, refusedSweep } = this.report;
    const news = JSON.stringify([state, error, sweep?.completedAt, refusedSweep?.startedAt, siteIds, accountIds]);
    const progress = JSON.stringify([changed, this.underWay?.startedAt, this.underWay?.pages]);
    const sinceLast = this.now() - (this.told?.at ?? -Infinity);
    const isDue = news !== this.told?.news || sinceLast >= ALIVE_INTERVAL_MS;
    const isProgress = sinceLast >= PROGRESS_INTERVAL_MS && progress !== this.told?.progress;
    if (!isDue && !isProgress) return;
    // Before it is stored: another lane has nothing to add meanwhile.
    const told = { news, progress, at: this.now() };
    this.told = told;
    try {
      await this.store(this.report);
    } catch (error) {
      if (this.told === told) this.told = undefined;
      throw error;
    }
  }

  private async store(data: SourceReport): Promise<void> {
    this.ours.push(data);
    const isOurs = (stored: SourceReport | undefined) =>
      stored === undefined || this.ours.some((own) => isDeepStrictEqual(own, stored));
    const origin = { input: 'state', cause: {} };
    const sequence = await this.table.write(data, origin, (stored) => (isOurs(stored) ? { data } : undefined));
    if (sequence === undefined) throw new ReportTaken('another poller of this source reports on it');
    this.ours = this.ours.slice(this.ours.indexOf(data));
  }
}
