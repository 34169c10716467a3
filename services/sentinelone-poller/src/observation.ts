import { hash } from 'node:crypto';
import type { AgentObserved, DataOf } from '@stance/contracts';
import type { Agent } from '@stance/sentinelone';

export type Observation = DataOf<typeof AgentObserved>;

/** What the poller remembers of an agent's last observation: enough to see whether another one is worth telling. */
export interface KnownAgent {
  readonly agentId: string;
  readonly presence: Observation['presence'];
  /** Of everything that counts as a change; times do not. */
  readonly digest: string;
  readonly reportedAt: string | undefined;
  readonly lastSeenAt: string | undefined;
  readonly observedAt: string;
}

export function knownAgentOf(observation: Observation): KnownAgent {
  const { agentId, presence, reportedAt, lastSeenAt, observedAt } = observation;
  return { agentId, presence, digest: digestOf(observation), reportedAt, lastSeenAt, observedAt };
}

/**
 * What counts as a change. Hardware is named field by field: one that was read back from the stream has its fields in
 * another order than a record's reader gives them, and would look changed after every restart.
 */
function digestOf({ presence, hardware, user, attributes }: Observation): string {
  const { serialNumber, macAddresses, hostname, uuid, externalId } = hardware;
  const text = JSON.stringify([presence, serialNumber, macAddresses, hostname, uuid, externalId, user, attributes]);
  return hash('sha1', text, 'base64');
}

/** The record as the event that it would be. `readAt` in milliseconds: when the console's answer arrived. */
export function observationOf(
  source: string,
  { unreadable: _unreadable, ...agent }: Agent,
  readAt: number,
): Observation {
  return { source, ...agent, observedAt: new Date(readAt).toISOString() };
}

/**
 * Whether an observation is to be published: the agent is new, changed, or its times moved by `freshnessStep` milliseconds.
 * What was read or reported before the known observation is never news, however it differs: answers overtake each other.
 */
export function isNews(observation: KnownAgent, known: KnownAgent | undefined, freshnessStep: number): boolean {
  if (known === undefined) return true;
  // The console's own clock orders its reports; ours may have been set back, or be another replica's.
  if (isBefore(observation.reportedAt, known.reportedAt)) return false;
  if (!isBefore(known.reportedAt, observation.reportedAt) && observation.observedAt < known.observedAt) return false;
  if (observation.digest !== known.digest) return true;
  return confirmedAt(observation) - confirmedAt(known) >= freshnessStep;
}

/** When the values were last known to be true: the earlier of when they were read and when the agent was last in contact. */
function confirmedAt({ observedAt, lastSeenAt }: Pick<KnownAgent, 'observedAt' | 'lastSeenAt'>): number {
  const observed = Date.parse(observedAt);
  return lastSeenAt === undefined ? observed : Math.min(observed, Date.parse(lastSeenAt));
}

function isBefore(time: string | undefined, other: string | undefined): boolean {
  return time !== undefined && other !== undefined && time < other;
}

/** The agent's last word once it is no longer listed. */
export function goneObservation(source: string, { agentId, lastSeenAt }: KnownAgent, now: number): Observation {
  return {
    source,
    agentId,
    presence: 'gone',
    goneReason: 'not-in-sweep',
    hardware: {},
    attributes: {},
    ...(lastSeenAt !== undefined && { lastSeenAt }),
    observedAt: new Date(now).toISOString(),
  };
}
