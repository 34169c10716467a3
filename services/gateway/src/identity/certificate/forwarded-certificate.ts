import { X509Certificate } from 'node:crypto';
import type { CertificateFormat } from '../../file/proofs.js';
import { ProofRefused } from '../proof-refused.js';
import { MAX_INTERMEDIATES, type Chain } from './authorities.js';
import { canonicalFingerprint } from './certificate-names.js';
import { NotPem, parsePem } from './pem.js';
import { parseXfcc, type ForwardedCertificate } from './xfcc.js';

/** A certificate from a proxy's header: itself, or only its SHA-256 (hex digits in upper case). */
export interface Forwarded {
  readonly chain?: Chain;
  readonly fingerprint?: string;
}

/** Reads a proxy's header with a certificate. Throws {@link ProofRefused}. Pure. */
export function readForwarded(value: string, format: CertificateFormat): Forwarded {
  switch (format) {
    case 'pem':
      return { chain: chainOf(pemIn(value)) };
    case 'der':
      return { chain: chainOf(percentDecoded(value).split(',').map(derIn)) };
    default:
      return readXfcc(parseXfcc(value));
  }
}

/**
 * Only `Hash`, `Cert` and `Chain` count: `Chain` begins with the certificate that `Cert` is, and `Hash` is the SHA-256 of it.
 * Envoy always says the hash, so that another one makes two; and a URI or DNS name of the client's choice can hold `;Cert=`,
 * as Envoy quotes neither, but no certificate of another hash.
 */
function readXfcc(said: ForwardedCertificate): Forwarded {
  const [certificate, chain, hash] = [single(said, 'cert'), single(said, 'chain'), single(said, 'hash')];
  if (!SHA256.test(hash)) {
    throw new ProofRefused('The header does not say the hash of the certificate, as Envoy does: have Envoy write it.');
  }
  const fingerprint = canonicalFingerprint(hash);
  const certificates = [certificate, chain].filter((pem) => pem !== '').map(pemIn);
  const [first] = certificates;
  if (first === undefined) return { fingerprint };
  const isCertificateOne = certificate === '' || first.length === 1;
  const isAnother = ([device]: readonly X509Certificate[]) =>
    canonicalFingerprint(device?.fingerprint256 ?? '') !== fingerprint;
  if (!isCertificateOne || certificates.some(isAnother)) {
    throw new ProofRefused('The header with the certificate speaks of two certificates as one.');
  }
  return { chain: chainOf(certificates.at(-1) ?? first) };
}

function single(said: ForwardedCertificate, name: string): string {
  return said.get(name)?.[0] ?? '';
}

function chainOf([device, ...intermediates]: readonly X509Certificate[]): Chain {
  if (device === undefined || intermediates.length > MAX_INTERMEDIATES) {
    throw new ProofRefused(`The chain of the certificate is longer than ${MAX_INTERMEDIATES + 1} certificates.`);
  }
  return { device, intermediates };
}

function pemIn(value: string): X509Certificate[] {
  try {
    return parsePem(percentDecoded(value));
  } catch (error) {
    if (!(error instanceof NotPem)) throw error;
    throw new ProofRefused(`The header with the certificate ${error.message}.`);
  }
}

const SHA256 = /^[0-9a-f]{64}$/i;
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

function derIn(base64: string): X509Certificate {
  try {
    if (BASE64.test(base64)) return new X509Certificate(Buffer.from(base64, 'base64'));
  } catch {
    // What OpenSSL says of it helps nobody.
  }
  throw new ProofRefused('The header with the certificate holds something that is none (DER in base64).');
}

function percentDecoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    throw new ProofRefused('The header with the certificate is malformed: its percent-encoding is broken.');
  }
}
