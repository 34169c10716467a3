/** A kind of activity as `GET /activities/types` lists it. */
export interface ActivityType {
  readonly id: number;
  readonly action: string;
  readonly descriptionTemplate: string;
}

/** The kinds that what happens to agents is written under. 19, 51, 1001 and 1002 stand in payloads and connectors; 17, 47, 48 and 2028 are chosen. */
export const AGENT_ACTIVITY = {
  subscribed: 17,
  threatDetected: 19,
  decommissioned: 47,
  recommissioned: 48,
  uninstalled: 51,
  isolated: 1001,
  reconnected: 1002,
  threatResolved: 2028,
} as const;

export type AgentActivity = keyof typeof AGENT_ACTIVITY;

/** Every kind the tenant knows, by id. */
export const ACTIVITY_TYPES: readonly ActivityType[] = [
  { id: 17, action: 'Agent Subscribed', descriptionTemplate: '{{ computer_name }} subscribed and joined the group.' },
  {
    id: 19,
    action: 'New Threat Detected',
    descriptionTemplate: 'Threat with confidence level {{ confidence_level }} detected: {{ file_display_name }}',
  },
  {
    id: 27,
    action: 'User Logged In',
    descriptionTemplate: 'The management user {{ username }} logged in to the management console.',
  },
  { id: 47, action: 'Agent Decommissioned', descriptionTemplate: 'Agent {{ computer_name }} was decommissioned.' },
  { id: 48, action: 'Agent Recommissioned', descriptionTemplate: 'Agent {{ computer_name }} was recommissioned.' },
  { id: 51, action: 'Agent Uninstalled', descriptionTemplate: 'Agent {{ computer_name }} was uninstalled.' },
  {
    id: 1001,
    action: 'Agent Disconnected From Network',
    descriptionTemplate: 'Agent {{ computer_name }} was disconnected from network.',
  },
  {
    id: 1002,
    action: 'Agent Reconnected To Network',
    descriptionTemplate: 'Agent {{ computer_name }} was connected to network.',
  },
  {
    id: 2001,
    action: 'Threat Killed',
    descriptionTemplate: 'The agent {{ computer_name }} successfully killed the threat: {{ file_display_name }}.',
  },
  {
    id: 2028,
    action: 'Threat Incident Status Changed',
    descriptionTemplate: 'The incident status of {{ file_display_name }} changed to {{ new_incident_status }}.',
  },
  {
    id: 3021,
    action: 'Hash Exclusion Deleted',
    descriptionTemplate: 'The management user {{ username }} deleted the hash exclusion.',
  },
  {
    id: 5040,
    action: 'Account Created',
    descriptionTemplate: 'The management user {{ username }} created {{ account_name }} account.',
  },
  {
    id: 5042,
    action: 'Account Deleted',
    descriptionTemplate: 'The management user {{ username }} deleted the account {{ account_name }}',
  },
  {
    id: 5043,
    action: 'Account Expired',
    descriptionTemplate: 'The account {{ account_name }} expired automatically at {{ account_expiration }}',
  },
  {
    id: 5045,
    action: 'Account marked as Expired',
    descriptionTemplate: 'The management user {{ username }} marked account {{ account_name }} as expired',
  },
];
