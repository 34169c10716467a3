import type { SourceReported } from '@stance/contracts';
import { newTraceparent, type FactTable } from '@stance/jetstream';
import type { Logger } from '@stance/service-kit';
import type { Failure, SourceReport } from './source-health.js';

/** How often progress is told while nothing else changes. */
const PROGRESS_INTERVAL_MS = 2_000;
const ALIVE_INTERVAL_MS = 60_000;

/** Tells how a source is doing: at every change of state, and now and then. */
export class SourceReporter {
  private report: SourceReport;
  private reportedAt = -Infinity;
  private told: string | undefined;

  constructor(
    private readonly table: FactTable<typeof SourceReported, SourceReport>,
    source: { source: string; url: string; sweepIntervalMs: number; freshnessStepMs: number },
    private readonly countAgents: () => number,
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
    this.report = { ...this.report, sweep: { startedAt, pages: 0, interval: this.sweepIntervalSeconds } };
    this.logger.info('sweep started');
  }

  sweepPage(agents: number, total: number | undefined): void {
    const { sweep } = this.report;
    if (sweep !== undefined) this.report = { ...this.report, sweep: { ...sweep, pages: sweep.pages + 1 } };
    this.logger.info({ agents, ...(total !== undefined && total > 0 && { total }) }, 'agents read');
  }

  sweepCompleted(completedAt: string): void {
    const { sweep } = this.report;
    if (sweep !== undefined) this.report = { ...this.report, sweep: { ...sweep, completedAt } };
    this.logger.info({ pages: sweep?.pages, agents: this.countAgents() }, 'sweep complete');
  }

  /** Takes up what the last poller of the source told and a restart does not change. */
  resume(): void {
    const before = this.table.get({ source: this.report.source });
    const { lastSuccessAt, sweep } = before ?? {};
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

  async failed({ state, error, retryAfterMs }: Failure): Promise<void> {
    const nextAttemptAt = this.in(retryAfterMs);
    this.logger.error({ state, error, nextAttemptAt }, 'the console cannot be read');
    const { pausedUntil: _pausedUntil, ...rest } = this.report;
    await this.tell({
      ...rest,
      state,
      error,
      lastAttemptAt: new Date(this.now()).toISOString(),
      nextAttemptAt,
      ...(state === 'paused' && { pausedUntil: nextAttemptAt }),
    });
  }

  private in(milliseconds: number): string {
    return new Date(this.now() + milliseconds).toISOString();
  }

  private async tell(report: SourceReport): Promise<void> {
    this.report = { ...report, agents: this.countAgents() };
    const { state, error, sweep, changed } = this.report;
    const sinceLast = this.now() - this.reportedAt;
    const news = JSON.stringify([state, error, sweep?.completedAt]);
    const progress = JSON.stringify([changed, sweep?.pages]);
    const isDue = news !== this.told?.split('\n')[0] || sinceLast >= ALIVE_INTERVAL_MS;
    const isProgress = sinceLast >= PROGRESS_INTERVAL_MS && progress !== this.told?.split('\n')[1];
    if (!isDue && !isProgress) return;
    const { report: data } = this;
    await this.table.write(data, { input: 'state', cause: { traceparent: newTraceparent() } }, () => ({ data }));
    this.told = `${news}\n${progress}`;
    this.reportedAt = this.now();
  }
}
