import type { X509Certificate } from 'node:crypto';
import { ProofRefused, shown } from '../proof-refused.js';

/** How many certificates may stand between a device's and a known authority's. */
export const MAX_INTERMEDIATES = 4;

/** RFC 5280: what a certificate may be used for. */
const CLIENT_AUTHENTICATION = '1.3.6.1.5.5.7.3.2';
const ANY_USAGE = '2.5.29.37.0';

/** A certificate of a device, and the certificates that came with it. */
export interface Chain {
  readonly device: X509Certificate;
  readonly intermediates: readonly X509Certificate[];
}

/** The authorities that issue certificates to devices: each of them is trusted, whoever issued its own. */
export class Authorities {
  constructor(private readonly trusted: readonly X509Certificate[]) {}

  /**
   * Checks that one of them vouches for the device's certificate, or for an authority that does.
   * Returns until when (milliseconds since 1970). Throws {@link ProofRefused}. Pure.
   */
  check({ device, intermediates }: Chain, now: number): number {
    let until = checkAsDevice(device, now);
    let certificate = device;
    for (let depth = 0; depth <= MAX_INTERMEDIATES; depth += 1) {
      const subject = certificate;
      const issuers = this.trusted.filter((authority) => vouches(authority, subject));
      // Of an authority that was renewed, both certificates may be known.
      const issuer = issuers.find((authority) => isValid(authority, now)) ?? issuers[0];
      if (issuer !== undefined) return Math.min(until, checkDates(issuer, 'of its authority', now));
      const next = intermediates.find((candidate) => candidate !== subject && vouches(candidate, subject));
      if (next === undefined) break;
      until = Math.min(until, checkDates(next, 'of an authority between', now));
      certificate = next;
    }
    const issuer = shown(certificate.issuer.replaceAll('\n', ', '));
    throw new ProofRefused(
      `The certificate of this device was issued by ${issuer}, which this gateway does not trust.`,
    );
  }
}

/**
 * Checks what a certificate says of itself: that it is valid now, for a client, and no authority's.
 * Returns until when (milliseconds since 1970). Throws {@link ProofRefused}. Pure.
 */
export function checkAsDevice(certificate: X509Certificate, now: number): number {
  if (certificate.ca) throw new ProofRefused("The certificate is an authority's: a device needs one of its own.");
  // Node gives the extended usage under this name, and nothing where the certificate does not restrict it.
  const usages: readonly string[] | undefined = certificate.keyUsage;
  if (usages !== undefined && !usages.includes(CLIENT_AUTHENTICATION) && !usages.includes(ANY_USAGE)) {
    throw new ProofRefused('The certificate of this device is not for client authentication: issue one that is.');
  }
  return checkDates(certificate, 'of this device', now);
}

/** By name, by what it may do, and by its signature. */
function vouches(authority: X509Certificate, certificate: X509Certificate): boolean {
  return authority.ca && certificate.checkIssued(authority) && certificate.verify(authority.publicKey);
}

function isValid({ validFromDate, validToDate }: X509Certificate, now: number): boolean {
  return now >= validFromDate.getTime() && now < validToDate.getTime();
}

function checkDates({ validFromDate, validToDate }: X509Certificate, whose: string, now: number): number {
  if (now < validFromDate.getTime()) {
    const from = validFromDate.toISOString();
    throw new ProofRefused(`The certificate ${whose} is valid from ${from} only: check the clock of who issued it.`);
  }
  if (now >= validToDate.getTime()) {
    throw new ProofRefused(`The certificate ${whose} expired on ${validToDate.toISOString()}: renew it.`);
  }
  return validToDate.getTime();
}
