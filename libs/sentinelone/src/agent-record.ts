import type { AttributeValue, Hardware } from '@stance/contracts';
import { ATTRIBUTE_SOURCES } from './agent-attributes.js';
import { READERS, readDate, readText, UNREADABLE, type Reading } from './attribute-values.js';
import { readHardware } from './hardware.js';
import { isJsonObject, type JsonObject } from './json.js';
import { NOT_AN_OBJECT, readId, type RecordProblem } from './record-id.js';

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
  const gone = attributes['sentinelOne:isUninstalled'] === true;
  return {
    ok: true,
    agent: {
      agentId: id,
      presence: gone ? 'gone' : 'present',
      ...(gone && { goneReason: 'uninstalled' }),
      hardware,
      ...(user !== undefined && { user }),
      attributes,
      ...(reportedAt !== undefined && { reportedAt }),
      ...(lastSeenAt !== undefined && { lastSeenAt }),
      ...(registeredAt !== undefined && { registeredAt }),
      unreadable: [...new Set(unreadable)],
    },
  };
}

const READINGS = ATTRIBUTE_SOURCES.map(({ name, field, type }) => ({ name, field, read: READERS[type] }));

function readAttributes(record: JsonObject, unreadable: string[]): Record<string, AttributeValue> {
  const attributes: Record<string, AttributeValue> = {};
  for (const { name, field, read } of READINGS) {
    const value = read(record[field]);
    if (value === UNREADABLE) unreadable.push(field);
    else if (value !== undefined) attributes[name] = value;
  }
  return attributes;
}
