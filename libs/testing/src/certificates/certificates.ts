import { createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';
import { isIP } from 'node:net';
import {
  bitString,
  generalizedTime,
  integer,
  octetString,
  oid,
  sequence,
  set,
  tagged,
  taggedBytes,
  utf8String,
  yes,
} from './der.js';

/** A certificate with its key, both as PEM; `der` is what a TLS connection shows. */
export interface KeyedCertificate {
  readonly certificate: string;
  readonly key: string;
  readonly der: Buffer;
}

export type AltName =
  { readonly uri: string } | { readonly dns: string } | { readonly email: string } | { readonly ip: string };

/** What a certificate says. All can be left out: by default it is a client's, valid from an hour ago for a day. */
export interface CertificateContent {
  readonly commonNames?: readonly string[];
  readonly altNames?: readonly AltName[];
  readonly validFrom?: Date;
  readonly validTo?: Date;
  /** Hex digits; random by default. */
  readonly serial?: string;
  /** `none`: nothing is said of its usage. */
  readonly usage?: 'client' | 'server' | 'authority' | 'none';
}

const HOUR = 3_600_000;
const ECDSA_WITH_SHA256 = sequence(oid('1.2.840.10045.4.3.2'));
const EXTENDED_USAGE = { client: '1.3.6.1.5.5.7.3.2', server: '1.3.6.1.5.5.7.3.1' } as const;

/** A certificate authority of a test: it issues whatever it is asked for. */
export class TestAuthority {
  private constructor(
    private readonly name: string,
    private readonly own: KeyedCertificate,
  ) {}

  /** A root of that name, or an authority that `issuer` vouches for. */
  static create(name: string, issuer?: TestAuthority, content: CertificateContent = {}): TestAuthority {
    const key = newKey();
    const described = { commonNames: [name], usage: 'authority', ...content } as const;
    const der = certificateOf(described, key, issuer?.name ?? name, issuer?.key ?? key);
    return new TestAuthority(name, keyed(der, key));
  }

  /** PEM. */
  get certificate(): string {
    return this.own.certificate;
  }

  get asDevice(): KeyedCertificate {
    return this.own;
  }

  issue(content: CertificateContent): KeyedCertificate {
    const key = newKey();
    return keyed(certificateOf(content, key, this.name, this.key), key);
  }

  private get key(): KeyObject {
    return createPrivateKey(this.own.key);
  }
}

/** A certificate of a device as the gateway reads it by default: the id in a URI, and as the common name too. */
export function deviceContent(deviceId: string): CertificateContent {
  return { commonNames: [deviceId], altNames: [{ uri: `urn:stance:device:${deviceId}` }] };
}

/** What a test of client certificates needs: an authority, certificates of devices, and some that must not count. */
export interface DeviceCertificates {
  /** The authority's certificate (PEM): the gateway's `device.certificate.ca`. */
  readonly ca: string;
  readonly authority: TestAuthority;
  /** The device's certificate; throws for a device that none was issued to. */
  of(deviceId: string): KeyedCertificate;
  /** For a listener at `localhost` and `127.0.0.1`, by the same authority. */
  readonly server: KeyedCertificate;
  /** The same for this device, but not valid: by an authority of the same name, expired, and not valid yet. */
  wrongAuthority(deviceId: string): KeyedCertificate;
  expired(deviceId: string): KeyedCertificate;
  notYetValid(deviceId: string): KeyedCertificate;
}

/** Issues certificates to devices, by an authority of its own. */
export function issueDeviceCertificates(deviceIds: readonly string[]): DeviceCertificates {
  const authority = TestAuthority.create('Device CA');
  const imposter = TestAuthority.create('Device CA');
  const issued = new Map(deviceIds.map((deviceId) => [deviceId, authority.issue(deviceContent(deviceId))]));
  const from = (hours: number) => new Date(Date.now() + hours * HOUR);
  return {
    ca: authority.certificate,
    authority,
    of: (deviceId) => {
      const found = issued.get(deviceId);
      if (found === undefined) throw new Error(`no certificate was issued to ${deviceId}: name it in deviceIds`);
      return found;
    },
    server: authority.issue({
      commonNames: ['localhost'],
      altNames: [{ dns: 'localhost' }, { ip: '127.0.0.1' }],
      usage: 'server',
    }),
    wrongAuthority: (deviceId) => imposter.issue(deviceContent(deviceId)),
    expired: (deviceId) => authority.issue({ ...deviceContent(deviceId), validFrom: from(-48), validTo: from(-24) }),
    notYetValid: (deviceId) => authority.issue({ ...deviceContent(deviceId), validFrom: from(24), validTo: from(48) }),
  };
}

function newKey(): KeyObject {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
}

function keyed(der: Buffer, key: KeyObject): KeyedCertificate {
  return { certificate: pem('CERTIFICATE', der), key: key.export({ type: 'pkcs8', format: 'pem' }).toString(), der };
}

function pem(label: string, der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n');
}

/** A certificate (RFC 5280, version 3) in DER, signed with ECDSA. */
function certificateOf(content: CertificateContent, key: KeyObject, issuer: string, issuerKey: KeyObject): Buffer {
  const {
    serial = `01${randomBytes(15).toString('hex')}`,
    validFrom = new Date(Date.now() - HOUR),
    validTo = new Date(validFrom.getTime() + 24 * HOUR),
    commonNames = [],
  } = content;
  const body = sequence(
    tagged(0, integer('02')),
    integer(serial),
    ECDSA_WITH_SHA256,
    nameOf([issuer]),
    sequence(generalizedTime(validFrom), generalizedTime(validTo)),
    nameOf(commonNames),
    publicKeyOf(key),
    tagged(3, sequence(...extensionsOf(content))),
  );
  return sequence(body, ECDSA_WITH_SHA256, bitString(sign('sha256', body, issuerKey)));
}

function publicKeyOf(key: KeyObject): Buffer {
  return createPublicKey(key).export({ type: 'spki', format: 'der' });
}

function nameOf(commonNames: readonly string[]): Buffer {
  return sequence(...commonNames.map((name) => set(sequence(oid('2.5.4.3'), utf8String(name)))));
}

function extensionsOf({ altNames = [], usage = 'client' }: CertificateContent): Buffer[] {
  const all: Buffer[] = [];
  if (usage === 'authority') {
    all.push(extension('2.5.29.19', sequence(yes), 'critical'));
    // keyCertSign and cRLSign: bits 5 and 6.
    all.push(extension('2.5.29.15', bitString(Buffer.from([0x06]), 1), 'critical'));
  } else {
    all.push(extension('2.5.29.19', sequence(), 'critical'));
  }
  if (usage === 'client' || usage === 'server') all.push(extension('2.5.29.37', sequence(oid(EXTENDED_USAGE[usage]))));
  if (altNames.length > 0) all.push(extension('2.5.29.17', sequence(...altNames.map(generalName))));
  return all;
}

function extension(id: string, value: Buffer, weight?: 'critical'): Buffer {
  return sequence(oid(id), ...(weight === 'critical' ? [yes] : []), octetString(value));
}

function generalName(name: AltName): Buffer {
  if ('email' in name) return taggedBytes(1, Buffer.from(name.email, 'latin1'));
  if ('dns' in name) return taggedBytes(2, Buffer.from(name.dns, 'latin1'));
  if ('uri' in name) return taggedBytes(6, Buffer.from(name.uri, 'latin1'));
  if (isIP(name.ip) !== 4) throw new Error('certificates of tests take IPv4 addresses only');
  return taggedBytes(7, Buffer.from(name.ip.split('.').map(Number)));
}
