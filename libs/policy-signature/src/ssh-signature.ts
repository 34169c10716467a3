import { createHash, sign, verify, type KeyObject } from 'node:crypto';
import { ED25519, printable, publicKeyBlob, readPublicKey, type SshPublicKey } from './ssh-public-key.js';
import { armoured, SshFormatError, SshReader, sshString, sshUint32, unarmoured } from './ssh-wire.js';

/** A signature as `ssh-keygen -Y sign` writes it (OpenSSH's PROTOCOL.sshsig). */
export interface SshSignature {
  readonly publicKey: SshPublicKey;
  /** What it was made for: one for another purpose counts for nothing. */
  readonly namespace: string;
  readonly hashAlgorithm: 'sha256' | 'sha512';
  readonly signature: Buffer;
}

const LABEL = 'SSH SIGNATURE';
const MAGIC = Buffer.from('SSHSIG');
const VERSION = 1;
/** Of what a token says it saw: somebody touched it. */
const USER_PRESENT = 0x01;

/** Reads one signature and nothing besides. Throws {@link SshFormatError}. */
export function readSignature(text: string): SshSignature {
  const bytes = unarmoured(LABEL, text);
  if (bytes === undefined) throw new SshFormatError('it is not one SSH signature, whole and alone');
  const reader = new SshReader(bytes);
  if (!reader.raw(MAGIC.length).equals(MAGIC)) throw new SshFormatError('it is no SSH signature');
  if (reader.uint32() !== VERSION) throw new SshFormatError('it is of a later version than is known');
  const publicKey = readPublicKey(reader.string());
  const namespace = reader.text();
  if (reader.string().length > 0) throw new SshFormatError('it uses a field that has no meaning yet');
  const hashAlgorithm = reader.text();
  if (hashAlgorithm !== 'sha256' && hashAlgorithm !== 'sha512') {
    throw new SshFormatError(`a hash of type ${printable(hashAlgorithm)} is not taken`);
  }
  const signature = reader.string();
  reader.end();
  return { publicKey, namespace, hashAlgorithm, signature };
}

/** Whether the key that it names signed this message for its namespace. Throws {@link SshFormatError}. */
export function isSignatureOf(
  { publicKey, namespace, hashAlgorithm, signature }: SshSignature,
  message: string,
): boolean {
  const signed = signedBytes(namespace, hashAlgorithm, message);
  const reader = new SshReader(signature);
  if (reader.text() !== publicKey.type) throw new SshFormatError('key and signature are of different types');
  const value = reader.string();
  if (publicKey.application === undefined) {
    reader.end();
    return verify(null, signed, publicKey.key, value);
  }
  const [flags] = reader.raw(1);
  const counter = reader.raw(4);
  reader.end();
  const seen = Buffer.concat([sha256(publicKey.application), Buffer.of(flags ?? 0), counter, sha256(signed)]);
  return ((flags ?? 0) & USER_PRESENT) !== 0 && verify(null, seen, publicKey.key, value);
}

/** Signs with an Ed25519 key that is at hand, as `ssh-keygen -Y sign` does. */
export function sshSign(privateKey: KeyObject, publicKey: KeyObject, namespace: string, message: string): string {
  const value = sign(null, signedBytes(namespace, 'sha512', message), privateKey);
  return armoured(
    LABEL,
    Buffer.concat([
      MAGIC,
      sshUint32(VERSION),
      sshString(publicKeyBlob(publicKey)),
      sshString(namespace),
      sshString(''),
      sshString('sha512'),
      sshString(Buffer.concat([sshString(ED25519), sshString(value)])),
    ]),
  );
}

function signedBytes(namespace: string, hashAlgorithm: string, message: string): Buffer {
  const hash = createHash(hashAlgorithm).update(message).digest();
  return Buffer.concat([MAGIC, sshString(namespace), sshString(''), sshString(hashAlgorithm), sshString(hash)]);
}

function sha256(bytes: string | Buffer): Buffer {
  return createHash('sha256').update(bytes).digest();
}
