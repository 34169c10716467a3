import { hash } from 'node:crypto';
import { microsecondsOf } from './microseconds.js';
import type { Observation } from './observation.js';

/**
 * What the poller remembers of an agent's last observation: enough to see whether another one is worth telling, and no
 * more, as it is held for every agent. Its id is the table's key.
 */
export interface KnownAgent {
  readonly isPresent: boolean;
  /** Of everything that counts as a change; times do not. */
  readonly digest: string;
  /** Microseconds since the epoch: the console's own order. Undefined where it says none, or none that can be. */
  readonly reportedAt: number | undefined;
  /** Microseconds since the epoch. */
  readonly lastSeenAt: number | undefined;
  /** Milliseconds since the epoch. */
  readonly observedAt: number;
}

/** A record's time further ahead of its reading than this, in milliseconds, is an error of the record and orders nothing. */
export const MAX_AHEAD_MS = 10 * 60_000;

export function knownAgentOf(observation: Observation): KnownAgent {
  const observedAt = Date.parse(observation.observedAt);
  return {
    isPresent: observation.presence === 'present',
    digest: digestOf(observation),
    reportedAt: notAhead(observation.reportedAt, observedAt),
    lastSeenAt: notAhead(observation.lastSeenAt, observedAt),
    observedAt,
  };
}

function notAhead(timestamp: string | undefined, observedAt: number): number | undefined {
  if (timestamp === undefined) return undefined;
  const time = microsecondsOf(timestamp);
  return time <= (observedAt + MAX_AHEAD_MS) * 1_000 ? time : undefined;
}

/**
 * What counts as a change. Hardware is named field by field: one that was read back from the stream has its fields in
 * another order than a record's reader gives them, and would look changed after every restart. Raw bytes as text, since
 * one such text is held for every agent.
 */
function digestOf({ presence, hardware, user, registeredAt, attributes }: Observation): string {
  const { serialNumber, macAddresses, hostname, uuid, externalId } = hardware;
  const content = [presence, serialNumber, macAddresses, hostname, uuid, externalId, user, registeredAt, attributes];
  return hash('sha1', JSON.stringify(content), 'binary');
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
function confirmedAt({ observedAt, lastSeenAt }: KnownAgent): number {
  return lastSeenAt === undefined ? observedAt : Math.min(observedAt, Math.floor(lastSeenAt / 1_000));
}

function isBefore(time: number | undefined, other: number | undefined): boolean {
  return time !== undefined && other !== undefined && time < other;
}
