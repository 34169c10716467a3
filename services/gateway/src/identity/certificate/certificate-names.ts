import type { X509Certificate } from 'node:crypto';
import { PLAIN_ID } from '../claims.js';
import { ProofRefused, shown } from '../proof-refused.js';
import type { CertificateProof } from '../../file/proofs.js';

/** How an id is found in a certificate. */
export type IdSource = Pick<CertificateProof, 'id' | 'uriPrefix'>;

/** The device's id by a URI or the common name; else the certificate's own, which the inventory knows the device of. */
export function idIn(certificate: X509Certificate, source: IdSource): string {
  switch (source.id) {
    case 'uri':
      return idInUris(uriNames(certificate.subjectAltName), source.uriPrefix);
    case 'cn':
      return idInCommonNames(commonNames(certificate));
    case 'serial':
      return canonicalSerial(certificate.serialNumber);
    default:
      return canonicalFingerprint(certificate.fingerprint256);
  }
}

/** The one id that URIs name after `prefix`. */
function idInUris(uris: readonly string[], prefix: string): string {
  const ids = uris.filter((uri) => uri.startsWith(prefix)).map((uri) => uri.slice(prefix.length));
  return theOne(ids, `URI that begins with ${prefix}`);
}

function idInCommonNames(names: readonly string[]): string {
  return theOne(names, 'common name');
}

/** Hex digits in upper case, without leading zeros and colons. */
export function canonicalSerial(hex: string): string {
  return canonicalFingerprint(hex).replace(/^0+(?=.)/, '');
}

/** Hex digits in upper case, without colons. */
export function canonicalFingerprint(hex: string): string {
  return hex.replaceAll(':', '').toUpperCase();
}

/** Beginning of an entry in Node's list of names, and what stands before the value. */
const ENTRY = /(?:^|, )([A-Za-z ]+):(?:("(?:[^"\\]|\\.)*")(?=, |$)|((?:(?!, )[^"])*)(?=, |$))/y;

/**
 * The URIs in Node's list of a certificate's alternative names. A value with a comma, a quote or a control character stands
 * there as a JSON string, so that no name can pass for two (CVE-2021-44532). Anything unforeseen refuses the whole.
 */
export function uriNames(list = ''): string[] {
  const uris: string[] = [];
  const entry = new RegExp(ENTRY);
  while (entry.lastIndex < list.length) {
    const [, kind, quoted, plain = ''] = entry.exec(list) ?? [];
    if (kind === undefined) throw new ProofRefused('The alternative names of the certificate cannot be read.');
    if (kind === 'URI') uris.push(quoted === undefined ? plain : String(JSON.parse(quoted)));
  }
  return uris;
}

/** From the certificate itself, not from a text in which a name could pass for two (CVE-2021-44533). */
function commonNames(certificate: X509Certificate): readonly string[] {
  const { CN: names = [] } = certificate.toLegacyObject().subject;
  return typeof names === 'string' ? [names] : names;
}

function theOne(ids: readonly string[], what: string): string {
  const [id, second] = ids;
  if (id === undefined) throw new ProofRefused(`The certificate has no ${what}: it names no device.`);
  if (second !== undefined) throw new ProofRefused(`The certificate has more than one ${what}: issue it with one.`);
  if (!PLAIN_ID.test(id)) throw new ProofRefused(`The certificate names "${shown(id)}", which is no device's id.`);
  return id;
}
