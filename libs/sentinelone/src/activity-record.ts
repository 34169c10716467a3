import { readDate, READERS } from './attribute-values.js';
import { isJsonObject } from './json.js';
import { NOT_AN_OBJECT, readId, type RecordProblem } from './record-id.js';

/** Something that happened in the console, as far as it says which agent to read anew. */
export interface Activity {
  readonly activityId: string;
  readonly activityType: number;
  /** Not there for what concerns no agent. */
  readonly agentId?: string;
  /** When it happened: UTC, RFC 3339 with six fraction digits. */
  readonly createdAt?: string;
}

/** Why a record is no activity. */
export interface ActivityProblem {
  readonly code: RecordProblem['code'] | 'no-type';
  readonly message: string;
}

export type ActivityReading =
  { readonly ok: true; readonly activity: Activity } | { readonly ok: false; readonly problem: ActivityProblem };

/** Reads one record of `GET /activities`. Never throws. */
export function readActivity(raw: unknown): ActivityReading {
  if (!isJsonObject(raw)) return { ok: false, problem: NOT_AN_OBJECT };
  const activityId = readId(raw['id'], 'activity');
  if (typeof activityId !== 'string') return { ok: false, problem: activityId };
  const activityType = READERS.integer(raw['activityType']);
  if (typeof activityType !== 'number') {
    return { ok: false, problem: { code: 'no-type', message: 'The type of the activity is not a number' } };
  }
  const agentId = readId(raw['agentId'], 'agent of the activity');
  if (typeof agentId !== 'string' && agentId.code === 'unusable-id') return { ok: false, problem: agentId };
  const createdAt = readDate(raw['createdAt']);
  return {
    ok: true,
    activity: {
      activityId,
      activityType,
      ...(typeof agentId === 'string' && { agentId }),
      ...(typeof createdAt === 'string' && { createdAt }),
    },
  };
}
