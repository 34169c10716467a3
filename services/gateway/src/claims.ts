import { RESOURCE_HEADER } from './gateway-file.js';

/** What a request claims about itself, in headers that only a listed proxy may send. */
export interface Claims {
  readonly device?: string;
  readonly user?: string;
  readonly resource?: string;
}

/** Which headers carry claims; all names in lower case. */
export interface ClaimHeaders {
  readonly deviceHeader: string;
  readonly userHeader?: string | undefined;
  readonly resourceFrom: 'path' | 'header';
}

/** A request that claims what it may not claim, or in a way that could mean two things. */
export interface Forgery {
  readonly forged: string;
}

const RESERVED = 'x-stance-';

/** Visible ASCII but the comma, by which a proxy joins what it should have overwritten. */
const PLAIN_VALUE = /^[\x21-\x2b\x2d-\x7e]{1,200}$/;

/**
 * Reads the claims from a request's raw headers (names and values in turn). Anything but one well-formed header each, sent by
 * a listed proxy, is a forgery. Pure.
 */
export function readClaims(
  rawHeaders: readonly string[],
  { deviceHeader, userHeader, resourceFrom }: ClaimHeaders,
  isFromListedProxy: boolean,
): Claims | Forgery {
  const claims: { device?: string; user?: string; resource?: string } = {};
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const written = rawHeaders[at] ?? '';
    // Some servers take `_` for `-`: a header that becomes one of ours further on is one of ours.
    const name = written.toLowerCase().replaceAll('_', '-');
    if (!name.startsWith(RESERVED) && name !== deviceHeader && name !== userHeader) continue;
    if (!isFromListedProxy) return { forged: `${shown(written)} was not sent by a listed proxy.` };
    const claim = claimOf(name, { deviceHeader, userHeader, resourceFrom });
    if (claim === undefined || written.includes('_')) {
      return { forged: `${shown(written)} is none of the headers that the proxy sets.` };
    }
    const value = rawHeaders[at + 1] ?? '';
    if (claims[claim] !== undefined) return { forged: `${shown(written)} came twice.` };
    if (value !== '' && !PLAIN_VALUE.test(value)) return { forged: `${shown(written)} is malformed.` };
    claims[claim] = value;
  }
  return present(claims);
}

function claimOf(name: string, headers: ClaimHeaders): keyof Claims | undefined {
  if (name === headers.deviceHeader) return 'device';
  if (name === headers.userHeader) return 'user';
  return name === RESOURCE_HEADER && headers.resourceFrom === 'header' ? 'resource' : undefined;
}

/** An empty header claims nothing: it is how a proxy clears one. */
function present({ device, user, resource }: { device?: string; user?: string; resource?: string }): Claims {
  return { ...(device && { device }), ...(user && { user }), ...(resource && { resource }) };
}

function shown(header: string): string {
  return `The header ${header.slice(0, 60)}`;
}
