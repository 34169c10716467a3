import { describe, expect, it } from '@jest/globals';
import { InvalidConsoleUrl, normaliseConsoleUrl } from './console-url.js';

describe('console URL: every form that people paste becomes the base', () => {
  it.each([
    ['https://acme.sentinelone.net'],
    ['https://acme.sentinelone.net/'],
    ['https://acme.sentinelone.net//'],
    ['  https://acme.sentinelone.net \n'],
    ['"https://acme.sentinelone.net"'],
    ['<https://acme.sentinelone.net>'],
    ['acme.sentinelone.net'],
    ['//acme.sentinelone.net'],
    ['ACME.SentinelOne.NET'],
    ['HTTPS://Acme.SentinelOne.Net'],
    ['https://acme.sentinelone.net.'],
    ['https://acme.sentinelone.net:443'],
    ['https:/acme.sentinelone.net'],
    ['acme.sentinelone.net/web/api'],
    ['https://acme.sentinelone.net/web/api/'],
    ['https://acme.sentinelone.net/web/api/v2.1'],
    ['https://acme.sentinelone.net/web/api/v2.1/agents?limit=1'],
    ['https://acme.sentinelone.net/dashboard?_scopeId=1#top'],
    ['https://acme.sentinelone.net/login'],
  ])('%j', (pasted) => {
    expect(normaliseConsoleUrl(pasted)).toBe('https://acme.sentinelone.net');
  });

  it.each([
    ['https://console.example.com:8443/web/api/v2.1/', 'https://console.example.com:8443'],
    ['console.example.com:8443', 'https://console.example.com:8443'],
    ['https://console', 'https://console'],
    ['http://localhost:8080/web/api', 'http://localhost:8080'],
    ['localhost:8080', 'http://localhost:8080'],
    ['localhost:443', 'http://localhost:443'],
    ['http://127.0.0.1:9000/', 'http://127.0.0.1:9000'],
    ['http://[::1]:9000', 'http://[::1]:9000'],
    ['https://localhost:8443', 'https://localhost:8443'],
  ])('%j is %s', (pasted, base) => {
    expect(normaliseConsoleUrl(pasted)).toBe(base);
  });
});

describe('console URL: what cannot be used is refused with what is wrong', () => {
  it.each([
    ['', /is empty/],
    ['  ', /is empty/],
    ['""', /is empty/],
    ['https://', /not a valid URL/],
    ['https://a b.example', /not a valid URL/],
    ['http://acme.sentinelone.net', /uses http for acme\.sentinelone\.net/],
    ['http://localhost.example.com', /uses http/],
    ['ftp://acme.sentinelone.net', /scheme ftp/],
    ['acme', /only the word "acme"/],
    ['https://console.example.com/s1', /has the path \/s1/],
    ['https://console.example.com/webapi', /has the path/],
    ['https://console.example.com/?x=1', /query or fragment/],
  ])('%j', (pasted, problem) => {
    expect(() => normaliseConsoleUrl(pasted)).toThrow(InvalidConsoleUrl);
    expect(() => normaliseConsoleUrl(pasted)).toThrow(problem);
    expect(() => normaliseConsoleUrl(pasted)).toThrow(/https:\/\/<tenant>\.sentinelone\.net/);
  });

  it.each([
    [`https://user:s3cret@acme.sentinelone.net`, 's3cret'],
    ['x'.repeat(80), 'x'.repeat(80)],
  ])('never repeats a secret pasted into it (%#)', (pasted, secret) => {
    expect(() => normaliseConsoleUrl(pasted)).toThrow(InvalidConsoleUrl);
    expect(() => normaliseConsoleUrl(pasted)).not.toThrow(secret);
  });
});
