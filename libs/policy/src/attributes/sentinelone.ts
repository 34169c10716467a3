import type { AttributeDefinition, AttributeDefinitions, AttributeType } from './definition.js';

type Extras = Partial<Pick<AttributeDefinition, 'values' | 'worse' | 'clean' | 'remedy'>>;

/** An attribute that has the name of the agent record's field. */
const field = (name: string, type: AttributeType, description: string, extras: Extras = {}): AttributeDefinitions => ({
  [`sentinelOne:${name}`]: { type, origin: 'agent', from: `agent record, ${name}`, description, ...extras },
});

const ASK_IT = 'Ask IT to look at the agent in the SentinelOne console.';
const MITIGATION = ['protect', 'detect'];

/**
 * The SentinelOne agent record of `GET /web/api/v2.1/agents` (console swagger 2.1), names as Tailscale's where it has
 * them. Enumerations are the documented ones: a value that a newer console adds counts as unknown until listed here.
 */
export const sentinelOneAttributes: AttributeDefinitions = {
  ...field('isActive', 'boolean', 'The agent was recently in contact with the console.', {
    worse: 'false',
    remedy: 'Start the SentinelOne agent and connect the machine to the internet.',
  }),
  ...field('isUpToDate', 'boolean', 'The agent has the version that the console wants it to have.', {
    worse: 'false',
    remedy: 'Update the SentinelOne agent.',
  }),
  ...field('isDecommissioned', 'boolean', 'The agent was decommissioned in the console.', {
    worse: 'true',
    remedy: 'Ask IT to bring the agent back into service, or use another machine.',
  }),
  ...field('isUninstalled', 'boolean', 'The agent was removed from the machine.', {
    worse: 'true',
    remedy: 'Install the SentinelOne agent.',
  }),
  ...field('isPendingUninstall', 'boolean', 'An uninstall of the agent was requested.', {
    worse: 'true',
    remedy: ASK_IT,
  }),
  ...field('agentVersion', 'version', 'Version of the agent.', {
    worse: 'smaller',
    remedy: 'Update the SentinelOne agent.',
  }),
  ...field('operationalState', 'string', 'Whether the agent works in full (na) or how far it is disabled.', {
    values: [
      'na',
      'partially_disabled',
      'auto_partially_disabled',
      'fully_disabled',
      'auto_fully_disabled',
      'disabled_error',
      'db_corruption',
    ],
    worse: 'last',
    remedy: ASK_IT,
  }),
  ...field('operationalStateExpiration', 'date', 'When the agent leaves its operational state.'),
  ...field('detectionState', 'string', 'Detection state as the console words it; free text.'),
  ...field('consoleMigrationStatus', 'string', 'How far a move of the agent to another console is.', {
    values: ['N/A', 'Pending', 'Migrated', 'Failed'],
  }),
  ...field('registeredAt', 'date', 'When the agent was registered with the console first.'),
  ...field('userActionsNeeded', 'list', 'What the user of the machine is asked to do for the agent.', {
    values: [
      'none',
      'reboot_needed',
      'user_action_needed',
      'upgrade_needed',
      'incompatible_os',
      'unprotected',
      'user_action_needed_fda',
      'user_action_needed_rs_fda',
      'user_action_needed_network',
      'rebootless_without_dynamic_detection',
      'extended_exclusions_partially_accepted',
      'user_action_needed_bluetooth_per',
    ],
    remedy: 'Do what the SentinelOne agent on the machine asks for, such as a restart.',
  }),
  ...field('missingPermissions', 'list', 'Permissions of the operating system that the agent lacks.', {
    remedy: 'Grant the SentinelOne agent the permissions that it asks for in the system settings.',
  }),
  ...field('activeProtection', 'list', 'Protection features that are active, such as edr.'),

  ...field('infected', 'boolean', 'The agent has active threats.', {
    worse: 'true',
    clean: false,
    remedy: 'Leave the machine on and ask security to resolve the threats.',
  }),
  ...field('activeThreats', 'number', 'How many threats are active.', {
    worse: 'greater',
    clean: 0,
    remedy: 'Leave the machine on and ask security to resolve the threats.',
  }),
  ...field('threatRebootRequired', 'boolean', 'A threat is only dealt with after a restart.', {
    worse: 'true',
    clean: false,
    remedy: 'Restart the machine.',
  }),
  ...field('mitigationMode', 'string', 'What the agent does about threats.', {
    values: MITIGATION,
    worse: 'last',
    remedy: ASK_IT,
  }),
  ...field('mitigationModeSuspicious', 'string', 'What the agent does about suspicious activity.', {
    values: MITIGATION,
    worse: 'last',
    remedy: ASK_IT,
  }),
  ...field('appsVulnerabilityStatus', 'string', 'Whether installed applications lack patches.', {
    values: ['not_applicable', 'up_to_date', 'patch_required'],
    worse: 'last',
    remedy: 'Update the applications on the machine.',
  }),
  ...field('scanStatus', 'string', 'State of the last full-disk scan.', {
    values: ['finished', 'started', 'none', 'aborted'],
    worse: 'last',
    remedy: 'Have the agent finish a full-disk scan.',
  }),
  ...field('scanStartedAt', 'date', 'When the last scan started.', { worse: 'smaller' }),
  ...field('scanFinishedAt', 'date', 'When the last scan finished.', { worse: 'smaller' }),
  ...field('scanAbortedAt', 'date', 'When the last scan was aborted.'),
  ...field('lastSuccessfulScanDate', 'date', 'When a scan last succeeded.', { worse: 'smaller' }),

  ...field(
    'networkStatus',
    'string',
    'Whether SentinelOne lets the machine use the network; disconnected is isolated.',
    {
      values: ['connected', 'connecting', 'disconnecting', 'disconnected'],
      worse: 'last',
      clean: 'connected',
      remedy: 'Ask security why the machine is isolated.',
    },
  ),
  ...field('networkQuarantineEnabled', 'boolean', 'The agent isolates the machine when it finds a threat.', {
    worse: 'false',
  }),
  ...field('firewallEnabled', 'boolean', "SentinelOne's own firewall is on, which is not the operating system's.", {
    worse: 'false',
    remedy: 'Ask IT to enable Firewall Control for this agent.',
  }),
  ...field('encryptedApplications', 'boolean', 'The disk is encrypted, despite the name.', {
    worse: 'false',
    remedy: 'Turn on disk encryption (BitLocker, FileVault or LUKS).',
  }),
  ...field('allowRemoteShell', 'boolean', 'The console may open a shell on the machine.', { worse: 'true' }),
  ...field('inRemoteShellSession', 'boolean', 'The console has a shell open on the machine.', { worse: 'true' }),
  ...field('remoteProfilingState', 'string', 'State of remote profiling; free text.'),
  ...field('rangerStatus', 'string', 'Whether the agent serves network discovery.', {
    values: ['NotApplicable', 'Enabled', 'Disabled'],
  }),
  ...field('locationType', 'string', 'How the agent knows where it is.', {
    values: ['not_applicable', 'not_supported', 'specific', 'fallback'],
  }),
  ...field('locations', 'list', 'Names of the locations that the agent reports.'),

  ...field('machineType', 'string', 'Kind of machine.', {
    values: ['unknown', 'desktop', 'laptop', 'server', 'kubernetes node', 'storage'],
  }),
  ...field('modelName', 'string', 'Model of the machine.'),
  ...field('osType', 'string', 'Operating system.', { values: ['windows', 'windows_legacy', 'linux', 'macos'] }),
  ...field('osName', 'string', 'Name of the operating system, such as Windows 11 Pro.'),
  ...field('osRevision', 'string', 'Revision of the operating system as it words it.'),
  ...field('osArch', 'string', 'Architecture, such as 64 bit.'),
  ...field('osStartTime', 'date', 'When the machine was last started.', {
    worse: 'smaller',
    remedy: 'Restart the machine.',
  }),
  ...field('domain', 'string', 'Network domain that the machine is in.'),
  ...field('siteId', 'string', 'Site in the console, by id.'),
  ...field('siteName', 'string', 'Site in the console, by name.'),
  ...field('groupId', 'string', 'Group in the console, by id.'),
  ...field('groupName', 'string', 'Group in the console, by name.'),
  ...field('accountId', 'string', 'Account in the console, by id.'),
  ...field('accountName', 'string', 'Account in the console, by name.'),
  ...field('externalId', 'string', 'Id that an administrator gave the agent.'),
  ...field('tags', 'list', 'Tags of the agent in the console.'),
};
