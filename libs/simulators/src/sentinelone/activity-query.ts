import type { Activity } from './activity.js';
import { choiceRules, idsRule, timeRules } from './filter-rules.js';
import type { FilterRules } from './filter-rules.js';
import type { SortValue } from './ordered-index.js';

/** The columns activities can be sorted by. */
export const ACTIVITY_COLUMNS: ReadonlyMap<string, (activity: Activity) => SortValue> = new Map<
  string,
  (activity: Activity) => SortValue
>([
  // Padded: ids order as the numbers they spell.
  ['id', (activity) => activity.id.padStart(20, '0')],
  ['createdAt', (activity) => activity.createdAt],
  ['activityType', (activity) => activity.activityType],
]);

/** The filters of `GET /activities` that the simulator knows; any other parameter is refused, never ignored. */
export const ACTIVITY_FILTERS: FilterRules<Activity> = {
  ids: idsRule(),
  ...choiceRules('activityTypes', (activity) => String(activity.activityType)),
  ...choiceRules('activityUuids', (activity) => activity.activityUuid),
  ...choiceRules('agentIds', (activity) => activity.agentId ?? ''),
  ...choiceRules('threatIds', (activity) => activity.threatId ?? ''),
  ...choiceRules('siteIds', (activity) => activity.siteId ?? ''),
  ...choiceRules('accountIds', (activity) => activity.accountId),
  ...choiceRules('groupIds', (activity) => activity.groupId ?? ''),
  ...timeRules('createdAt', (activity) => activity.createdAt),
};
