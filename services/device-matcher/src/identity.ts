import type { Hardware } from '@stance/contracts';
import { PLACEHOLDER_HOSTNAMES, PLACEHOLDER_SERIALS, PLACEHOLDER_UUIDS, SHARED_MAC_ADDRESSES } from './placeholders.js';

/** What a machine can be told by, comparable: what is missing here is missing, malformed, or says nothing. */
export interface Identity {
  readonly serial: string | undefined;
  /** Why there is no serial number. */
  readonly serialProblem: 'no-serial' | 'placeholder-serial' | undefined;
  readonly uuid: string | undefined;
  readonly externalId: string | undefined;
  readonly hostname: string | undefined;
  /** Hardware addresses of the machine itself, twelve digits each, separated by blanks: a string is a third of a list. */
  readonly macs: string;
}

/** What an installation adds to the placeholders that are known. */
export interface MorePlaceholders {
  readonly serials?: readonly string[];
  /** Hardware addresses, or their beginnings. */
  readonly macAddresses?: readonly string[];
}

/** Makes what agents and inventories say of hardware comparable. Pure. */
export class IdentityReader {
  private readonly placeholders: ReadonlySet<string>;
  private readonly sharedMacs: readonly string[];

  constructor({ serials = [], macAddresses = [] }: MorePlaceholders = {}) {
    this.placeholders = new Set([...PLACEHOLDER_SERIALS, ...serials].map(normaliseSerial));
    this.sharedMacs = [...SHARED_MAC_ADDRESSES, ...macAddresses].map(macDigits);
  }

  identityOf({ serialNumber, uuid, externalId, hostname, macAddresses }: Hardware): Identity {
    const serial = normaliseSerial(serialNumber ?? '');
    const isUsable = serial !== '' && !this.isPlaceholder(serial);
    return {
      serial: isUsable ? serial : undefined,
      serialProblem: isUsable ? undefined : serial === '' ? 'no-serial' : 'placeholder-serial',
      uuid: uuid === undefined ? undefined : normaliseUuid(uuid),
      externalId: textOrNothing(externalId),
      hostname: hostname === undefined ? undefined : normaliseHostname(hostname),
      macs: this.macsOf(macAddresses ?? []),
    };
  }

  /** Whether a normalised serial number says nothing: a placeholder, too short, or one character repeated. */
  private isPlaceholder(serial: string): boolean {
    return serial.length < 4 || this.placeholders.has(serial) || /^(.?)\1*$/u.test(serial.replaceAll(/[-_.]/g, ''));
  }

  private macsOf(addresses: readonly string[]): string {
    const digits = addresses.map(macDigits).filter((mac) => isOfHardware(mac) && !this.isShared(mac));
    return [...new Set(digits)].toSorted().join(' ');
  }

  private isShared(mac: string): boolean {
    return this.sharedMacs.some((beginning) => mac.startsWith(beginning));
  }
}

/** Upper case, without blanks, control characters and punctuation at the ends: forms of one number become equal. */
export function normaliseSerial(serial: string): string {
  return serial
    .normalize('NFKC')
    .replaceAll(/[\p{C}\s]+/gu, '')
    .replaceAll(/^[.,;:'"]+|[.,;:'"]+$/g, '')
    .toUpperCase()
    .normalize('NFKC');
}

const PLACEHOLDERS_OF_UUID: ReadonlySet<string> = new Set(PLACEHOLDER_UUIDS.map(hexDigits));

/** Thirty-two hexadecimal digits in lower case, from any usual form; undefined for others and for what many machines have. */
export function normaliseUuid(uuid: string): string | undefined {
  const digits = hexDigits(uuid);
  if (!/^[0-9a-f]{32}$/.test(digits)) return undefined;
  return /^(.)\1*$/.test(digits) || PLACEHOLDERS_OF_UUID.has(digits) ? undefined : digits;
}

/** The UUIDs that a certificate's subject alternative names hold: alone, or as `urn:uuid:`. */
export function uuidsOfCertificate(names: readonly string[]): string[] {
  const uuids = names.map((name) =>
    normaliseUuid(
      name
        .trim()
        .replace(/^(?:uri|dns|othername)[:=]\s*/i, '')
        .replace(/^urn:uuid:/i, ''),
    ),
  );
  return [...new Set(uuids.filter((uuid) => uuid !== undefined))];
}

const PLACEHOLDERS_OF_HOSTNAME: ReadonlySet<string> = new Set(PLACEHOLDER_HOSTNAMES);

/** The first label in lower case, as consoles and inventories disagree on the domain; undefined for what installers leave. */
function normaliseHostname(hostname: string): string | undefined {
  const label = hostname.normalize('NFKC').trim().toLowerCase().split('.')[0] ?? '';
  return label === '' || PLACEHOLDERS_OF_HOSTNAME.has(label) ? undefined : label;
}

function textOrNothing(text: string | undefined): string | undefined {
  const trimmed = text?.normalize('NFKC').trim() ?? '';
  return trimmed === '' ? undefined : trimmed;
}

function macDigits(mac: string): string {
  return mac.replaceAll(/[:.\-\s]/g, '').toLowerCase();
}

/** Six bytes, given by a manufacturer (not locally administered), naming one interface (not multicast). */
function isOfHardware(digits: string): boolean {
  return /^[0-9a-f][048c][0-9a-f]{10}$/.test(digits) && !/^(.)\1*$/.test(digits);
}

function hexDigits(text: string): string {
  return text.replaceAll(/[{}\s-]/g, '').toLowerCase();
}
