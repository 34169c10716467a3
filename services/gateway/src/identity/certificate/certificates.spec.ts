import { X509Certificate } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import type { CertificateFormat, CertificateProof } from '../../file/proofs.js';
import { deviceContent, issueDeviceCertificates, TestAuthority, type KeyedCertificate } from '@stance/testing';
import { ProofRefused } from '../proof-refused.js';
import { Authorities } from './authorities.js';
import { Certificates } from './certificates.js';

const issued = issueDeviceCertificates(['laptop-1', 'laptop-2']);
const laptop = issued.of('laptop-1');
const escaped = (pem: string) => encodeURIComponent(pem);
const hashOf = (pem: string) => new X509Certificate(pem).fingerprint256.replaceAll(':', '').toLowerCase();

interface Setting {
  readonly ca?: readonly string[];
  readonly id?: CertificateProof['id'];
  readonly now?: () => number;
}

function certificates({ ca = [issued.ca], id = 'uri', now = Date.now }: Setting = {}): Certificates {
  const authorities = ca.length === 0 ? undefined : new Authorities(ca.map((pem) => new X509Certificate(pem)));
  return new Certificates({ id, uriPrefix: 'urn:stance:device:' }, authorities, now);
}

describe('the certificate of a connection', () => {
  test('names its device', () => {
    expect(certificates().ofConnection(laptop.der)).toBe('laptop-1');
  });

  test.each([
    [
      'of a stranger that calls itself the same',
      issued.wrongAuthority('laptop-1'),
      'which this gateway does not trust',
    ],
    ['that expired', issued.expired('laptop-1'), 'The certificate of this device expired on'],
    ['that is not valid yet', issued.notYetValid('laptop-1'), 'valid from'],
    ['of a server', issued.authority.issue({ ...deviceContent('laptop-1'), usage: 'server' }), 'client authentication'],
    ['of the authority itself', issued.authority.asDevice, "an authority's"],
    ['that signed itself', selfSigned('laptop-1'), 'not trust'],
  ])('is refused if it is one %s', (_case, { der }, why) => {
    expect(() => certificates().ofConnection(der)).toThrow(new RegExp(why));
  });

  test('without restriction of its usage is taken', () => {
    const { der } = issued.authority.issue({ ...deviceContent('laptop-1'), usage: 'none' });
    expect(certificates().ofConnection(der)).toBe('laptop-1');
  });

  test('counts until it expires, also when it is remembered', () => {
    let now = Date.now();
    const seen = certificates({ now: () => now });
    const { der } = issued.authority.issue({ ...deviceContent('laptop-1'), validTo: new Date(now + 60_000) });
    expect(seen.ofConnection(der)).toBe('laptop-1');
    now += 61_000;
    expect(() => seen.ofConnection(der)).toThrow(/expired on .*: renew it/);
  });

  test('is refused once its authority has expired', () => {
    let now = Date.now();
    const authority = TestAuthority.create('Old CA', undefined, { validTo: new Date(now + 60_000) });
    const seen = certificates({ ca: [authority.certificate], now: () => now });
    const { der } = authority.issue(deviceContent('laptop-1'));
    expect(seen.ofConnection(der)).toBe('laptop-1');
    now += 61_000;
    expect(() => seen.ofConnection(der)).toThrow(/of its authority expired/);
  });
});

describe('a chain', () => {
  const root = TestAuthority.create('Root');
  const between = TestAuthority.create('Between', root);
  const device = between.issue(deviceContent('laptop-1'));
  const chain = (first: string, ...rest: readonly string[]) =>
    `Hash=${hashOf(first)};Chain="${escaped([first, ...rest].join(''))}"`;

  test('leads to a known authority, whichever of it is known', () => {
    const ofRoot = certificates({ ca: [root.certificate] });
    expect(ofRoot.ofHeader(chain(device.certificate, between.certificate), 'xfcc')).toBe('laptop-1');
    expect(certificates({ ca: [between.certificate] }).ofConnection(device.der)).toBe('laptop-1');
  });

  test('is refused where a link is missing', () => {
    expect(() => certificates({ ca: [root.certificate] }).ofConnection(device.der)).toThrow(/issued by CN=Between/);
  });

  test('is refused where a device plays the authority', () => {
    const evil = TestAuthority.create('laptop-1', root, { usage: 'client' });
    const forged = evil.issue(deviceContent('laptop-2'));
    const ofRoot = certificates({ ca: [root.certificate] });
    expect(() => ofRoot.ofHeader(chain(forged.certificate, evil.certificate), 'xfcc')).toThrow(/does not trust/);
  });

  test('is refused where one of its authorities expired', () => {
    const dates = { validFrom: new Date(Date.now() - 7_200_000), validTo: new Date(Date.now() - 3_600_000) };
    const expired = TestAuthority.create('Expired', root, dates);
    const shown = chain(expired.issue(deviceContent('laptop-1')).certificate, expired.certificate);
    expect(() => certificates({ ca: [root.certificate] }).ofHeader(shown, 'xfcc')).toThrow(/expired/);
  });

  test('is refused where it is endless', () => {
    const rest = Array.from({ length: 5 }, (_, index) => TestAuthority.create(`Link ${index}`).certificate);
    expect(() => certificates().ofHeader(chain(laptop.certificate, ...rest), 'xfcc')).toThrow(/longer than 5/);
  });
});

describe('the header of a proxy', () => {
  const der = laptop.der.toString('base64');
  const other = issued.of('laptop-2').certificate;
  const hash = `Hash=${hashOf(laptop.certificate)}`;

  test.each<[string, CertificateFormat, string]>([
    ['nginx $ssl_client_escaped_cert', 'pem', escaped(laptop.certificate)],
    ['HAProxy and Caddy, DER in base64', 'der', der],
    ['Traefik with the chain', 'der', `${der},${issued.of('laptop-2').der.toString('base64')}`],
    ['Traefik before 3, escaped', 'der', escaped(der)],
    ['Envoy, the certificate', 'xfcc', `By=spiffe://edge;${hash};Cert="${escaped(laptop.certificate)}"`],
    ['Envoy, the chain', 'xfcc', `${hash};Chain="${escaped(laptop.certificate + issued.ca)}"`],
    [
      'Envoy, both',
      'xfcc',
      `${hash};Cert="${escaped(laptop.certificate)}";Chain="${escaped(laptop.certificate + issued.ca)}";URI=urn:other`,
    ],
  ])('is read as it comes from %s', (_case, format, value) => {
    expect(certificates().ofHeader(value, format)).toBe('laptop-1');
  });

  test.each<[string, CertificateFormat, string]>([
    ['of text', 'pem', 'laptop-1'],
    ['of a key beside it', 'pem', escaped(laptop.certificate + laptop.key)],
    ['of text beside it', 'pem', escaped(`# laptop-2\n${laptop.certificate}`)],
    ['of broken percent-encoding', 'pem', '%ZZ'],
    ['of PEM with nonsense', 'pem', escaped('-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----')],
    ['of a part of one', 'der', der.slice(0, -40)],
    ['of what is not base64', 'der', 'laptop-1!'],
    ['of nothing after a comma', 'der', `${der},`],
    ['of a word instead of a certificate', 'xfcc', `${hash};URI=urn:stance:device:laptop-1`],
    ['without its hash', 'xfcc', `Cert="${escaped(laptop.certificate)}"`],
    ['of two certificates', 'xfcc', `${hash};Cert="${escaped(laptop.certificate)}",${hash};Cert="${escaped(other)}"`],
    ['of two certificates in one', 'xfcc', `${hash};Cert="${escaped(laptop.certificate + other)}"`],
    ["of another's hash", 'xfcc', `Hash=${hashOf(other)};Cert="${escaped(laptop.certificate)}"`],
    ["of another's in a URI", 'xfcc', `Hash=${hashOf(other)};URI=urn:x;Cert="${escaped(laptop.certificate)}"`],
    [
      "of another's and its hash in a URI",
      'xfcc',
      `Hash=${hashOf(other)};URI=urn:x;${hash};Cert="${escaped(laptop.certificate)}"`,
    ],
    ["of another's chain", 'xfcc', `${hash};Cert="${escaped(laptop.certificate)}";Chain="${escaped(other)}"`],
  ])('is refused with one %s', (_case, format, value) => {
    expect(() => certificates().ofHeader(value, format)).toThrow(ProofRefused);
  });
});

describe("a proxy's word, where the gateway knows no authority", () => {
  const shown = (pem: string) => `Hash=${hashOf(pem)};Cert="${escaped(pem)}"`;
  const hash = `Hash=${hashOf(laptop.certificate)}`;
  const uri = 'URI=urn:stance:device:laptop-1';

  test.each<[string, CertificateProof['id'], string, string]>([
    ['a certificate', 'uri', shown(laptop.certificate), 'laptop-1'],
    ['a certificate, as the ingress of Istio does', 'cn', istio(laptop.certificate), 'laptop-1'],
    ['a hash', 'fingerprint', hash, hashOf(laptop.certificate).toUpperCase()],
    [
      'a hash among the rest',
      'fingerprint',
      `By=urn:a;${hash};Subject="";${uri}`,
      hashOf(laptop.certificate).toUpperCase(),
    ],
  ])('counts on %s', (_case, id, value, expected) => {
    expect(certificates({ ca: [], id }).ofHeader(value, 'xfcc')).toBe(expected);
  });

  test.each<[string, CertificateProof['id'], string]>([
    ['a URI', 'uri', `${hash};Subject="";${uri}`],
    ["a URI that another of the client's holds", 'uri', `${hash};URI=urn:other:x;${uri}`],
    ['a subject', 'cn', `${hash};Subject="CN=laptop-1"`],
    ["a subject that a URI of the client's holds", 'cn', `${hash};URI=urn:other:x;Subject="CN=laptop-1"`],
    ["a hash that a URI of the client's holds", 'fingerprint', `Hash=${'0a'.repeat(32)};URI=urn:other:x;${hash}`],
    ['half a hash', 'fingerprint', `Hash=${'0a'.repeat(16)}`],
    ['a serial number, which it cannot say', 'serial', `${hash};Subject="serialNumber=0a"`],
    ['a certificate that expired', 'uri', shown(issued.expired('laptop-1').certificate)],
  ])('does not count on %s', (_case, id, value) => {
    expect(() => certificates({ ca: [], id }).ofHeader(value, 'xfcc')).toThrow(ProofRefused);
  });
});

/** What its gateways write by themselves. */
function istio(pem: string): string {
  const said = ['By=spiffe://edge', `Hash=${hashOf(pem)}`, `Cert="${escaped(pem)}"`, 'Subject="CN=laptop-1"'];
  return [...said, 'URI=urn:stance:device:laptop-1', 'DNS=laptop-1.example'].join(';');
}

function selfSigned(deviceId: string): KeyedCertificate {
  return TestAuthority.create(deviceId, undefined, { ...deviceContent(deviceId), usage: 'client' }).asDevice;
}
