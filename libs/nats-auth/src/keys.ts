import { createUser, fromSeed, type KeyPair } from '@nats-io/nkeys';

/** A user's NKey: its seed is the secret, its public key what servers know it by. */
export interface UserKey {
  readonly publicKey: string;
  readonly seed: string;
}

export function newUserKey(): UserKey {
  return readKey(createUser());
}

/** Throws where the text is no seed of a user. */
export function userKeyOf(seed: string): UserKey {
  const key = readKey(fromSeed(new TextEncoder().encode(seed.trim())));
  if (!key.publicKey.startsWith('U')) throw new TypeError('the seed is not that of a user');
  return key;
}

function readKey(pair: KeyPair): UserKey {
  return { publicKey: pair.getPublicKey(), seed: new TextDecoder().decode(pair.getSeed()) };
}
