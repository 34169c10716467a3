import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { decodeToken, encodeToken, MalformedToken, MAX_TOKEN_BYTES, UnusableId } from './id-token.js';

/** Any valid Unicode whose escaped form is never too long: a character takes at most 4 bytes, 3 characters each. */
const anyId = fc.string({ unit: 'binary', minLength: 1, maxLength: 16 });
const VALID_TOKEN = /^[A-Za-z0-9_=-]{1,200}$/;

/** `undefined` for a refused token; anything but a refusal is thrown on. */
function readOrUndefined(token: string): string | undefined {
  try {
    return decodeToken(token);
  } catch (error) {
    if (error instanceof MalformedToken) return undefined;
    throw error;
  }
}

describe('an id as a subject token', () => {
  it('comes back as it was, whatever it holds', () => {
    fc.assert(fc.property(anyId, (id) => expect(decodeToken(encodeToken(id))).toBe(id)));
  });

  it('is a NATS token: no separator, wildcard, white space or control character, never empty, at most 200 bytes', () => {
    fc.assert(fc.property(anyId, (id) => expect(encodeToken(id)).toMatch(VALID_TOKEN)));
  });

  it('is never shared by two ids', () => {
    fc.assert(
      fc.property(anyId, anyId, (one, other) => {
        expect(encodeToken(one) === encodeToken(other)).toBe(one === other);
      }),
    );
  });

  it('is read only in the one form that encoding gives', () => {
    const almostTokens = fc.oneof(
      fc.string({ unit: fc.constantFrom(...'=0123456789ABCDEFabcdef_-.xX'.split('')), maxLength: 24 }),
      fc.string({ unit: 'binary', maxLength: 12 }),
    );
    fc.assert(
      fc.property(almostTokens, (token) => {
        const id = readOrUndefined(token);
        expect(id === undefined || encodeToken(id) === token).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  it.each([
    ['plain-ID_9', 'plain-ID_9'],
    ['a.b', 'a=2Eb'],
    ['a b', 'a=20b'],
    ['=', '=3D'],
    ['*', '=2A'],
    ['>', '=3E'],
    ['é', '=C3=A9'],
    ['\u0000\n', '=00=0A'],
    ['\uFEFF', '=EF=BB=BF'],
  ])('writes %j as %s', (id, token) => {
    expect(encodeToken(id)).toBe(token);
    expect(decodeToken(token)).toBe(id);
  });

  it.each([
    ['nothing', ''],
    ['a high surrogate alone', 'a\uD800'],
    ['a low surrogate alone', '\uDC00b'],
    ['201 plain characters', 'x'.repeat(MAX_TOKEN_BYTES + 1)],
    ['67 characters that take 3 bytes each', '.'.repeat(67)],
  ])('refuses %s', (_, id) => {
    expect(() => encodeToken(id)).toThrow(UnusableId);
  });

  it.each([['x'.repeat(MAX_TOKEN_BYTES)], ['.'.repeat(66)]])('takes what is just short enough', (id) => {
    expect(decodeToken(encodeToken(id))).toBe(id);
  });

  it.each([
    ['nothing', ''],
    ['lower-case hex', 'a=2eb'],
    ['an escape cut short', 'a=2'],
    ['an escape that need not be', '=61'],
    ['bytes that are no UTF-8', '=FF'],
    ['an overlong encoding', '=C0=AE'],
    ['a surrogate in UTF-8', '=ED=A0=80'],
    ['a separator', 'a.b'],
    ['201 plain characters', 'x'.repeat(MAX_TOKEN_BYTES + 1)],
    ['201 escaped characters', '=2E'.repeat(67)],
  ])('does not read %s', (_, token) => {
    expect(() => decodeToken(token)).toThrow(MalformedToken);
  });
});
