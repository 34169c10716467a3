import type { Hardware } from '@stance/contracts';
import { readText, UNREADABLE } from './attribute-values.js';
import { isJsonObject, isMissing, type JsonObject } from './json.js';

const HARDWARE_FIELDS = [
  ['serialNumber', 'serialNumber'],
  ['computerName', 'hostname'],
  ['uuid', 'uuid'],
  ['externalId', 'externalId'],
] as const;

/**
 * What identifies the machine, blanks trimmed and otherwise as reported: telling placeholders apart is the matcher's.
 * Fields of a wrong type are left out and named in `unreadable`.
 */
export function readHardware(record: JsonObject, unreadable: string[]): Hardware {
  const hardware: Hardware = {};
  for (const [field, name] of HARDWARE_FIELDS) {
    const text = readText(record[field]);
    if (text === UNREADABLE) unreadable.push(field);
    else if (text !== undefined) hardware[name] = text.trim();
  }
  const macAddresses = readMacAddresses(record['networkInterfaces']);
  if (macAddresses === undefined) unreadable.push('networkInterfaces');
  else if (macAddresses.length > 0) hardware.macAddresses = macAddresses;
  return hardware;
}

/** The usable hardware addresses, sorted, each once; undefined when the value is no list of interfaces. */
function readMacAddresses(interfaces: unknown): string[] | undefined {
  if (isMissing(interfaces)) return [];
  if (!Array.isArray(interfaces)) return undefined;
  const addresses = new Set<string>();
  for (const entry of interfaces) {
    const address = isJsonObject(entry) ? normaliseMac(entry['physical']) : undefined;
    if (address !== undefined) addresses.add(address);
  }
  return [...addresses].toSorted();
}

const MAC_FORMS =
  /^([0-9a-f]{2}(:[0-9a-f]{2}){5}|[0-9a-f]{2}(-[0-9a-f]{2}){5}|[0-9a-f]{4}(\.[0-9a-f]{4}){2}|[0-9a-f]{12})$/i;

/**
 * A 6-byte MAC address in lower case with colons, from any of its usual forms. Undefined for all-zero and broadcast
 * ones, which name no interface, for 8-byte ones and for anything else.
 */
export function normaliseMac(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  const text = value.trim();
  if (!MAC_FORMS.test(text)) return undefined;
  const digits = text.replace(/[:.-]/g, '').toLowerCase();
  if (/^(0{12}|f{12})$/.test(digits)) return undefined;
  return digits.replace(/..(?=.)/g, '$&:');
}
