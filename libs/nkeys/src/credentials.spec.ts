import { fromPublic } from '@nats-io/nkeys';
import { expect, test } from '@jest/globals';
import { credentialsIn } from './credentials.js';
import { newUserKey } from './keys.js';

const { seed, publicKey } = newUserKey();
const creds = `-----BEGIN NATS USER JWT-----
a.signed.jwt
------END NATS USER JWT------

*** below is a secret ***

-----BEGIN USER NKEY SEED-----
${seed}
------END USER NKEY SEED------
`;

test.each([
  ['a seed', `${seed}\n`, { nkey: publicKey }],
  ['a credentials file', creds, { nkey: publicKey, jwt: 'a.signed.jwt' }],
  ['one with the line ends of Windows', creds.replaceAll('\n', '\r\n'), { nkey: publicKey, jwt: 'a.signed.jwt' }],
])('%s signs what the server asks to be signed', (_what, text, shown) => {
  const credentials = credentialsIn(text);
  expect(credentials.publicKey).toBe(publicKey);
  const { sig, ...rest } = credentials.authenticator('nonce');
  expect(rest).toEqual(shown);
  expect(fromPublic(publicKey).verify(Buffer.from('nonce'), Buffer.from(sig, 'base64'))).toBe(true);
});

test.each([
  ['nothing', ''],
  ['a JWT alone', creds.slice(0, creds.indexOf('***'))],
  ['a seed that was cut short', seed.slice(0, -1)],
  ['a seed with a wrong letter', seed.slice(0, 20) + (seed[20] === 'A' ? 'B' : 'A') + seed.slice(21)],
])('%s is refused', (_what, text) => {
  expect(() => credentialsIn(text)).toThrow(/no seed|checksum/);
});
