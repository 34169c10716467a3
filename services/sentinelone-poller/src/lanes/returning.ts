import type { SentinelOneClient } from '@stance/sentinelone';
import type { AgentObserver } from '../agent-observer.js';
import { Pause } from '../pause.js';
import type { Position } from '../position.js';
import type { Lane } from './lane.js';
import { furthest, ReadingWindow } from './reading-window.js';

/** The share of the time that this lane takes at most: the console's budget and the processor are the others' as well. */
const SHARE = 0.2;

/**
 * Who was in contact, by `lastActiveDate`: an agent that returns from silence counts as fresh at once, though its record
 * did not change otherwise and `updatedAt` stays where it was. The console cannot be asked for "silent until now", so the
 * choice is between this listing, which grows with the heartbeats of an interval, and asking for the silent agents by
 * their ids, a hundred at a time, which on a Monday morning is most of the fleet at every poll. This one costs a request
 * for every thousand heartbeats and publishes only those whose times moved by the freshness step. Where that takes more
 * than a fifth of the time, as with a hundred thousand agents that report every few seconds, it is read less often.
 */
export class ReturningLane implements Lane {
  readonly name = 'returning';
  private readonly window = new ReadingWindow();
  /** How long the last listing took. */
  private readMs = 0;

  constructor(
    private readonly client: SentinelOneClient,
    private readonly observer: AgentObserver,
    private readonly position: Position,
    private readonly intervalMs: number,
    /** Resolves when the changes have been read the next time. */
    private readonly afterChanges: () => Promise<void>,
  ) {}

  dueInMs(tookMs?: number): number {
    return tookMs === undefined ? this.intervalMs : Math.max(this.intervalMs - tookMs, this.readMs * (1 / SHARE - 1));
  }

  async read(signal: AbortSignal): Promise<boolean> {
    const { current } = this.position;
    // The first sweep reads everybody anyway. Whether it was believed is another matter.
    if ((current.sweepReadAt ?? current.sweepCompletedAt) === undefined) return false;
    // Right behind the changes: asked just before, it would hold them up until the next request is allowed.
    const patience = new Pause();
    await Promise.race([this.afterChanges(), patience.for(this.intervalMs, signal)]);
    patience.wake();
    const startedAt = performance.now();
    const since = current.contactsReadTo;
    let readTo = since;
    // The newest first: who reports while this is read moves to the pages behind us, and is the next reading's.
    const filters = { lastActiveDate__gte: this.window.from(since) };
    const listing = { sortBy: 'lastActiveDate', sortOrder: 'desc', filters, patient: true } as const;
    for await (const page of this.client.agentPages(listing, { signal })) {
      const observed = await this.observer.observe(page, { isFiltered: true });
      await observed.stored;
      readTo = furthest(readTo, observed.lastSeenAt, page);
    }
    this.readMs = performance.now() - startedAt;
    this.window.completed(readTo, startedAt);
    if (readTo !== since) await this.position.moveLazily({ contactsReadTo: readTo });
    return true;
  }
}
