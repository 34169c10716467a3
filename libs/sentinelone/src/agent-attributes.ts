/** How a field of the agent record is read; the policy catalogue declares the same types. */
export type AttributeType = 'boolean' | 'integer' | 'string' | 'version' | 'date' | 'list' | 'tags' | 'locations';

/** One attribute of an agent: its name in policies without `sentinelOne:`, the field it is read from, how it is read. */
export interface AttributeSource {
  readonly name: string;
  readonly field: string;
  readonly type: AttributeType;
}

const attribute = (type: AttributeType, ...fields: string[]): AttributeSource[] =>
  fields.map((field) => ({ name: `sentinelOne:${field}`, field, type }));

/**
 * Every attribute read from an agent record of `GET /web/api/v2.1/agents` (fields and types: console swagger 2.1).
 *
 * Left out on purpose: what moves with every heartbeat or network (`updatedAt`, `lastActiveDate`, addresses), so that
 * an unchanged posture stays an unchanged record; the times travel beside the attributes.
 */
export const ATTRIBUTE_SOURCES: readonly AttributeSource[] = [
  // Is the agent there, whole and up to date?
  ...attribute('boolean', 'isActive', 'isUpToDate', 'isDecommissioned', 'isUninstalled', 'isPendingUninstall'),
  ...attribute('version', 'agentVersion'),
  ...attribute('string', 'operationalState', 'detectionState', 'consoleMigrationStatus'),
  ...attribute('date', 'operationalStateExpiration', 'registeredAt'),
  ...attribute('list', 'userActionsNeeded', 'missingPermissions', 'activeProtection'),

  // Is the machine under attack, and how would the agent answer?
  ...attribute('boolean', 'infected', 'threatRebootRequired'),
  ...attribute('integer', 'activeThreats'),
  ...attribute('string', 'mitigationMode', 'mitigationModeSuspicious', 'appsVulnerabilityStatus', 'scanStatus'),
  ...attribute('date', 'scanStartedAt', 'scanFinishedAt', 'scanAbortedAt', 'lastSuccessfulScanDate'),

  // `networkStatus` disconnected means isolated by SentinelOne; `firewallEnabled` is SentinelOne's own firewall;
  // `encryptedApplications` is the state of disk encryption.
  ...attribute('string', 'networkStatus'),
  ...attribute('boolean', 'networkQuarantineEnabled', 'firewallEnabled', 'encryptedApplications'),
  ...attribute('boolean', 'allowRemoteShell', 'inRemoteShellSession'),
  ...attribute('string', 'remoteProfilingState', 'rangerStatus', 'locationType'),
  ...attribute('locations', 'locations'),

  // Which machine is it, and where does it belong?
  ...attribute('string', 'machineType', 'modelName', 'osType', 'osName', 'osRevision', 'osArch', 'domain'),
  ...attribute('date', 'osStartTime'),
  ...attribute('string', 'siteId', 'siteName', 'groupId', 'groupName', 'accountId', 'accountName', 'externalId'),
  ...attribute('tags', 'tags'),
];

/** The full names of all attributes a SentinelOne agent can have, as policies write them. */
export const SENTINELONE_ATTRIBUTES: readonly string[] = ATTRIBUTE_SOURCES.map(({ name }) => name);
