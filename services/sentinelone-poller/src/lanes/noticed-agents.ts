import type { SentinelOneClient } from '@stance/sentinelone';
import type { AgentObserver } from '../agent-observer.js';
import type { Position } from '../position.js';
import { atInterval, type Lane } from './lane.js';
import type { ListNotices } from './notices.js';
import { furthest, ReadingWindow } from './reading-window.js';

/** Ids in one request, about 20 characters each: the address stays far below what proxies refuse. */
const IDS_PER_REQUEST = 100;

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

  async read(signal: AbortSignal): Promise<void> {
    const startedAt = performance.now();
    const place = this.name === 'threats' ? 'threatsReadTo' : 'removalsReadTo';
    const since = this.position.current[place];
    const seen = new Set<string>();
    let readTo = since;
    for await (const page of this.list(this.window.from(since), signal)) {
      for (const { id, agentId, at } of page.notices) {
        seen.add(id);
        readTo = furthest(readTo, at, page);
        if (!this.seen.has(id)) this.waiting.set(agentId, 2);
      }
    }
    this.seen = seen;
    await this.readAgents(signal);
    this.window.completed(readTo, startedAt);
    if (readTo !== since) await this.position.move({ [place]: readTo });
  }

  private async readAgents(signal: AbortSignal): Promise<void> {
    const agentIds = [...this.waiting.keys()];
    for (let start = 0; start < agentIds.length; start += IDS_PER_REQUEST) {
      const ids = agentIds.slice(start, start + IDS_PER_REQUEST);
      for await (const page of this.client.agentPages({ filters: { ids } }, { signal })) {
        await (
          await this.observer.observe(page)
        ).stored;
      }
      for (const id of ids) this.readOnce(id);
    }
  }

  private readOnce(agentId: string): void {
    const left = (this.waiting.get(agentId) ?? 0) - 1;
    if (left > 0) this.waiting.set(agentId, left);
    else this.waiting.delete(agentId);
  }
}
