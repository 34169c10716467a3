import type { Hardware } from '@stance/contracts';
import { readText, UNREADABLE } from './attribute-values.js';
import { isJsonObject, isMissing, type JsonObject } from './json.js';

/**
 * What identifies the machine, blanks trimmed and otherwise as reported: telling placeholders apart is the matcher's.
 * Fields of a wrong type are left out and named in `unreadable`.
 */
export function readHardware(record: JsonObject, unreadable: string[]): Hardware {
  const hardware: Hardware = {};
  const identifier = (field: string, value: unknown): string | undefined => {
    const text = readText(value);
    if (text !== UNREADABLE) return text?.trim();
    unreadable.push(field);
    return undefined;
  };
  const serialNumber = identifier('serialNumber', record['serialNumber']);
  const hostname = identifier('computerName', record['computerName']);
  const uuid = identifier('uuid', record['uuid']);
  const externalId = identifier('externalId', record['externalId']);
  if (serialNumber !== undefined) hardware.serialNumber = serialNumber;
  if (hostname !== undefined) hardware.hostname = hostname;
  if (uuid !== undefined) hardware.uuid = uuid;
  if (externalId !== undefined) hardware.externalId = externalId;
  const macAddresses = readMacAddresses(record['networkInterfaces']);
  if (macAddresses === undefined) unreadable.push('networkInterfaces');
  else if (macAddresses.length > 0) hardware.macAddresses = macAddresses;
  return hardware;
}

/** The usable hardware addresses, sorted, each once; undefined when the value is no list of interfaces. */
function readMacAddresses(interfaces: unknown): string[] | undefined {
  if (isMissing(interfaces)) return [];
  if (!Array.isArray(interfaces)) return undefined;
  const addresses: string[] = [];
  for (const entry of interfaces) {
    const address = isJsonObject(entry) ? normaliseMac(entry['physical']) : undefined;
    if (address !== undefined) addresses.push(address);
  }
  return addresses.length < 2 ? addresses : [...new Set(addresses)].toSorted();
}

/** As most consoles write it, and as it is kept. */
const USUAL_FORM = /^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/;
const MAC_FORMS =
  /^([0-9a-f]{2}(:[0-9a-f]{2}){5}|[0-9a-f]{2}(-[0-9a-f]{2}){5}|[0-9a-f]{4}(\.[0-9a-f]{4}){2}|[0-9a-f]{12})$/i;

/**
 * A 6-byte MAC address in lower case with colons, from any of its usual forms. Undefined for all-zero and broadcast
 * ones, which name no interface, for 8-byte ones and for anything else.
 */
export function normaliseMac(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  const address = USUAL_FORM.test(value) ? value : fromOtherForm(value.trim());
  return address === '00:00:00:00:00:00' || address === 'ff:ff:ff:ff:ff:ff' ? undefined : address;
}

function fromOtherForm(text: string): string | undefined {
  if (!MAC_FORMS.test(text)) return undefined;
  return text
    .replace(/[:.-]/g, '')
    .toLowerCase()
    .replace(/..(?=.)/g, '$&:');
}
