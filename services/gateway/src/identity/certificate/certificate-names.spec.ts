import { X509Certificate } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { TestAuthority, type CertificateContent } from '@stance/testing';
import { ProofRefused } from '../proof-refused.js';
import { canonicalFingerprint, canonicalSerial, idIn, uriNames } from './certificate-names.js';

const authority = TestAuthority.create('Device CA');
const uriPrefix = 'urn:stance:device:';
const mine = `${uriPrefix}laptop-1`;

const issue = (content: CertificateContent) => new X509Certificate(authority.issue(content).certificate);
const byUri = (content: CertificateContent) => idIn(issue(content), { id: 'uri', uriPrefix });
const byName = (content: CertificateContent) => idIn(issue(content), { id: 'cn', uriPrefix });

describe('the id in a URI', () => {
  test('is what stands after the prefix, whatever other names there are', () => {
    const altNames = [{ dns: 'a.example' }, { uri: 'https://a.example/x,y' }, { ip: '10.0.0.1' }, { email: 'a@b' }];
    expect(byUri({ altNames: [...altNames, { uri: mine }] })).toBe('laptop-1');
  });

  test.each<[string, CertificateContent['altNames'] & object]>([
    ['there is none', []],
    ['there are two', [{ uri: mine }, { uri: `${uriPrefix}laptop-2` }]],
    ['there is the same twice', [{ uri: mine }, { uri: mine }]],
    ['nothing stands after the prefix', [{ uri: uriPrefix }]],
    ['a DNS name pretends to hold it', [{ dns: `x, URI:${mine}` }]],
    ['a DNS name pretends to end before it', [{ dns: `x", URI:${mine}` }]],
    ['an e-mail address pretends to hold it', [{ email: `a@b, URI:${mine}, DNS:y` }]],
    ['another URI pretends to hold it', [{ uri: `urn:x, URI:${mine}` }]],
    ['it has a line break', [{ uri: `${mine}\nx` }]],
    ['it has a NUL', [{ uri: `${mine}\0.example` }]],
    ['it has a comma', [{ uri: `${mine}, laptop-2` }]],
    ['it has a letter beyond ASCII', [{ uri: `${uriPrefix}läptop` }]],
    ['it is too long', [{ uri: uriPrefix + 'a'.repeat(201) }]],
    ['the prefix is in other letters', [{ uri: `URN:stance:device:laptop-1` }]],
    ['the prefix stands further on', [{ uri: `x${mine}` }]],
  ])('is refused where %s', (_case, altNames) => {
    expect(() => byUri({ altNames })).toThrow(ProofRefused);
  });

  test('is not hidden by a hostile neighbour', () => {
    expect(byUri({ altNames: [{ dns: `x, URI:${uriPrefix}laptop-2` }, { uri: mine }] })).toBe('laptop-1');
  });

  test.each(['URI', 'URI:"urn:a', 'URI:urn:a"b', 'URI:"urn:a"x', '; URI:urn:a'])(
    'is refused in the list %j',
    (list) => {
      expect(() => uriNames(list)).toThrow(ProofRefused);
    },
  );
});

describe('the common name', () => {
  test('is the id', () => {
    expect(byName({ commonNames: ['laptop-1'] })).toBe('laptop-1');
  });

  test.each([
    ['there is none', []],
    ['there are two', ['laptop-1', 'laptop-2']],
    ['there is the same twice', ['laptop-1', 'laptop-1']],
    ['it has a line break', ['laptop-1\nCN=laptop-2']],
    ['it has a NUL', ['laptop-1\0']],
    ['it is empty', ['']],
  ])('is refused where %s', (_case, commonNames) => {
    expect(() => byName({ commonNames })).toThrow(ProofRefused);
  });
});

test('serials and fingerprints are compared in one form', () => {
  const certificate = issue({ serial: '00ab01' });
  expect(idIn(certificate, { id: 'serial', uriPrefix })).toBe('AB01');
  expect(idIn(certificate, { id: 'fingerprint', uriPrefix })).toMatch(/^[0-9A-F]{64}$/);
  expect([canonicalSerial('00:ab:01'), canonicalSerial('0'), canonicalFingerprint('0a:Bc')]).toEqual([
    'AB01',
    '0',
    '0ABC',
  ]);
});
