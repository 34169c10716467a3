import { createAccount, createOperator, createUser, fromPublic, type KeyPair } from '@nats-io/nkeys';
import { describe, expect, test } from '@jest/globals';
import { keyPairOf, newUserKey, seedOf, userKeyOf } from './keys.js';

describe("a user's key", () => {
  test('is known again by its seed, with or without a line end', () => {
    const key = newUserKey();
    expect(key).toEqual({ publicKey: expect.stringMatching(/^U[A-Z2-7]{55}$/), seed: expect.stringMatching(/^SU/) });
    expect(userKeyOf(key.seed)).toEqual(key);
    expect(userKeyOf(`${key.seed}\n`)).toEqual(key);
  });

  test('is another each time', () => {
    expect(newUserKey().seed).not.toBe(newUserKey().seed);
  });

  test.each([
    ['what is no seed', 'none'],
    ['nothing', ''],
    ["an account's seed", new TextDecoder().decode(createAccount().getSeed())],
  ])('is not read from %s', (_what, text) => {
    expect(() => userKeyOf(text)).toThrow(/seed|checksum|encoding|prefix|invalid/i);
  });
});

describe.each([
  ['a user', createUser],
  ['an account', createAccount],
  ['an operator', createOperator],
])('the key pair of %s', (_whose, create: () => KeyPair) => {
  const original = create();
  const pair = keyPairOf(seedOf(original));

  test('is the one that the library of NATS makes of the seed', () => {
    expect(pair.getPublicKey()).toBe(original.getPublicKey());
    expect(Buffer.from(pair.getPrivateKey())).toEqual(Buffer.from(original.getPrivateKey()));
  });

  test('signs what the public key verifies', () => {
    const text = Buffer.from('a nonce');
    const signature = pair.sign(text);
    expect(fromPublic(pair.getPublicKey()).verify(text, signature)).toBe(true);
    expect(fromPublic(pair.getPublicKey()).verify(Buffer.from('another'), signature)).toBe(false);
  });
});
