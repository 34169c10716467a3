import { describe, expect, test } from '@jest/globals';
import { readClaims } from './claims.js';

const byPath = { deviceHeader: 'x-stance-device', userHeader: 'x-stance-user', resourceFrom: 'path' } as const;
const byHeader = { ...byPath, resourceFrom: 'header' } as const;
const owned = { deviceHeader: 'x-client-serial', resourceFrom: 'path' } as const;

describe('claims of a listed proxy', () => {
  test('are the configured headers, however written', () => {
    const headers = ['Host', 'wiki', 'X-STANCE-Device', 'laptop-1', 'x-stance-user', 'anna@example.org'];
    expect(readClaims(headers, byPath, true)).toEqual({ device: 'laptop-1', user: 'anna@example.org' });
    expect(readClaims(['X-Client-Serial', 'C02'], owned, true)).toEqual({ device: 'C02' });
    expect(readClaims(['X-Stance-Resource', 'wiki'], byHeader, true)).toEqual({ resource: 'wiki' });
  });

  test('are none where a header is empty', () => {
    expect(readClaims(['X-Stance-Device', ''], byPath, true)).toEqual({});
  });

  test.each([
    ['a device twice', ['X-Stance-Device', 'laptop-1', 'x-stance-device', 'laptop-2']],
    ['a device twice, the first empty', ['X-Stance-Device', '', 'X-Stance-Device', 'laptop-2']],
    ['a user twice', ['X-Stance-User', 'anna', 'X-Stance-User', 'anna']],
    ['values joined by a comma', ['X-Stance-Device', 'laptop-1, laptop-2']],
    ['white space', ['X-Stance-Device', 'laptop 1']],
    ['a control character', ['X-Stance-Device', 'laptop\u0001']],
    ['letters beyond ASCII', ['X-Stance-Device', 'läptop']],
    ['200 characters and one more', ['X-Stance-Device', 'a'.repeat(201)]],
    ['an underscore for a dash', ['X_Stance_Device', 'laptop-1']],
    ['a resource although the path names it', ['X-Stance-Resource', 'wiki']],
    ['one of our answers', ['X-Stance-Decision', 'allow']],
    ['a header that does not exist yet', ['X-Stance-Owner', 'anna']],
  ])('are refused with %s', (_case, headers) => {
    expect(readClaims(headers, byPath, true)).toMatchObject({ forged: expect.any(String) });
  });

  test('are refused with a user that the proxy is not configured to prove', () => {
    const headers = ['X-Client-Serial', 'C02', 'X-Stance-User', 'anna'];
    expect(readClaims(headers, owned, true)).toMatchObject({ forged: expect.stringContaining('X-Stance-User') });
  });
});

describe('claims of anybody else', () => {
  test.each([
    ['the device header', ['X-Stance-Device', 'laptop-1'], byPath],
    ['an empty one', ['X-Stance-Device', ''], byPath],
    ['a device header of another name', ['X-Client-Serial', 'C02'], owned],
    ['the same with an underscore', ['X_Client_Serial', 'C02'], owned],
    ['the resource', ['X-Stance-Resource', 'wiki'], byHeader],
    ['anything that begins like ours', ['x-stance-anything', '1'], byPath],
  ])('are refused with %s', (_case, headers, configured) => {
    expect(readClaims(headers, configured, false)).toMatchObject({
      forged: expect.stringContaining('was not sent by a listed proxy'),
    });
  });

  test('are none where no header claims anything', () => {
    expect(readClaims(['Host', 'wiki', 'X-Stancer', '1'], byPath, false)).toEqual({});
  });
});
