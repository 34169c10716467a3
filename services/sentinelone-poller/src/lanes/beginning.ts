import { readAgent, type SentinelOneClient } from '@stance/sentinelone';
import { checkpointAt } from '../checkpoint.js';
import type { Position } from '../position.js';
import { furthest } from './reading-window.js';

/**
 * Where the last poller of the source stopped; without one, the newest change as of now, and a sweep for the rest. Resolves
 * to whether the console was asked.
 */
export async function takeUp(position: Position, client: SentinelOneClient, signal: AbortSignal): Promise<boolean> {
  if (await position.load()) return false;
  const newest = await client.agentsPage({ limit: 1, sortBy: 'updatedAt', sortOrder: 'desc' }, { signal });
  const reading = newest.agents[0] === undefined ? undefined : readAgent(newest.agents[0]);
  const updatedAt = reading?.ok ? reading.agent.reportedAt : undefined;
  // An empty console, or one whose newest record is unreadable or ahead of its time: every change from the beginning counts.
  position.begin(checkpointAt(furthest(new Date(0).toISOString(), updatedAt, newest)));
  return true;
}
