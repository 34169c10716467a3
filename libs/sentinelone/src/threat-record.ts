import { readDate } from './attribute-values.js';
import { isJsonObject, isMissing, type JsonObject } from './json.js';
import { NOT_AN_OBJECT, readId, type RecordProblem } from './record-id.js';

/** A threat, as far as it says which agent to read anew. */
export interface Threat {
  readonly threatId: string;
  readonly agentId: string;
  /** When the console last changed the threat: UTC, RFC 3339 with six fraction digits. */
  readonly updatedAt?: string;
}

export type ThreatReading =
  { readonly ok: true; readonly threat: Threat } | { readonly ok: false; readonly problem: RecordProblem };

/**
 * Reads one record of `GET /threats` in both forms seen: details below `threatInfo`, `agentRealtimeInfo` and
 * `agentDetectionInfo` (v2.1), or all in the record itself (as in v2.0, still sent). A threat holds no serial number, so
 * the agent's id is all there is to go by. Never throws.
 */
export function readThreat(raw: unknown): ThreatReading {
  if (!isJsonObject(raw)) return { ok: false, problem: NOT_AN_OBJECT };
  const info = part(raw, 'threatInfo');
  const threatId = readId(firstOf(raw['id'], info['threatId']), 'threat');
  if (typeof threatId !== 'string') return { ok: false, problem: threatId };
  const agentId = readId(
    firstOf(part(raw, 'agentRealtimeInfo')['agentId'], part(raw, 'agentDetectionInfo')['agentId'], raw['agentId']),
    'agent of the threat',
  );
  if (typeof agentId !== 'string') return { ok: false, problem: agentId };
  const updatedAt = readDate(firstOf(info['updatedAt'], raw['updatedAt']));
  return { ok: true, threat: { threatId, agentId, ...(typeof updatedAt === 'string' && { updatedAt }) } };
}

function part(record: JsonObject, field: string): JsonObject {
  const value = record[field];
  return isJsonObject(value) ? value : {};
}

/** The first value that is there. */
function firstOf(...values: readonly unknown[]): unknown {
  return values.find((value) => !isMissing(value) && value !== '');
}
