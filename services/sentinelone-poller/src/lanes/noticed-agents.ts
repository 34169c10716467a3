import type { SentinelOneClient } from '@stance/sentinelone';
import type { AgentObserver } from '../agent-observer.js';
import type { Position } from '../position.js';
import { readById } from './agents-by-id.js';
import { atInterval, type Lane } from './lane.js';
import type { ListNotices } from './notices.js';
import { furthest, OVERLAP_MS, ReadingWindow } from './reading-window.js';

/**
 * Reads anew just the agents that the console has noticed something about, so that it shows whatever the agents' own
 * listing says: not every change of a record moves its `updatedAt`. Each is read twice, at once and at a later turn, as a
 * console may list a threat a moment before it marks the agent. An agent that is not shown is left to the sweep.
 */
export class NoticedAgentsLane implements Lane {
  private readonly window = new ReadingWindow();
  /** When each notice was listed last: those at the end of a listing come again with the next ones. */
  private readonly listedAt = new Map<string, number>();
  /** Agents to be read anew: how often, and from when on. */
  private readonly waiting = new Map<string, { readonly left: number; readonly from: number }>();
  /** How far notices are listed. The position follows a turn later, so that whoever takes over reads the second time too. */
  private listedTo: string | undefined;

  constructor(
    readonly name: 'threats' | 'removals',
    private readonly list: ListNotices,
    private readonly client: SentinelOneClient,
    private readonly observer: AgentObserver,
    private readonly position: Position,
    private readonly options: {
      readonly intervalMs: number;
      /** Milliseconds after the first reading of an agent. */
      readonly secondReadingAfterMs: number;
    },
  ) {}

  dueInMs(tookMs?: number): number {
    return atInterval(this.options.intervalMs, tookMs);
  }

  async read(signal: AbortSignal): Promise<boolean> {
    const startedAt = performance.now();
    const place = this.name === 'threats' ? 'threatsReadTo' : 'removalsReadTo';
    const settledTo = this.position.current[place];
    const since = this.listedTo ?? settledTo;
    let readTo: string;
    try {
      readTo = await this.listNotices(since, signal);
    } finally {
      // Also when the listing broke off: those it had named by then do not wait until it can be read to its end.
      await this.readAgents(signal);
    }
    this.window.completed(readTo, startedAt);
    this.listedTo = readTo;
    // Whoever was noticed up to there has now been read twice.
    if (since !== settledTo) await this.position.move({ [place]: since });
    return true;
  }

  /** Resolves to the time up to which notices are listed by now. */
  private async listNotices(since: string, signal: AbortSignal): Promise<string> {
    const startedAt = performance.now();
    let readTo = since;
    for await (const page of this.list(this.window.from(since), signal)) {
      for (const { id, agentId, at } of page.notices) {
        readTo = furthest(readTo, at, page);
        if (!this.listedAt.has(id)) this.waiting.set(agentId, { left: 2, from: -Infinity });
        this.listedAt.set(id, performance.now());
      }
    }
    this.forgetNotices(startedAt);
    return readTo;
  }

  /** What was in none of the last listings is in no further one. */
  private forgetNotices(lastListingAt: number): void {
    const longAgo = Math.min(lastListingAt, performance.now() - 2 * OVERLAP_MS);
    for (const [id, at] of this.listedAt) if (at < longAgo) this.listedAt.delete(id);
  }

  private async readAgents(signal: AbortSignal): Promise<void> {
    const { client, observer } = this;
    const now = performance.now();
    const due = [...this.waiting].flatMap(([id, { from }]) => (from <= now ? [id] : []));
    for await (const { asked } of readById(due, { client, observer, signal })) {
      for (const id of asked) this.readOnce(id);
    }
  }

  private readOnce(agentId: string): void {
    const left = (this.waiting.get(agentId)?.left ?? 0) - 1;
    if (left > 0) this.waiting.set(agentId, { left, from: performance.now() + this.options.secondReadingAfterMs });
    else this.waiting.delete(agentId);
  }
}
