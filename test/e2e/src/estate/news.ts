import { isDeepStrictEqual } from 'node:util';

import { AgentObserved, type DataOf } from '@stance/contracts';

import { factsOf } from '../facts.js';
import type { Stack } from '../stack.js';
import { contentOf, idOf } from './truth.js';

type Observation = DataOf<typeof AgentObserved>;

/** Observations that tell nothing new: as the one before them, with times that moved by less than a freshness step. */
export async function needlessObservations(stack: Stack, freshnessStepMs: number): Promise<string[]> {
  const last = new Map<string, Observation>();
  const needless: string[] = [];
  for (const { data } of await factsOf(stack, AgentObserved)) {
    const id = idOf(data);
    const before = last.get(id);
    last.set(id, data);
    if (before === undefined || !isDeepStrictEqual(contentOf(before), contentOf(data))) continue;
    const movedMs = confirmedAt(data) - confirmedAt(before);
    if (movedMs < freshnessStepMs) needless.push(`${id} at ${data.observedAt}, ${movedMs} ms after the one before`);
  }
  return needless;
}

/** When the values were last known to be true: read, and by an agent in contact. */
function confirmedAt({ observedAt, lastSeenAt }: Observation): number {
  return Math.min(Date.parse(observedAt), Date.parse(lastSeenAt ?? observedAt));
}
