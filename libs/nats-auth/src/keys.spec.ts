import { createAccount } from '@nats-io/nkeys';
import { describe, expect, test } from '@jest/globals';
import { newUserKey, userKeyOf } from './keys.js';

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
