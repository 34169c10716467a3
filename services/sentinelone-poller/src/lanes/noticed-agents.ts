import type { SentinelOneClient } from '@stance/sentinelone';
import type { AgentObserver } from '../agent-observer.js';
import type { Position } from '../position.js';
import { readById } from './agents-by-id.js';
import { atInterval, type Lane } from './lane.js';
import type { ListNotices } from './notices.js';
import { furthest, ReadingWindow } from './reading-window.js';

/**
 * Reads anew just the agents that the console has noticed something about, so that it shows whatever the agents' own
 * listing says: not every change of a record moves its `updatedAt`. Each is read twice, at once and at the next turn, as a
 * console may list a threat a moment before it marks the agent. An agent that is not shown is left to the sweep.
 */
export class NoticedAgentsLane implements Lane {
  private readonly window = new ReadingWindow();
  /** Notices of the last listing: those at its end come again with the next. */
  private seen: ReadonlySet<string> = new Set();
  /** Agents to be read anew, and how often. */
  private readonly waiting = new Map<string, number>();
  /** How far notices are listed. The position follows a turn later, so that whoever takes over reads the second time too. */
  private listedTo: string | undefined;

  constructor(
    readonly name: 'threats' | 'removals',
    private readonly list: ListNotices,
    private readonly client: SentinelOneClient,
    private readonly observer: AgentObserver,
    private readonly position: Position,
    private readonly intervalMs: number,
  ) {}

  dueInMs(tookMs?: number): number {
    return atInterval(this.intervalMs, tookMs);
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
    const before = this.seen;
    const seen = new Set<string>();
    let readTo = since;
    for await (const page of this.list(this.window.from(since), signal)) {
      for (const { id, agentId, at } of page.notices) {
        seen.add(id);
        readTo = furthest(readTo, at, page);
        if (!before.has(id)) this.waiting.set(agentId, 2);
      }
      this.seen = new Set([...before, ...seen]);
    }
    this.seen = seen;
    return readTo;
  }

  private async readAgents(signal: AbortSignal): Promise<void> {
    const { client, observer } = this;
    for await (const { asked } of readById([...this.waiting.keys()], { client, observer, signal })) {
      for (const id of asked) this.readOnce(id);
    }
  }

  private readOnce(agentId: string): void {
    const left = (this.waiting.get(agentId) ?? 0) - 1;
    if (left > 0) this.waiting.set(agentId, left);
    else this.waiting.delete(agentId);
  }
}
