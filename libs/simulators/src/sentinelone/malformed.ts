import type { Agent, NetworkInterface } from './agent.js';
import type { JsonValue } from './json.js';

/** Fields an agent's JSON shows instead of its own; undefined leaves one out. */
export type Fields = Readonly<Record<string, JsonValue | undefined>>;

/** How one agent's record is spelled: fields of its own choosing, and forms that follow what the agent becomes. */
export interface Spelling {
  readonly fields: Fields;
  readonly forms: readonly RowForm[];
}

type FieldsOf = (agent: Agent) => Fields;

/** Odd forms of records that consoles are known to answer with (quirks 1 to 11 and the enum surprises of the reference). */
const ROW_FORMS = {
  /** No `serialNumber` key. */
  'serial-absent': () => ({ serialNumber: undefined }),
  'serial-null': () => ({ serialNumber: null }),
  'serial-empty': () => ({ serialNumber: '' }),
  /** One of the texts that firmware carries when nobody filled it in. */
  'serial-placeholder': (agent) => ({ serialNumber: placeholderFor(agent.id) }),
  /** `3C-22-FB-00-53-00` with its letters as they are. */
  'mac-dashes': withMacs((mac) => mac.replaceAll(':', '-')),
  /** `3c22.fb00.5300`. */
  'mac-dots': withMacs((mac) => (mac.replaceAll(':', '').match(/.{4}/g) ?? []).join('.')),
  'mac-upper-case': withMacs((mac) => mac.toUpperCase()),
  /** `stf0` with an all-zero address before the real cards. */
  'mac-all-zero': ({ networkInterfaces }) => ({
    networkInterfaces: [STF0, ...networkInterfaces].map(card),
  }),
  /** An address of 8 bytes (EUI-64) in place of each of 6. */
  'mac-8-bytes': withMacs((mac) => `${mac.slice(0, 8)}:ff:fe${mac.slice(8)}`),
  'network-interfaces-absent': () => ({ networkInterfaces: undefined }),
  'network-interfaces-null': () => ({ networkInterfaces: null }),
  /** `"infected":"True"` and so on. */
  'booleans-as-strings': (agent) =>
    valuesOf(agent, (value) => (typeof value === 'boolean' ? (value ? 'True' : 'False') : undefined)),
  /** Ids as bare numbers of 18 to 19 digits, which a double cannot hold; done on the text, see `writeRow`. */
  'ids-as-numbers': () => ({}),
  /** Fields of newer consoles. */
  'unknown-fields': () => ({
    agentPosture: { score: 71, factors: ['browser', null] },
    riskTier: 'tier-2',
    isQuantumReady: true,
  }),
  /** Values that no specification lists, in every field of the agent that has a list. */
  'unknown-enum-values': () => ({
    networkStatus: 'quarantined_by_policy',
    operationalState: 'suspended_by_vendor',
    machineType: 'watch',
    osType: 'chromeos',
    scanStatus: 'in_progress',
    mitigationMode: 'observe',
    appsVulnerabilityStatus: 'unknown_yet',
    consoleMigrationStatus: 'Queued',
    detectionState: 'partial_mode',
    rangerStatus: 'Paused',
    userActionsNeeded: ['reinstall_needed'],
  }),
  /** `2026-09-20T12:00:00Z` in every time. */
  'timestamps-without-fraction': (agent) =>
    valuesOf(agent, (value) =>
      typeof value === 'string' && TIMESTAMP.test(value) ? value.replace(/\.\d+Z$/, 'Z') : undefined,
    ),
  /** An `externalId` that the customer set. */
  'external-id': (agent) => ({ externalId: `ASSET-${agent.id.slice(-6)}` }),
} as const satisfies Record<string, FieldsOf>;

export type RowForm = keyof typeof ROW_FORMS;

/** `duplicate-id` is a second row with the same id and another uuid; all others change rows in place. */
export type MalformedForm = RowForm | 'duplicate-id';

export const MALFORMED_FORMS: readonly MalformedForm[] = [...rowForms(), 'duplicate-id'];

export function isMalformedForm(text: string): text is MalformedForm {
  return MALFORMED_FORMS.some((form) => form === text);
}

/** The agent's JSON in this spelling. */
export function writeRow(agent: Agent, { fields, forms }: Spelling): string {
  const odd = forms.map((form): Fields => ROW_FORMS[form](agent));
  const text = JSON.stringify(Object.assign({}, agent, ...odd, fields));
  return forms.includes('ids-as-numbers') ? text.replace(/"(id|\w+Id)":"(\d+)"/g, '"$1":$2') : text;
}

const TIMESTAMP = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d+Z$/;
const PLACEHOLDERS = [
  'To be filled by O.E.M.',
  'None',
  '0',
  'Default string',
  'System Serial Number',
  'Not Specified',
  'INVALID',
] as const;
const STF0: NetworkInterface = {
  id: '1',
  name: 'stf0',
  physical: '00:00:00:00:00:00',
  inet: [],
  inet6: [],
  gatewayIp: null,
  gatewayMacAddress: null,
};

function placeholderFor(id: string): string {
  return PLACEHOLDERS[Number(id.slice(-2)) % PLACEHOLDERS.length] ?? PLACEHOLDERS[0];
}

function withMacs(write: (mac: string) => string): FieldsOf {
  return ({ networkInterfaces }) => ({
    networkInterfaces: networkInterfaces.map((each) => ({ ...each, physical: write(each.physical) })),
  });
}

function card(each: NetworkInterface): JsonValue {
  return { ...each };
}

/** The fields for which `change` answers something. */
function valuesOf(agent: Agent, change: (value: unknown) => JsonValue | undefined): Fields {
  const changed: Record<string, JsonValue> = {};
  for (const [name, value] of Object.entries<unknown>({ ...agent })) {
    const other = change(value);
    if (other !== undefined) changed[name] = other;
  }
  return changed;
}

function rowForms(): RowForm[] {
  return Object.keys(ROW_FORMS).filter((name): name is RowForm => name in ROW_FORMS);
}
