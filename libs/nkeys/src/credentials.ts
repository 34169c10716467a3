import { keyPairOf } from './keys.js';

/** What lets a user in. */
export interface Credentials {
  readonly publicKey: string;
  /** Signs what the server asks it to: an `Authenticator` of NATS's clients, which on their own sign in JavaScript. */
  readonly authenticator: (
    nonce?: string,
  ) => { nkey: string; sig: string } | { jwt: string; nkey: string; sig: string };
}

const SEED = /^SU[A-Z2-7]{56}$/m;
const JWT = /^-+BEGIN NATS USER JWT-+\s+(?<jwt>\S+)/m;

/** Reads what a credentials file holds: a user's seed, and in operator mode its JWT. Throws where there is no seed. */
export function credentialsIn(text: string): Credentials {
  const seed = SEED.exec(text)?.[0];
  if (seed === undefined) throw new TypeError('there is no seed of a NATS user');
  const jwt = JWT.exec(text)?.groups?.['jwt'];
  const pair = keyPairOf(seed);
  const publicKey = pair.getPublicKey();
  return {
    publicKey,
    authenticator: (nonce = '') => {
      const sig = Buffer.from(pair.sign(Buffer.from(nonce))).toString('base64');
      return { ...(jwt !== undefined && { jwt }), nkey: publicKey, sig };
    },
  };
}
