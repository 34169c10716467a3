import { createHash, randomBytes } from 'node:crypto';

/** Under what id somebody is denied, and what only whoever denied them can show for it. */
export interface DenialKey {
  readonly denialId: string;
  readonly proof: string;
}

/** A new id, which cannot be guessed, with its proof. */
export function newDenialKey(): DenialKey {
  const proof = randomBytes(32).toString('base64url');
  return { denialId: denialIdOf(proof), proof };
}

/**
 * The id that belongs to a proof: its SHA-256 as a UUID of version 8 (RFC 9562, section 5.8). Every gateway hears what is asked
 * of a denial, and could answer first: by its proof it is known that the answer comes from where the denial did.
 */
export function denialIdOf(proof: string): string {
  const digest = createHash('sha256').update(proof).digest().subarray(0, 16);
  digest.writeUInt8((digest.readUInt8(6) & 0x0f) | 0x80, 6);
  digest.writeUInt8((digest.readUInt8(8) & 0x3f) | 0x80, 8);
  return digest.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
