import { expect, test } from '@jest/globals';
import { canonicalAddress } from './address.js';

test.each([
  ['10.0.0.1', '10.0.0.1'],
  ['::ffff:10.0.0.1', '10.0.0.1'],
  ['::FFFF:0a00:0001', '10.0.0.1'],
  ['2001:DB8:0:0::0001', '2001:db8::1'],
  ['::ffff:0:10.0.0.1', '::ffff:0:a00:1'],
  ['fe80::1%eth0', undefined],
  ['010.0.0.1', undefined],
  ['10.0.0.1:443', undefined],
  ['[::1]', undefined],
  ['10.0.0.1, 10.0.0.2', undefined],
  ['laptop-1', undefined],
  ['', undefined],
])('the address %j is compared as %j', (text, canonical) => {
  expect(canonicalAddress(text)).toBe(canonical);
});
