/**
 * Serial numbers as match keys: what firmware reports, made comparable, without what says nothing.
 */

/**
 * What firmware reports when nobody set a serial number; normalised. Sources: DMI defaults of American Megatrends and
 * Phoenix firmware, whitebox boards, hypervisors and cloud images; the list that osquery and fleet tools share.
 */
export const PLACEHOLDER_SERIALS: ReadonlySet<string> = new Set(
  [
    '0',
    '00000000',
    '0123456789',
    '123456789',
    '1234567890',
    '0123456789ABCDEF',
    '12345678',
    '1234567',
    '123456',
    '12345',
    '1234',
    'To be filled by O.E.M.',
    'To Be Filled By OEM',
    'Default string',
    'Default',
    'None',
    'N/A',
    'NA',
    'Null',
    'Nil',
    'Unknown',
    'Undefined',
    'Unspecified',
    'Invalid',
    'Empty',
    'Blank',
    'Not Available',
    'Not Applicable',
    'Not Specified',
    'Not Set',
    'No Serial Number',
    'Serial Number',
    'Serial',
    'System Serial Number',
    'Chassis Serial Number',
    'Base Board Serial Number',
    'SystemSerialNumb',
    'SerialNumber',
    'O.E.M.',
    'OEM',
    'Type1ProductSerialNumber',
    'VMware',
    'VirtualBox',
    'QEMU',
    'Amazon EC2',
    'Google Compute Engine',
    'Microsoft Corporation',
  ].map(normaliseSerial),
);

/** Upper case, without blanks and punctuation at the ends, blanks inside or control characters: forms of one number become equal. */
export function normaliseSerial(serial: string): string {
  return serial
    .normalize('NFKC')
    .replaceAll(/[\p{C}\s]+/gu, '')
    .replaceAll(/^[.,;:'"]+|[.,;:'"]+$/g, '')
    .toUpperCase()
    .normalize('NFKC');
}

/** Whether a normalised serial number says nothing about the machine: a known placeholder, too short, or one character (or none but dashes) repeated. */
export function isPlaceholder(normalised: string): boolean {
  return (
    normalised.length < 4 ||
    PLACEHOLDER_SERIALS.has(normalised) ||
    /^(.?)\1*$/u.test(normalised.replaceAll(/[-_.]/g, ''))
  );
}

export type SerialKey =
  | { readonly usable: true; readonly key: string }
  | { readonly usable: false; readonly problem: 'no-serial' | 'placeholder-serial' };

/** The key to match by, or why there is none. */
export function serialKeyOf(serial: string | undefined): SerialKey {
  const normalised = serial === undefined ? '' : normaliseSerial(serial);
  if (normalised === '') return { usable: false, problem: 'no-serial' };
  if (isPlaceholder(normalised)) return { usable: false, problem: 'placeholder-serial' };
  return { usable: true, key: normalised };
}
