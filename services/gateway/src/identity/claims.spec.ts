import { describe, expect, test } from '@jest/globals';
import { parseGatewayFile } from '../file/gateway-file.js';
import { claimHeaders, MAX_TOKEN, readClaims, type Claims } from './claims.js';
import { ProofRefused } from './proof-refused.js';

const device = claimHeaders(parseGatewayFile('{ name: e, trustedProxies: ["::1"], device: { header: {} } }', '/'));
const everything = claimHeaders(
  parseGatewayFile(
    `
    name: edge
    trustedProxies: ['::1']
    resourceFrom: header
    inventory: inventory.yaml
    device:
      certificate: { header: { format: xfcc } }
      token: { issuer: i, audience: a, jwks: keys.json }
      header: { name: X-Client-Serial }
      address: { header: X-Forwarded-For }
    user:
      token: { issuer: i, audience: a, jwks: keys.json }
      header: {}
    `,
    '/',
  ),
);

const fromProxy = { isFromListedProxy: true };
const fromAnybody = { isFromListedProxy: false };

/** The claims, or why there are none. */
function read(...args: Parameters<typeof readClaims>): Claims | string {
  try {
    return readClaims(...args);
  } catch (error) {
    if (error instanceof ProofRefused) return error.message;
    throw error;
  }
}

describe('claims of a listed proxy', () => {
  test('are the configured headers, however written', () => {
    const headers = ['Host', 'wiki', 'X-CLIENT-Serial', 'C02', 'x-stance-user', 'anna@example.org'];
    headers.push('X-Forwarded-Client-Cert', 'Hash=ab', 'x-device-token', 'a.b.c', 'authorization', 'bearer d.e.f');
    headers.push('X-Forwarded-For', '2001:db8::1', 'X-Stance-Resource', 'wiki');
    expect(read(headers, everything, fromProxy)).toEqual({
      device: 'C02',
      user: 'anna@example.org',
      certificate: 'Hash=ab',
      deviceToken: 'a.b.c',
      userToken: 'd.e.f',
      address: '2001:db8::1',
      resource: 'wiki',
    });
  });

  test('are nothing where a header is empty', () => {
    expect(read(['X-Stance-Device', ''], device, fromProxy)).toEqual({ device: '' });
  });

  test.each([
    ['a device twice', ['X-Stance-Device', 'laptop-1', 'x-stance-device', 'laptop-2'], 'twice'],
    ['a device twice, the first empty', ['X-Stance-Device', '', 'X-Stance-Device', 'laptop-2'], 'twice'],
    ['a device twice, the same', ['X-Stance-Device', 'laptop-1', 'X-Stance-Device', 'laptop-1'], 'twice'],
    ['values joined by a comma', ['X-Stance-Device', 'laptop-1, laptop-2'], 'malformed'],
    ['white space', ['X-Stance-Device', 'laptop 1'], 'malformed'],
    ['a control character', ['X-Stance-Device', 'laptop\u0001'], 'malformed'],
    ['letters beyond ASCII', ['X-Stance-Device', 'läptop'], 'malformed'],
    ['200 characters and one more', ['X-Stance-Device', 'a'.repeat(201)], 'malformed'],
    ['an underscore for a dash', ['X_Stance_Device', 'laptop-1'], 'none of those'],
    ['a resource although the path names it', ['X-Stance-Resource', 'wiki'], 'none of those'],
    ['a user that no header proves', ['X-Stance-User', 'anna'], 'none of those'],
    ['one of our answers', ['X-Stance-Decision', 'allow'], 'none of those'],
    ['a header that does not exist yet', ['X-Stance-Owner', 'anna'], 'none of those'],
  ])('are refused with %s', (_case, headers, why) => {
    expect(read(headers, device, fromProxy)).toContain(why);
  });

  test.each([
    ['several addresses', ['X-Forwarded-For', '10.0.0.1, 10.0.0.2'], 'has to name one address'],
    ['two headers of addresses', ['X-Forwarded-For', '10.0.0.1', 'X-Forwarded-For', '10.0.0.2'], 'twice'],
    ['two certificates', ['X-Forwarded-Client-Cert', 'a', 'X-Forwarded-Client-Cert', 'b'], 'twice'],
    ['a certificate of 16 KiB and one more', ['X-Forwarded-Client-Cert', 'a'.repeat(16_385)], 'longer than'],
    ['the device by its default name', ['X-Stance-Device', 'laptop-1'], 'none of those'],
  ])('are refused with %s', (_case, headers, why) => {
    expect(read(headers, everything, fromProxy)).toContain(why);
  });
});

describe('what a header means', () => {
  const long = `X-Stance-${'a'.repeat(100)}`;
  test.each([
    ['X-Stance-Device', 'device'],
    ['x-STANCE-device', 'device'],
    ['X_Stance_Device', 'device'],
    ['X-Stance-Owner', 'reserved'],
    [long, 'reserved'],
    ['Accept', 'other'],
    ['constructor', 'other'],
  ])('does not depend on what was sent before: %s', (written, meaning) => {
    const headers = claimHeaders(parseGatewayFile('{ name: e, trustedProxies: ["::1"], device: { header: {} } }', '/'));
    for (let round = 0; round < 3; round += 1) {
      expect(headers.meaningOf(written)).toBe(meaning);
      for (let other = 0; other < 1_500; other += 1) headers.meaningOf(`X-Other-${round}-${other}`);
    }
  });
});

describe('claims of anybody else', () => {
  test.each([
    ['the device header', ['X-Stance-Device', 'laptop-1'], device],
    ['an empty one', ['X-Stance-Device', ''], device],
    ['a device header of another name', ['X-Client-Serial', 'C02'], everything],
    ['the same with an underscore', ['X_Client_Serial', 'C02'], everything],
    ['a certificate', ['X-Forwarded-Client-Cert', 'Hash=ab'], everything],
    ['an address', ['x-forwarded-for', '10.0.0.1'], everything],
    ['the resource', ['X-Stance-Resource', 'wiki'], everything],
    ['anything that begins like ours', ['x-stance-anything', '1'], device],
  ])('are refused with %s', (_case, headers, configured) => {
    expect(read(headers, configured, fromAnybody)).toContain('was not sent by a listed proxy');
  });

  test('are none where no header claims anything', () => {
    const headers = ['Host', 'wiki', 'X-Stancer', '1', 'Authorization', 'Bearer x', 'X-Forwarded-For', '10.0.0.1'];
    expect(read(headers, device, fromAnybody)).toEqual({});
  });
});

describe("a client's own tokens", () => {
  test.each([
    ['after Bearer', ['Authorization', 'Bearer a.b.c'], { userToken: 'a.b.c' }],
    ['alone', ['X-Device-Token', 'a.b.c'], { deviceToken: 'a.b.c' }],
    ['as long as may be', ['X-Device-Token', 'a'.repeat(MAX_TOKEN)], { deviceToken: 'a'.repeat(MAX_TOKEN) }],
    ['of another scheme, which is not for us', ['Authorization', 'Basic YTpi Yw=='], { userToken: '' }],
  ])('are taken %s', (_case, headers, claims) => {
    expect(read(headers, everything, fromAnybody)).toEqual(claims);
  });

  test.each([
    ['a character too long', ['X-Device-Token', 'a'.repeat(MAX_TOKEN + 1)], 'longer than'],
    ['two in one header', ['X-Device-Token', 'a.b.c d.e.f'], 'malformed'],
    ['two after Bearer', ['Authorization', 'Bearer a.b.c d.e.f'], 'malformed'],
    ['twice', ['Authorization', 'Bearer a', 'authorization', 'Bearer b'], 'twice'],
    ['with an underscore', ['X_Device_Token', 'a.b.c'], 'none of those'],
  ])('are refused %s', (_case, headers, why) => {
    expect(read(headers, everything, fromAnybody)).toContain(why);
  });
});
