import type { SentinelOneClient } from '@stance/sentinelone';
import type { AgentObserver } from '../agent-observer.js';
import type { Position } from '../position.js';
import { atInterval, type Lane } from './lane.js';
import { furthest, ReadingWindow } from './reading-window.js';

/** What changed, by the agents' `updatedAt`: nearly all of what matters, in one short listing. */
export class ChangesLane implements Lane {
  readonly name = 'changes';
  private readonly window = new ReadingWindow();
  private over = Promise.withResolvers<void>();

  constructor(
    private readonly client: SentinelOneClient,
    private readonly observer: AgentObserver,
    private readonly position: Position,
    private readonly intervalMs: number,
  ) {}

  dueInMs(tookMs?: number): number {
    return atInterval(this.intervalMs, tookMs);
  }

  /** Resolves when the present reading, or the next one, is over: well or not. */
  afterReading(): Promise<void> {
    return this.over.promise;
  }

  async read(signal: AbortSignal): Promise<boolean> {
    try {
      await this.readChanges(signal);
      return true;
    } finally {
      this.over.resolve();
      this.over = Promise.withResolvers<void>();
    }
  }

  /** Publishes everything since the checkpoint, then moves it. */
  private async readChanges(signal: AbortSignal): Promise<void> {
    const startedAt = performance.now();
    const since = this.position.current.updatedAt;
    let readTo = since;
    const filters = { updatedAt__gte: this.window.from(since) };
    const listing = { sortBy: 'updatedAt', sortOrder: 'asc', filters } as const;
    for await (const page of this.client.agentPages(listing, { signal })) {
      const observed = await this.observer.observe(page, { isFiltered: true });
      await observed.stored;
      readTo = furthest(readTo, observed.reportedAt, page);
    }
    this.window.completed(readTo, startedAt);
    if (readTo !== since) await this.position.move({ updatedAt: readTo });
  }
}
