/**
 * Ids as NATS subject tokens: reversible, readable, never ambiguous, never empty.
 *
 * Letters, digits, `-` and `_` stand for themselves; every other UTF-8 byte is `=` and two upper-case hex digits.
 * `.`, `*`, `>`, white space and control characters, which mean something to NATS, are therefore always escaped.
 */

/** Longest escaped id, in bytes. A subject of several thousand characters closes the NATS connection. */
export const MAX_TOKEN_BYTES = 200;

const PLAIN = /^[A-Za-z0-9_-]+$/;
const ESCAPED = /^(?:[A-Za-z0-9_-]|=[0-9A-F]{2})+$/;

/** Thrown when an id cannot be a subject token: it is empty, too long, or not valid Unicode. */
export class UnusableId extends Error {
  override readonly name = 'UnusableId';
}

/** Thrown when a subject token was not made by {@link encodeToken}. */
export class MalformedToken extends Error {
  override readonly name = 'MalformedToken';
}

export function encodeToken(id: string): string {
  if (id.length <= MAX_TOKEN_BYTES && PLAIN.test(id)) return id;
  if (id === '') throw new UnusableId('an id must not be empty');
  if (!id.isWellFormed()) throw new UnusableId('an id must be valid Unicode (it holds a lone surrogate)');
  let token = '';
  for (const byte of new TextEncoder().encode(id)) {
    const character = String.fromCharCode(byte);
    token += PLAIN.test(character) ? character : `=${byte.toString(16).toUpperCase().padStart(2, '0')}`;
    if (token.length > MAX_TOKEN_BYTES) {
      throw new UnusableId(`an id takes at most ${MAX_TOKEN_BYTES} bytes once escaped: ${id.slice(0, 40)}…`);
    }
  }
  return token;
}

export function decodeToken(token: string): string {
  if (token.length <= MAX_TOKEN_BYTES && PLAIN.test(token)) return token;
  if (token.length > MAX_TOKEN_BYTES || !ESCAPED.test(token))
    throw new MalformedToken(`not an escaped id: ${token.slice(0, 60)}`);
  const bytes: number[] = [];
  for (let at = 0; at < token.length; at += 1) {
    if (token[at] === '=') {
      bytes.push(Number.parseInt(token.slice(at + 1, at + 3), 16));
      at += 2;
    } else {
      bytes.push(token.charCodeAt(at));
    }
  }
  const id = utf8(bytes);
  if (id === undefined || encodeToken(id) !== token)
    throw new MalformedToken(`not an escaped id: ${token.slice(0, 60)}`);
  return id;
}

function utf8(bytes: readonly number[]): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Uint8Array.from(bytes));
  } catch {
    // The only way in which decoding fails: the bytes are no UTF-8.
    return undefined;
  }
}
