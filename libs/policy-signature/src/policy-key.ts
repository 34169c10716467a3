import { createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes, type KeyObject } from 'node:crypto';
import { NAMESPACE } from './policy-statement.js';
import { ED25519, publicKeyBlob } from './ssh-public-key.js';
import { sshSign } from './ssh-signature.js';
import { armoured, SshFormatError, SshReader, sshString, sshUint32, unarmoured } from './ssh-wire.js';

/** A new key pair in the files that OpenSSH has for it. */
export interface PolicyKeyFiles {
  /** Not protected by a passphrase: `ssh-keygen -p -f <file>` gives it one. */
  readonly privateKey: string;
  /** One line: type, key, comment. */
  readonly publicKey: string;
}

const LABEL = 'OPENSSH PRIVATE KEY';
const MAGIC = Buffer.from('openssh-key-v1\0');
const BLOCK_SIZE = 8;
/** What stands before the 32 bytes of an Ed25519 private key in its DER form (RFC 8410). */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');

/** Makes an Ed25519 key pair; `comment` says whose it is. */
export function generatePolicyKey(comment: string): PolicyKeyFiles {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const blob = publicKeyBlob(publicKey);
  const seed = privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(PKCS8_PREFIX.length);
  const check = randomBytes(4);
  const point = blob.subarray(-32);
  const content = Buffer.concat([check, check, blob, sshString(Buffer.concat([seed, point])), sshString(comment)]);
  const padding = Buffer.from(Array.from({ length: -content.length & (BLOCK_SIZE - 1) }, (_, index) => index + 1));
  const file = Buffer.concat([
    MAGIC,
    ...['none', 'none', ''].map(sshString),
    sshUint32(1),
    sshString(blob),
    sshString(Buffer.concat([content, padding])),
  ]);
  return {
    privateKey: armoured(LABEL, file),
    publicKey: `${ED25519} ${blob.toString('base64')} ${comment}\n`,
  };
}

/**
 * Signs a statement with the content of a private key file of OpenSSH; `undefined` where only OpenSSH can do it: a key with a
 * passphrase, one on a token or in an agent, or of another type. Throws {@link SshFormatError} for one that is damaged.
 */
export function signWithKeyFile(keyFile: string, statement: string): string | undefined {
  const key = unprotectedKey(keyFile);
  return key && sshSign(key, createPublicKey(key.export({ format: 'pem', type: 'pkcs8' })), NAMESPACE, statement);
}

function unprotectedKey(keyFile: string): KeyObject | undefined {
  const bytes = unarmoured(LABEL, keyFile);
  if (bytes === undefined) return undefined;
  const reader = new SshReader(bytes);
  if (!reader.raw(MAGIC.length).equals(MAGIC)) throw new SshFormatError('it is of another version than is known');
  const [cipher] = [reader.text(), reader.text(), reader.text()];
  if (cipher !== 'none' || reader.uint32() !== 1) return undefined;
  reader.string();
  const content = new SshReader(reader.string());
  if (!content.raw(4).equals(content.raw(4))) throw new SshFormatError('it is damaged');
  if (content.text() !== ED25519) return undefined;
  content.string();
  const seed = content.string().subarray(0, 32);
  return createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: 'der', type: 'pkcs8' });
}
