import { RESOURCE_HEADER, type GatewayFile } from '../file/gateway-file.js';
import { ProofRefused, shown } from './proof-refused.js';

/** What a header can say of who sends a request. Tokens are the client's own; all else is a listed proxy's to say. */
export type ClaimKind = 'device' | 'certificate' | 'deviceToken' | 'address' | 'user' | 'userToken' | 'resource';

/** What a request claims in its headers, each well-formed, none checked. */
export type Claims = { readonly [Kind in ClaimKind]?: string };

/** What a header is, by its name: what it says, one of ours that says nothing (`reserved`), or none of our business (`other`). */
type HeaderMeaning = ClaimKind | 'reserved' | 'other';

/** The longest token, in characters. */
export const MAX_TOKEN = 8 * 1024;
/** The longest header with a certificate, in characters. */
const MAX_CERTIFICATE = 16 * 1024;

const RESERVED = 'x-stance-';
/** Ways to write names whose meaning is remembered, at most, and the longest of them. */
const MAX_KNOWN_NAMES = 1_000;
const MAX_KNOWN_NAME = 64;
const BEARER = /^Bearer +/i;

/** How the id of a device, a user or a resource may be written: visible ASCII but the comma, by which a proxy joins values. */
export const PLAIN_ID = /^[\x21-\x2b\x2d-\x7e]{1,200}$/;

/** Which header says what. Peers write the same few names again and again: what they mean is found out once. */
export class ClaimHeaders {
  private readonly known = new Map<string, HeaderMeaning>();

  /** `kinds` by the names of their headers, in lower case. */
  constructor(private readonly kinds: ReadonlyMap<string, ClaimKind>) {}

  meaningOf(written: string): HeaderMeaning {
    return this.known.get(written) ?? this.findOut(written);
  }

  private findOut(written: string): HeaderMeaning {
    // Some servers take `_` for `-`: a header that becomes one of ours further on is one of ours.
    const name = written.toLowerCase().replaceAll('_', '-');
    const meaning = this.kinds.get(name) ?? (name.startsWith(RESERVED) ? 'reserved' : 'other');
    if (written.length <= MAX_KNOWN_NAME) {
      if (this.known.size >= MAX_KNOWN_NAMES) this.known.clear();
      this.known.set(written, meaning);
    }
    return meaning;
  }
}

/** The headers that the gateway file gives a meaning. */
export function claimHeaders({ device, user, resourceFrom }: GatewayFile): ClaimHeaders {
  const names: [ClaimKind, string | undefined][] = [
    ['device', device.header?.name],
    ['certificate', device.certificate?.header?.name],
    ['deviceToken', device.token?.header],
    ['address', device.address?.header],
    ['user', user.header?.name],
    ['userToken', user.token?.header],
    ['resource', resourceFrom === 'header' ? RESOURCE_HEADER : undefined],
  ];
  return new ClaimHeaders(
    new Map(names.flatMap(([kind, name]) => (name === undefined ? [] : [[name, kind] as const]))),
  );
}

/**
 * Reads the claims from a request's raw headers (names and values in turn). Throws {@link ProofRefused} for anything but one
 * well-formed header each, sent by whom it has to be sent.
 */
export function readClaims(
  rawHeaders: readonly string[],
  headers: ClaimHeaders,
  { isFromListedProxy }: { readonly isFromListedProxy: boolean },
): Claims {
  const claims: { [Kind in ClaimKind]?: string } = {};
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const written = rawHeaders[at] ?? '';
    const kind = headers.meaningOf(written);
    if (kind === 'other') continue;
    if (!isFromListedProxy && !isToken(kind)) {
      throw new ProofRefused(`The header ${shown(written)} was not sent by a listed proxy.`);
    }
    if (kind === 'reserved' || written.includes('_')) {
      throw new ProofRefused(`The header ${shown(written)} is none of those that this gateway takes.`);
    }
    if (claims[kind] !== undefined) throw new ProofRefused(`The header ${shown(written)} came twice.`);
    claims[kind] = valueOf(kind, written, rawHeaders[at + 1] ?? '');
  }
  return claims;
}

/** The value of a header; empty where it claims nothing, which is how a proxy clears one. */
function valueOf(kind: ClaimKind, header: string, value: string): string {
  if (value === '') return '';
  if (isToken(kind)) return tokenIn(header, value);
  if (kind === 'certificate') {
    if (value.length <= MAX_CERTIFICATE) return value;
    throw new ProofRefused(`The header ${shown(header)} is longer than ${MAX_CERTIFICATE} characters.`);
  }
  if (PLAIN_ID.test(value)) return value;
  if (kind !== 'address') throw new ProofRefused(`The header ${shown(header)} is malformed.`);
  throw new ProofRefused(`The header ${shown(header)} has to name one address: have the proxy overwrite it.`);
}

function tokenIn(header: string, value: string): string {
  const isBearer = BEARER.test(value);
  const token = value.replace(BEARER, '');
  if (token.length > MAX_TOKEN) {
    throw new ProofRefused(`The token in ${shown(header)} is longer than ${MAX_TOKEN} characters.`);
  }
  if (!/\s/.test(token)) return token;
  // Another scheme, such as Basic, is between the client and the application.
  if (!isBearer && header.toLowerCase() === 'authorization') return '';
  throw new ProofRefused(`The token in ${shown(header)} is malformed.`);
}

function isToken(kind: HeaderMeaning): boolean {
  return kind === 'deviceToken' || kind === 'userToken';
}
