import type { AnswerSpan, SentinelOneClient } from '@stance/sentinelone';
import type { AgentObserver } from '../agent-observer.js';

/** Ids in one request, about 20 characters each: the address stays far below what proxies refuse. */
const IDS_PER_REQUEST = 100;

/** What became of asking for some agents by their ids. */
export interface AgentsShown extends Pick<AnswerSpan, 'askedAt' | 'answeredAt' | 'traceparent'> {
  /** Those that were asked for. */
  readonly asked: readonly string[];
  /** Those of them that the console did not show. The others are observed, and what was news of them is stored. */
  readonly absent: readonly string[];
  /** Records that name no agent. */
  readonly unreadable: number;
}

export interface AgentsById {
  readonly client: SentinelOneClient;
  readonly observer: AgentObserver;
  readonly signal: AbortSignal;
  /** Lets shorter listings go first. Default false. */
  readonly patient?: boolean;
}

/** Reads just these agents, however many, and observes who is shown. */
export async function* readById(
  agentIds: readonly string[],
  { client, observer, signal, patient = false }: AgentsById,
): AsyncGenerator<AgentsShown, void, undefined> {
  for (let start = 0; start < agentIds.length; start += IDS_PER_REQUEST) {
    const ids = agentIds.slice(start, start + IDS_PER_REQUEST);
    const shown = new Set<string>();
    let unreadable = 0;
    let [askedAt, answeredAt] = [Infinity, -Infinity];
    let traceparent: string | undefined;
    for await (const page of client.agentPages({ filters: { ids }, patient }, { signal })) {
      const observed = await observer.observe(page);
      await observed.stored;
      for (const agentId of observed.agentIds) shown.add(agentId);
      unreadable += observed.unreadable;
      askedAt = Math.min(askedAt, page.askedAt);
      answeredAt = Math.max(answeredAt, page.answeredAt);
      traceparent = page.traceparent;
    }
    const absent = ids.filter((agentId) => !shown.has(agentId));
    yield { asked: ids, absent, unreadable, askedAt, answeredAt, traceparent };
  }
}
