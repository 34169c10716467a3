import type { Agent } from './agent.js';
import type { Microseconds } from './timestamps.js';
import { formatTimestamp } from './timestamps.js';

/** A threat as the tenant holds it; `GET /threats` adds what is known of its agent at that moment. */
export interface Threat {
  readonly id: string;
  readonly agentId: string;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly threatName: string;
  readonly classification: string;
  readonly confidenceLevel: 'malicious' | 'suspicious' | 'n/a';
  readonly incidentStatus: 'unresolved' | 'in_progress' | 'resolved';
  readonly mitigationStatus: 'not_mitigated' | 'mitigated' | 'marked_as_benign';
  readonly analystVerdict: 'undefined' | 'true_positive' | 'suspicious' | 'false_positive';
  readonly filePath: string;
  readonly sha1: string;
  /** The agent at the moment of detection. */
  readonly detectedOn: Agent;
}

/** What a scenario may say of the threat it plants. */
export type ThreatDetails = Partial<Pick<Threat, 'threatName' | 'classification' | 'confidenceLevel' | 'filePath'>>;

/** A fresh, unresolved threat on `agent`. */
export function detectThreat(agent: Agent, id: string, at: Microseconds, details: ThreatDetails): Threat {
  const threatName = details.threatName ?? 'eicar.com';
  return {
    id,
    agentId: agent.id,
    createdAt: formatTimestamp(at),
    updatedAt: formatTimestamp(at),
    threatName,
    classification: details.classification ?? 'Malware',
    confidenceLevel: details.confidenceLevel ?? 'malicious',
    incidentStatus: 'unresolved',
    mitigationStatus: 'not_mitigated',
    analystVerdict: 'undefined',
    filePath: details.filePath ?? downloadPath(agent, threatName),
    sha1: '3395856ce81f2b7382dee72602f798b642f14140',
    detectedOn: agent,
  };
}

function downloadPath(agent: Agent, file: string): string {
  const user = agent.lastLoggedInUserName;
  if (agent.osType === 'macos') return `/Users/${user}/Downloads/${file}`;
  if (agent.osType === 'linux') return `/home/${user}/Downloads/${file}`;
  return `\\Device\\HarddiskVolume3\\Users\\${user}\\Downloads\\${file}`;
}

/** True while the threat counts towards its agent's `activeThreats`. */
export function isActiveThreat(threat: Threat): boolean {
  return threat.mitigationStatus === 'not_mitigated' && threat.incidentStatus !== 'resolved';
}

/** The threat on the wire: `agentRealtimeInfo` is the agent as it is now and carries no serial number. */
export function threatJson(threat: Threat, agent: Agent): string {
  return JSON.stringify({
    agentDetectionInfo: detectionInfo(threat.detectedOn),
    agentRealtimeInfo: realtimeInfo(agent),
    containerInfo: { id: null, image: null, labels: null, name: null },
    id: threat.id,
    indicators: [],
    kubernetesInfo: { cluster: null, controllerKind: null, namespace: null, node: null, pod: null },
    mitigationStatus: [],
    threatInfo: threatInfo(threat),
    whiteningOptions: ['hash', 'path'],
  });
}

function detectionInfo(agent: Agent): object {
  return {
    accountId: agent.accountId,
    accountName: agent.accountName,
    agentDetectionState: agent.detectionState,
    agentDomain: agent.domain,
    agentIpV4: agent.lastIpToMgmt,
    agentLastLoggedInUserName: agent.lastLoggedInUserName,
    agentMitigationMode: agent.mitigationMode,
    agentOsName: agent.osName,
    agentOsRevision: agent.osRevision,
    agentRegisteredAt: agent.registeredAt,
    agentUuid: agent.uuid,
    agentVersion: agent.agentVersion,
    cloudProviders: agent.cloudProviders,
    externalIp: agent.externalIp,
    groupId: agent.groupId,
    groupName: agent.groupName,
    siteId: agent.siteId,
    siteName: agent.siteName,
  };
}

function realtimeInfo(agent: Agent): object {
  return {
    accountId: agent.accountId,
    accountName: agent.accountName,
    activeThreats: agent.activeThreats,
    agentComputerName: agent.computerName,
    agentDecommissionedAt: agent.isDecommissioned ? agent.updatedAt : null,
    agentDomain: agent.domain,
    agentId: agent.id,
    agentInfected: agent.infected,
    agentIsActive: agent.isActive,
    agentIsDecommissioned: agent.isDecommissioned,
    agentMachineType: agent.machineType,
    agentMitigationMode: agent.mitigationMode,
    agentNetworkStatus: agent.networkStatus,
    agentOsName: agent.osName,
    agentOsRevision: agent.osRevision,
    agentOsType: agent.osType,
    agentUuid: agent.uuid,
    agentVersion: agent.agentVersion,
    groupId: agent.groupId,
    groupName: agent.groupName,
    networkInterfaces: agent.networkInterfaces.map(({ id, inet, inet6, name, physical }) => ({
      id,
      inet,
      inet6,
      name,
      physical,
    })),
    operationalState: agent.operationalState,
    rebootRequired: agent.threatRebootRequired,
    scanFinishedAt: agent.scanFinishedAt,
    scanStartedAt: agent.scanStartedAt,
    scanStatus: agent.scanStatus,
    siteId: agent.siteId,
    siteName: agent.siteName,
    storageName: agent.storageName,
    storageType: agent.storageType,
    userActionsNeeded: agent.userActionsNeeded,
  };
}

function threatInfo(threat: Threat): object {
  return {
    analystVerdict: threat.analystVerdict,
    automaticallyResolved: false,
    classification: threat.classification,
    classificationSource: 'Static',
    cloudFilesHashVerdict: 'black',
    collectionId: threat.id,
    confidenceLevel: threat.confidenceLevel,
    createdAt: threat.createdAt,
    detectionType: 'static',
    engines: ['On-Write DFI'],
    externalTicketExists: false,
    externalTicketId: null,
    failedActions: false,
    fileExtensionType: 'Executable',
    filePath: threat.filePath,
    fileSize: 68,
    identifiedAt: threat.createdAt,
    incidentStatus: threat.incidentStatus,
    initiatedBy: 'agent_policy',
    isFileless: false,
    md5: null,
    mitigatedPreemptively: false,
    mitigationStatus: threat.mitigationStatus,
    pendingActions: false,
    processUser: threat.detectedOn.lastLoggedInUserName,
    rebootRequired: false,
    sha1: threat.sha1,
    sha256: null,
    threatId: threat.id,
    threatName: threat.threatName,
    updatedAt: threat.updatedAt,
  };
}
