import type { AttributeValue, Hardware } from '@stance/contracts';
import { ATTRIBUTE_SOURCES, SENTINELONE_ATTRIBUTES } from './agent-attributes.js';
import { READERS, readDate, readText, UNREADABLE, type Reading } from './attribute-values.js';
import { readHardware } from './hardware.js';
import { isJsonObject, type JsonObject } from './json.js';
import { NOT_AN_OBJECT, readId, type RecordProblem } from './record-id.js';
import { SameShape } from './same-shape.js';

export { SENTINELONE_ATTRIBUTES } from './agent-attributes.js';

/** One agent as a SentinelOne console shows it. */
export interface Agent {
  readonly agentId: string;
  /** `gone` only when uninstalled; a decommissioned agent is present and says so in its attributes. */
  readonly presence: 'present' | 'gone';
  readonly goneReason?: 'uninstalled';
  readonly hardware: Hardware;
  /** The last user logged in. */
  readonly user?: string;
  /** By full name, such as `sentinelOne:infected`; what the record does not hold, or not readably, is not there. */
  readonly attributes: Readonly<Record<string, AttributeValue>>;
  /** When the console last changed the record (`updatedAt`): UTC, RFC 3339 with six fraction digits. */
  readonly reportedAt?: string;
  /** When the agent was last in contact with the console (`lastActiveDate`), likewise. */
  readonly lastSeenAt?: string;
  /** When the agent first registered with the console (`registeredAt`, else `createdAt`), likewise. */
  readonly registeredAt?: string;
  /** The record's fields that hold a value of a wrong type. */
  readonly unreadable: readonly string[];
}

export type AgentReading =
  { readonly ok: true; readonly agent: Agent } | { readonly ok: false; readonly problem: RecordProblem };

/**
 * Reads one record of `GET /agents` loosely: fields nobody knows are ignored, unknown enumeration values kept, missing
 * and unreadable ones left out. Never throws: a bad record is a problem of its own, not of its page.
 */
export function readAgent(raw: unknown): AgentReading {
  if (!isJsonObject(raw)) return { ok: false, problem: NOT_AN_OBJECT };
  const id = readId(raw['id']);
  if (typeof id !== 'string') return { ok: false, problem: id };

  const unreadable: string[] = [];
  const optional = (field: string, reading: Reading<string>): string | undefined => {
    if (reading !== UNREADABLE) return reading;
    unreadable.push(field);
    return undefined;
  };
  const hardware = readHardware(raw, unreadable);
  const attributes = readAttributes(raw, unreadable);
  const user = optional('lastLoggedInUserName', readText(raw['lastLoggedInUserName']));
  const reportedAt = optional('updatedAt', readDate(raw['updatedAt']));
  const lastSeenAt = optional('lastActiveDate', readDate(raw['lastActiveDate']));
  const registeredAt =
    optional('registeredAt', readDate(raw['registeredAt'])) ?? optional('createdAt', readDate(raw['createdAt']));
  const isGone = attributes['sentinelOne:isUninstalled'] === true;
  const presence = isGone ? 'gone' : 'present';
  const agent: Writable<Agent> = { agentId: id, presence, hardware, attributes, unreadable: distinct(unreadable) };
  // One by one, as spreading an object for each took as long as reading what is in it.
  if (isGone) agent.goneReason = 'uninstalled';
  if (user !== undefined) agent.user = user;
  if (reportedAt !== undefined) agent.reportedAt = reportedAt;
  if (lastSeenAt !== undefined) agent.lastSeenAt = lastSeenAt;
  if (registeredAt !== undefined) agent.registeredAt = registeredAt;
  return { ok: true, agent };
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

function distinct(fields: readonly string[]): readonly string[] {
  return fields.length < 2 ? fields : [...new Set(fields)];
}

const READINGS = ATTRIBUTE_SOURCES.map(({ field, type }) => ({ field, read: READERS[type] }));
const ATTRIBUTES = new SameShape<AttributeValue>(SENTINELONE_ATTRIBUTES);

function readAttributes(record: JsonObject, unreadable: string[]): Record<string, AttributeValue> {
  return ATTRIBUTES.of(
    READINGS.map(({ field, read }) => {
      const value = read(record[field]);
      if (value !== UNREADABLE) return value;
      unreadable.push(field);
      return undefined;
    }),
  );
}
