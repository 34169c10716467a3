import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { SshFormatError, SshReader, sshString } from './ssh-wire.js';

export const ED25519 = 'ssh-ed25519';
/** A key that a security token keeps, which has to be touched for every signature (OpenSSH's PROTOCOL.u2f). */
export const ED25519_ON_TOKEN = 'sk-ssh-ed25519@openssh.com';

export interface SshPublicKey {
  readonly type: typeof ED25519 | typeof ED25519_ON_TOKEN;
  readonly key: KeyObject;
  /** What a token's key is for, such as `ssh:`; undefined of any other. */
  readonly application: string | undefined;
  /** As `ssh-keygen -l` prints it: `SHA256:` and the hash of its binary form. */
  readonly fingerprint: string;
}

/** What stands before the 32 bytes of an Ed25519 key in its DER form (RFC 8410). */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

/** Reads the binary form of a public key. Throws {@link SshFormatError}, for keys other than Ed25519 too. */
export function readPublicKey(blob: Buffer): SshPublicKey {
  const reader = new SshReader(blob);
  const type = reader.text();
  if (type !== ED25519 && type !== ED25519_ON_TOKEN) {
    throw new SshFormatError(`a key of type ${printable(type)} is not taken: use ${ED25519} or ${ED25519_ON_TOKEN}`);
  }
  const point = reader.string();
  if (point.length !== 32) throw new SshFormatError('an Ed25519 key has 32 bytes');
  const application = type === ED25519_ON_TOKEN ? reader.text() : undefined;
  reader.end();
  const key = createPublicKey({ key: Buffer.concat([SPKI_PREFIX, point]), format: 'der', type: 'spki' });
  return { type, key, application, fingerprint: fingerprintOf(blob) };
}

/** The binary form of an Ed25519 key. */
export function publicKeyBlob(key: KeyObject): Buffer {
  const der = key.export({ format: 'der', type: 'spki' });
  return Buffer.concat([sshString(ED25519), sshString(der.subarray(SPKI_PREFIX.length))]);
}

function fingerprintOf(blob: Buffer): string {
  return `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`;
}

/** What somebody else wrote, fit for a message. */
export function printable(text: string): string {
  return JSON.stringify(text.slice(0, 60));
}
