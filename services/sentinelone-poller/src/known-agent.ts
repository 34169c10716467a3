import { hash } from 'node:crypto';
import { isClean } from '@stance/policy';
import { SENTINELONE_ATTRIBUTES } from '@stance/sentinelone';
import { microsecondsOf } from './microseconds.js';
import type { Observation } from './observation.js';

/**
 * What the poller remembers of an agent's last observation: enough to see whether another one is worth telling, and no
 * more, as it is held for every agent. Its id is the table's key.
 */
export interface KnownAgent {
  readonly isPresent: boolean;
  /** Whether its attributes were free of threats and isolation; told once more when it goes. */
  readonly isClean: boolean;
  /** Of everything that counts as a change; times do not. */
  readonly digest: string;
  /** Microseconds since the epoch: the console's own order. Undefined where it says none, or none that can be. */
  reportedAt: number | undefined;
  /** Microseconds since the epoch. */
  readonly lastSeenAt: number | undefined;
  /** Milliseconds since the epoch. */
  readonly observedAt: number;
  /**
   * Monotonic milliseconds: when this process received the last answer that said so, or read back from the stream what was
   * stored. It and `reportedAt` move on with every answer that confirms the others.
   */
  answeredAt: number;
}

/** A record's time further ahead of its reading than this, in milliseconds, is an error of the record and orders nothing. */
export const MAX_AHEAD_MS = 10 * 60_000;

/** `answeredAt`: monotonic milliseconds at which the answer had been received, or the observation was read back. */
export function knownAgentOf(observation: Observation, answeredAt: number): KnownAgent {
  const observedAt = Date.parse(observation.observedAt);
  return {
    isPresent: observation.presence === 'present',
    isClean: observation.clean ?? isClean(observation.attributes),
    digest: digestOf(observation),
    reportedAt: notAhead(observation.reportedAt, observedAt),
    lastSeenAt: notAhead(observation.lastSeenAt, observedAt),
    observedAt,
    answeredAt,
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
  const values = valuesOf(attributes);
  const content = [presence, serialNumber, macAddresses, hostname, uuid, externalId, user, registeredAt, values];
  return hash('sha1', JSON.stringify(content), 'binary');
}

/** The values alone, each at its attribute's place: their names are most of the text. With names where there are others. */
function valuesOf(attributes: Observation['attributes']): unknown {
  const values: unknown[] = [];
  let told = 0;
  for (const name of SENTINELONE_ATTRIBUTES) {
    const value = attributes[name];
    values.push(value);
    if (value !== undefined) told += 1;
  }
  return told === Object.keys(attributes).length ? values : attributes;
}

/**
 * Whether what was asked for at `askedAt`, monotonic milliseconds, is a later word than the known one. Asked after that was
 * received it is, whatever its times say: a console's clock, and ours, may have been put back. Asked before, it may have been
 * overtaken on its way, and only a record that changed later by the console's own order is certainly the later one.
 */
export function isLaterWord(observation: KnownAgent, askedAt: number, known: KnownAgent | undefined): boolean {
  if (known === undefined || askedAt >= known.answeredAt) return true;
  const { reportedAt } = observation;
  return reportedAt !== undefined && known.reportedAt !== undefined && reportedAt > known.reportedAt;
}

/** Whether what is stored is this very observation, of which nobody had told us that it is. */
export function isSameWord(observation: KnownAgent, known: KnownAgent): boolean {
  return observation.digest === known.digest && observation.observedAt === known.observedAt;
}

/** Whether a later word is worth telling: the agent is new, changed, or its times moved by `freshnessStep` milliseconds. */
export function isNews(observation: KnownAgent, known: KnownAgent | undefined, freshnessStep: number): boolean {
  if (known === undefined || observation.digest !== known.digest) return true;
  return Math.abs(confirmedAt(observation) - confirmedAt(known)) >= freshnessStep;
}

/** A later word that was no news: what is known was still so. */
export function confirm(known: KnownAgent, { answeredAt, reportedAt = -Infinity }: KnownAgent): void {
  known.answeredAt = Math.max(known.answeredAt, answeredAt);
  // What changed and changed back is behind: an answer from in between, still on its way, is not the later word.
  if (reportedAt > (known.reportedAt ?? -Infinity)) known.reportedAt = reportedAt;
}

/** When the values were last known to be true: the earlier of when they were read and when the agent was last in contact. */
function confirmedAt({ observedAt, lastSeenAt }: KnownAgent): number {
  return lastSeenAt === undefined ? observedAt : Math.min(observedAt, Math.floor(lastSeenAt / 1_000));
}
