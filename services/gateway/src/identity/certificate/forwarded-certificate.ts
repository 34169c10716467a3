import { X509Certificate } from 'node:crypto';
import type { CertificateFormat } from '../../file/proofs.js';
import { ProofRefused } from '../proof-refused.js';
import { MAX_INTERMEDIATES, type Chain } from './authorities.js';
import { canonicalFingerprint } from './certificate-names.js';
import { NotPem, parsePem } from './pem.js';
import { parseXfcc, type ForwardedCertificate } from './xfcc.js';

/** A certificate from a proxy's header: itself, what Envoy says of it, or both. */
export interface Forwarded {
  readonly chain?: Chain;
  readonly said?: ForwardedCertificate;
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

/** `Chain` begins with the certificate that `Cert` is, and `Hash` is the SHA-256 of it, as far as they are there. */
function readXfcc(said: ForwardedCertificate): Forwarded {
  const [certificate, chain, hash] = [single(said, 'cert'), single(said, 'chain'), single(said, 'hash')];
  const certificates = [certificate, chain].filter((pem) => pem !== '').map(pemIn);
  const [first] = certificates;
  if (first === undefined) return { said };
  const isCertificateOne = certificate === '' || first.length === 1;
  const fingerprints = certificates.map(([device]) => canonicalFingerprint(device?.fingerprint256 ?? ''));
  if (hash !== '') fingerprints.push(canonicalFingerprint(hash));
  if (!isCertificateOne || new Set(fingerprints).size > 1) {
    throw new ProofRefused('The header with the certificate speaks of two certificates as one.');
  }
  return { chain: chainOf(certificates.at(-1) ?? first), said };
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
