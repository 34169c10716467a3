import { createHash, randomBytes } from 'node:crypto';

/** Under what id somebody is denied, and what only whoever denied them knows. */
export interface DenialKey {
  readonly denialId: string;
  readonly secret: string;
}

/** A new id, which cannot be guessed, with its secret. */
export function newDenialKey(): DenialKey {
  const secret = randomBytes(32).toString('base64url');
  return { denialId: denialIdOf(secret), secret };
}

/**
 * The id that belongs to a secret: the first 16 bytes of the SHA-256 of its UTF-8 text, as a UUID of version 8 (RFC 9562, section
 * 5.8). Every gateway hears what is asked of a denial, and could answer first: by the secret it is known that the answer
 * comes from where the id does.
 */
export function denialIdOf(secret: string): string {
  const digest = createHash('sha256').update(secret).digest().subarray(0, 16);
  digest.writeUInt8((digest.readUInt8(6) & 0x0f) | 0x80, 6);
  digest.writeUInt8((digest.readUInt8(8) & 0x3f) | 0x80, 8);
  return digest.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
