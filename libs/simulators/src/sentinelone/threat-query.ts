import { choiceRules, flagRule, idsRule, timeRules } from './filter-rules.js';
import type { FilterRules } from './filter-rules.js';
import type { SortValue } from './ordered-index.js';
import type { Threat } from './threat.js';

/** The columns threats can be sorted by. */
export const THREAT_COLUMNS: ReadonlyMap<string, (threat: Threat) => SortValue> = new Map<
  string,
  (threat: Threat) => SortValue
>([
  // Padded: ids order as the numbers they spell.
  ['id', (threat) => threat.id.padStart(20, '0')],
  ['createdAt', (threat) => threat.createdAt],
  ['updatedAt', (threat) => threat.updatedAt],
]);

/** The filters of `GET /threats` that the simulator knows; any other parameter is refused, never ignored. */
export const THREAT_FILTERS: FilterRules<Threat> = {
  ids: idsRule(),
  ...choiceRules('agentIds', (threat) => threat.agentId),
  ...choiceRules('siteIds', (threat) => threat.detectedOn.siteId),
  ...choiceRules('accountIds', (threat) => threat.detectedOn.accountId),
  ...choiceRules('groupIds', (threat) => threat.detectedOn.groupId),
  ...choiceRules('incidentStatuses', (threat) => threat.incidentStatus, ['unresolved', 'in_progress', 'resolved']),
  ...choiceRules('mitigationStatuses', (threat) => threat.mitigationStatus, [
    'not_mitigated',
    'mitigated',
    'marked_as_benign',
  ]),
  ...choiceRules('analystVerdicts', (threat) => threat.analystVerdict, [
    'undefined',
    'true_positive',
    'suspicious',
    'false_positive',
  ]),
  ...choiceRules('confidenceLevels', (threat) => threat.confidenceLevel, ['malicious', 'suspicious', 'n/a']),
  ...timeRules('createdAt', (threat) => threat.createdAt),
  ...timeRules('updatedAt', (threat) => threat.updatedAt),
  resolved: flagRule((threat) => threat.incidentStatus === 'resolved'),
};
