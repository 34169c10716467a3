import { createHash } from 'node:crypto';
import type { Agent } from './agent.js';
import { AGENT_ACTIVITY } from './activity-types.js';
import type { AgentActivity } from './activity-types.js';
import type { JsonValue } from './json.js';
import type { Threat } from './threat.js';
import { formatTimestamp } from './timestamps.js';
import type { Microseconds } from './timestamps.js';

/** A record of `GET /activities`, in the fields of real payloads. */
export interface Activity {
  readonly accountId: string;
  readonly accountName: string;
  readonly activityType: number;
  readonly activityUuid: string;
  readonly agentId: string | null;
  readonly agentUpdatedVersion: string | null;
  readonly comments: string | null;
  readonly createdAt: string;
  readonly data: { readonly [field: string]: JsonValue };
  readonly description: string | null;
  readonly groupId: string | null;
  readonly groupName: string | null;
  readonly hash: string | null;
  readonly id: string;
  readonly osFamily: string | null;
  readonly primaryDescription: string;
  readonly secondaryDescription: string | null;
  readonly siteId: string | null;
  readonly siteName: string | null;
  readonly threatId: string | null;
  readonly updatedAt: string;
  readonly userId: string | null;
}

/** What happened to `agent`, for those of threats with the threat. */
export function activityOf(
  kind: AgentActivity,
  agent: Agent,
  { id, at, threat }: { readonly id: string; readonly at: Microseconds; readonly threat?: Threat },
): Activity {
  return {
    accountId: agent.accountId,
    accountName: agent.accountName,
    activityType: AGENT_ACTIVITY[kind],
    activityUuid: uuidFrom(id),
    agentId: agent.id,
    agentUpdatedVersion: null,
    comments: null,
    createdAt: formatTimestamp(at),
    data: dataOf(agent, threat),
    description: null,
    groupId: agent.groupId,
    groupName: agent.groupName,
    hash: null,
    id,
    osFamily: agent.osType,
    primaryDescription: DESCRIPTIONS[kind](agent.computerName, threat),
    secondaryDescription: threat?.sha1 ?? null,
    siteId: agent.siteId,
    siteName: agent.siteName,
    threatId: threat?.id ?? null,
    updatedAt: formatTimestamp(at),
    userId: null,
  };
}

const DESCRIPTIONS: Record<AgentActivity, (computer: string, threat: Threat | undefined) => string> = {
  subscribed: (computer) => `${computer} subscribed and joined the group.`,
  threatDetected: (_computer, threat) =>
    `Threat with confidence level ${threat?.confidenceLevel ?? 'n/a'} detected: ${threat?.threatName ?? 'unknown'}`,
  decommissioned: (computer) => `Agent ${computer} was decommissioned.`,
  recommissioned: (computer) => `Agent ${computer} was recommissioned.`,
  uninstalled: (computer) => `Agent ${computer} was uninstalled.`,
  isolated: (computer) => `Agent ${computer} was disconnected from network.`,
  reconnected: (computer) => `Agent ${computer} was connected to network.`,
  threatResolved: (_computer, threat) =>
    `The incident status of ${threat?.threatName ?? 'unknown'} changed to ${threat?.incidentStatus ?? 'resolved'}.`,
};

function dataOf(agent: Agent, threat: Threat | undefined): Activity['data'] {
  const place = {
    accountName: agent.accountName,
    computerName: agent.computerName,
    fullScopeDetails: `Group ${agent.groupName} in Site ${agent.siteName} of Account ${agent.accountName}`,
    fullScopeDetailsPath: `Global / ${agent.accountName} / ${agent.siteName} / ${agent.groupName}`,
    groupName: agent.groupName,
    scopeLevel: 'Group',
    scopeName: agent.groupName,
    siteName: agent.siteName,
    username: null,
    uuid: agent.uuid,
  };
  if (threat === undefined) return place;
  return {
    ...place,
    confidenceLevel: threat.confidenceLevel,
    fileContentHash: threat.sha1,
    fileDisplayName: threat.threatName,
    filePath: threat.filePath,
    newIncidentStatus: threat.incidentStatus,
    threatClassification: threat.classification,
    threatClassificationSource: 'Static',
  };
}

/** A uuid that depends on the id alone, so that a scenario run again writes the same activities. */
function uuidFrom(id: string): string {
  const digest = createHash('sha256').update(id).digest('hex');
  return `${digest.slice(0, 8)}-${digest.slice(8, 12)}-4${digest.slice(13, 16)}-a${digest.slice(17, 20)}-${digest.slice(20, 32)}`;
}
