import { createPrivateKey, createPublicKey, sign } from 'node:crypto';
import { createUser, fromSeed, Prefix, type KeyPair } from '@nats-io/nkeys';
import { decodeSeed, encodeNkey } from './nkey-text.js';

/** A user's NKey: its seed is the secret, its public key what servers know it by. */
export interface UserKey {
  readonly publicKey: string;
  readonly seed: string;
}

export function newUserKey(): UserKey {
  return userKeyOf(seedOf(createUser()));
}

/** Throws where the text is no seed of a user. */
export function userKeyOf(seed: string): UserKey {
  const pair = keyPairOf(seed);
  const publicKey = pair.getPublicKey();
  if (!publicKey.startsWith('U')) throw new TypeError('the seed is not that of a user');
  return { publicKey, seed: seedOf(pair) };
}

/** What stands before the 32 bytes of an Ed25519 key in PKCS #8 (RFC 8410). */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');

/**
 * A key pair of NATS which computes by node:crypto: in JavaScript each signature takes some 10 ms, in which the process does
 * nothing else. Throws where the text is no seed.
 */
export function keyPairOf(seed: string): KeyPair {
  const text = seed.trim();
  const pair = fromSeed(new TextEncoder().encode(text));
  const { prefix, key } = decodeSeed(text);
  const privateKey = createPrivateKey({ key: Buffer.concat([PKCS8, key]), format: 'der', type: 'pkcs8' });
  const point = createPublicKey(privateKey).export({ format: 'der', type: 'spki' }).subarray(-key.length);
  const publicKey = encodeNkey(prefix, point);
  return Object.assign(pair, {
    getPublicKey: () => publicKey,
    getPrivateKey: () => new TextEncoder().encode(encodeNkey(Prefix.Private, Buffer.concat([key, point]))),
    sign: (input: Uint8Array) => sign(null, input, privateKey),
  });
}

/** The secret of a pair, as text. */
export function seedOf(pair: KeyPair): string {
  return new TextDecoder().decode(pair.getSeed());
}
