import type { AgentObserved, DataOf } from '@stance/contracts';
import type { Agent } from '@stance/sentinelone';
import { timestampOf } from './microseconds.js';

export type Observation = DataOf<typeof AgentObserved>;

/**
 * The record as the event that it would be. `observedAt`: when the console's answer arrived. Field by field, as spreading
 * objects of changing shapes took as long as reading the record.
 */
export function observationOf(source: string, agent: Agent, observedAt: string): Observation {
  const { agentId, presence, hardware, attributes, goneReason, user, reportedAt, lastSeenAt, registeredAt } = agent;
  const observation: Observation = { source, agentId, presence, hardware, attributes, observedAt };
  if (goneReason !== undefined) observation.goneReason = goneReason;
  if (user !== undefined) observation.user = user;
  if (registeredAt !== undefined) observation.registeredAt = registeredAt;
  if (reportedAt !== undefined) observation.reportedAt = reportedAt;
  if (lastSeenAt !== undefined) observation.lastSeenAt = lastSeenAt;
  return observation;
}

/**
 * What is told in place of an observation that no event can hold, the fullest first: without attributes every posture
 * that asks for one denies, where saying nothing would leave the last posture in force.
 */
export function reductionsOf(observation: Observation): readonly Observation[] {
  const withoutAttributes = { ...observation, attributes: {} };
  return [withoutAttributes, { ...withoutAttributes, hardware: {} }];
}

/** The agent's last word once it is no longer listed. `lastSeenAt` in microseconds, `now` in milliseconds. */
export function goneObservation(
  source: string,
  agentId: string,
  { lastSeenAt, isClean }: { readonly lastSeenAt: number | undefined; readonly isClean: boolean },
  now: number,
): Observation {
  return {
    source,
    agentId,
    presence: 'gone',
    goneReason: 'not-in-sweep',
    hardware: {},
    attributes: {},
    // It replaces the observations before, which may not have been read by anybody.
    clean: isClean,
    ...(lastSeenAt !== undefined && { lastSeenAt: timestampOf(lastSeenAt) }),
    observedAt: new Date(now).toISOString(),
  };
}
