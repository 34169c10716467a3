import { describe, expect, it } from '@jest/globals';
import { addressesIn, isLoopback, UnusableAddress } from './addresses.js';

describe('the addresses of NATS', () => {
  it.each([
    ['tls://a:4222', ['tls://a:4222'], true],
    [' TLS://a:4222 , tls://b:4222,', ['TLS://a:4222', 'tls://b:4222'], true],
    ['nats://a:4222,nats://b', ['nats://a:4222', 'nats://b'], false],
    ['a:4222,nats://b', ['a:4222', 'nats://b'], false],
  ])('of %j', (url, servers, requireTls) => {
    expect(addressesIn(url)).toEqual({ servers, requireTls });
  });

  it.each([
    ['tls://a:4222,nats://b:4222', /mixes tls:\/\//],
    ['tls://a:4222,b:4222', /mixes tls:\/\//],
    ['wss://a:443', /wss:\/\/, which is not spoken here: write tls:\/\//],
    ['http://a:4222', /http:\/\/, which is not spoken/],
    [' , ', /names no NATS server/],
  ])('%j cannot be used', (url, why) => {
    expect(() => addressesIn(url)).toThrow(UnusableAddress);
    expect(() => addressesIn(url)).toThrow(why);
  });

  it.each([
    ['nats://127.0.0.1:4222', true],
    ['localhost,nats://[::1]:4222,127.8.0.1', true],
    ['nats://127.0.0.1:4222,nats://nats:4222', false],
    ['nats://127.0.0.1.example.com', false],
    ['nats://localhost@nats:4222', false],
  ])('%j: all on this machine is %j', (url, local) => {
    expect(isLoopback(url)).toBe(local);
  });
});
