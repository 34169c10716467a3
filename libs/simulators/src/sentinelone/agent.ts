import type { JsonValue } from './json.js';

/** One network card as an agent reports it. `physical` is the MAC address. */
export interface NetworkInterface {
  readonly id: string;
  readonly name: string;
  readonly physical: string;
  readonly inet: readonly string[];
  readonly inet6: readonly string[];
  readonly gatewayIp: string | null;
  readonly gatewayMacAddress: string | null;
}

/** Directory data of the computer and its last user. */
export interface ActiveDirectory {
  readonly computerDistinguishedName: string | null;
  readonly computerMemberOf: readonly string[];
  readonly lastUserDistinguishedName: string | null;
  readonly lastUserMemberOf: readonly string[];
  readonly mail: string | null;
  readonly userPrincipalName: string | null;
}

/**
 * An agent as `GET /web/api/v2.1/agents` spells it: the field set of the console's 2.1 specification and the newer
 * fields seen in 2025 payloads. Times are UTC with microseconds (`osStartTime` without a fraction), ids are strings of
 * 18 to 19 digits. `serialNumber` may be missing, null, empty or a placeholder.
 */
export interface Agent {
  readonly id: string;
  readonly uuid: string;
  readonly accountId: string;
  readonly accountName: string;
  readonly activeDirectory: ActiveDirectory;
  readonly activeProtection: readonly string[];
  readonly activeThreats: number;
  readonly agentVersion: string;
  readonly allowRemoteShell: boolean;
  readonly appsVulnerabilityStatus: 'patch_required' | 'up_to_date' | 'not_applicable';
  readonly cloudProviders: { readonly [provider: string]: JsonValue };
  readonly computerName: string;
  readonly consoleMigrationStatus: 'N/A' | 'Pending' | 'Migrated' | 'Failed';
  readonly containerizedWorkloadCounts: JsonValue;
  readonly coreCount: number;
  readonly cpuCount: number;
  readonly cpuId: string;
  readonly createdAt: string;
  readonly detectionState: string | null;
  readonly domain: string;
  /** Disk encryption, whatever the name says. */
  readonly encryptedApplications: boolean;
  readonly externalId: string;
  readonly externalIp: string;
  /** SentinelOne's own Firewall Control, not the operating system's firewall. */
  readonly firewallEnabled: boolean;
  readonly firstFullModeTime: string | null;
  readonly fullDiskScanLastUpdatedAt: string | null;
  readonly groupId: string;
  readonly groupIp: string;
  readonly groupName: string;
  readonly groupUpdatedAt: string | null;
  readonly hasContainerizedWorkload: boolean;
  readonly inRemoteShellSession: boolean;
  readonly infected: boolean;
  readonly installerType: string;
  readonly isActive: boolean;
  readonly isAdConnector: boolean;
  readonly isDecommissioned: boolean;
  readonly isHyperAutomate: boolean;
  readonly isPendingUninstall: boolean;
  readonly isUninstalled: boolean;
  readonly isUpToDate: boolean;
  readonly lastActiveDate: string;
  readonly lastIpToMgmt: string;
  readonly lastLoggedInUserName: string;
  readonly lastSuccessfulScanDate: string | null;
  readonly licenseKey: string;
  readonly locationEnabled: boolean;
  readonly locationType: 'not_applicable' | 'not_supported' | 'specific' | 'fallback';
  readonly locations: readonly { readonly id: string; readonly name: string; readonly scope: string }[];
  readonly machineSid: string | null;
  readonly machineType: 'unknown' | 'desktop' | 'laptop' | 'server' | 'kubernetes node' | 'storage';
  readonly missingPermissions: readonly string[];
  readonly mitigationMode: 'detect' | 'protect';
  readonly mitigationModeSuspicious: 'detect' | 'protect';
  readonly modelName: string;
  readonly networkInterfaces: readonly NetworkInterface[];
  readonly networkQuarantineEnabled: boolean;
  /** `disconnected` means isolated by SentinelOne, not offline. */
  readonly networkStatus: 'connected' | 'disconnected' | 'connecting' | 'disconnecting';
  /** A free string on purpose: consoles report states that no specification lists. */
  readonly operationalState: string;
  readonly operationalStateExpiration: string | null;
  readonly osArch: string;
  readonly osName: string;
  readonly osRevision: string;
  readonly osStartTime: string;
  readonly osType: 'windows' | 'windows_legacy' | 'linux' | 'macos';
  readonly osUsername: string | null;
  readonly policyUpdatedAt: string | null;
  readonly proxyStates: JsonValue;
  readonly rangerStatus: 'NotApplicable' | 'Enabled' | 'Disabled';
  readonly rangerVersion: string | null;
  readonly registeredAt: string;
  readonly remoteProfilingState: string;
  readonly remoteProfilingStateExpiration: string | null;
  readonly scanAbortedAt: string | null;
  readonly scanFinishedAt: string | null;
  readonly scanStartedAt: string | null;
  readonly scanStatus: 'none' | 'started' | 'aborted' | 'finished';
  readonly serialNumber?: string | null;
  readonly showAlertIcon: boolean;
  readonly siteId: string;
  readonly siteName: string;
  readonly storageName: string | null;
  readonly storageType: string | null;
  readonly tags: { readonly sentinelone: readonly JsonValue[] };
  readonly threatRebootRequired: boolean;
  readonly totalMemory: number;
  readonly updatedAt: string;
  readonly userActionsNeeded: readonly string[];
}

/** Fields of an agent that a scenario may set; `id` is the agent's identity and `updatedAt` belongs to the tenant. */
export type AgentPatch = Partial<Omit<Agent, 'id' | 'updatedAt'>>;
