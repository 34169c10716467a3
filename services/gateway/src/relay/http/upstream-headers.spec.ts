import type { IncomingHttpHeaders } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import { parseGatewayFile } from '../../file/gateway-file.js';
import { clientHeaders, proofHeaders, upstreamHeaders, type Forwarding } from './upstream-headers.js';

const revisions = { posture: 7, policy: 3 };
const FORWARDING: Forwarding = {
  admission: {
    asker: { deviceId: 'laptop-1', user: 'anna@example.org', resource: 'wiki', proof: 'certificate' },
    verdict: { effect: 'allow', allowed: true, enforced: true, reasons: [], revisions },
  },
  peerAddress: '192.0.2.7',
  isFromListedProxy: false,
  isTls: true,
  isUpgrade: false,
  proofs: new Set(['x-device-token', 'x-client-cert']),
};

/** What the gateway says of every request of these tests. */
const SAID = {
  host: 'wiki.example.org',
  'x-stance-device': 'laptop-1',
  'x-stance-user': 'anna@example.org',
  'x-stance-decision': 'allow; policy=3; posture=7',
  'x-forwarded-for': '192.0.2.7',
  'x-forwarded-proto': 'https',
  'x-forwarded-host': 'wiki.example.org',
};

function sent(received: IncomingHttpHeaders, overrides: Partial<Forwarding> = {}): IncomingHttpHeaders {
  return upstreamHeaders({ host: 'wiki.example.org', ...received }, { ...FORWARDING, ...overrides });
}

describe('the upstream is sent', () => {
  test.each<[string, IncomingHttpHeaders]>([
    [
      'nothing that the client says of device, user and decision',
      { 'x-stance-device': 'other', 'x-stance-user': 'root' },
    ],
    ['nor anything that the gateway may say one day', { 'x-stance-anything': 'x' }],
    ['nor what an application server takes for that', { x_stance_device: 'other', 'x-stance_user': 'root' }],
    ['no proof', { 'x-device-token': 'eyJ', x_device_token: 'eyJ', 'x-client-cert': 'MII' }],
    ['nothing that is for one connection', { connection: 'keep-alive', 'keep-alive': 'timeout=5', te: 'trailers' }],
    ['nothing that Connection names', { connection: 'close, X-Secret', 'x-secret': '1' }],
    ['nothing for proxies', { 'proxy-authorization': 'Basic x', 'proxy-connection': 'keep-alive' }],
    ['no upgrade that is none', { upgrade: 'h2c', 'http2-settings': 'AAM' }],
    ['no expectation, as it is met already', { expect: '100-continue' }],
    ['no trailers, as they are not carried', { trailer: 'X-A' }],
    ['no word of a stranger on where it came from', { 'x-forwarded-for': '10.0.0.1', 'x-real-ip': '10.0.0.1' }],
    ['nor on how', { 'x-forwarded-proto': 'http', 'x-forwarded-host': 'evil', 'x-forwarded-port': '1' }],
    ['nor in the standard way', { forwarded: 'for=10.0.0.1' }],
    ['nor of a certificate', { 'x-forwarded-client-cert': 'URI=urn:stance:device:other' }],
    ['nor in disguise', { x_forwarded_for: '10.0.0.1', x_real_ip: '10.0.0.1' }],
  ])('%s', (_what, received) => {
    expect(sent(received)).toEqual(SAID);
  });

  test.each<[string, IncomingHttpHeaders]>([
    ["the client's own headers", { accept: '*/*', cookie: 'a=1; b=2', 'x-own': '1' }],
    ["the user's token, which applications read too", { authorization: 'Bearer eyJ' }],
    ['how long the body is', { 'content-length': '5' }],
    ['that the body comes in chunks', { 'transfer-encoding': 'chunked' }],
  ])('%s', (_what, received) => {
    expect(sent(received)).toEqual({ ...SAID, ...received });
  });

  test('no user where none is proved, whatever the client says', () => {
    const asker = { deviceId: 'laptop-1', resource: 'wiki', proof: 'certificate' } as const;
    const headers = sent({ 'x-stance-user': 'root' }, { admission: { ...FORWARDING.admission, asker } });
    expect(headers).not.toHaveProperty('x-stance-user');
  });

  test('what a listed proxy says of where it came from, and the proxy', () => {
    const received = {
      'x-forwarded-for': '198.51.100.2, 10.0.0.1',
      'x-forwarded-proto': 'http',
      'x-forwarded-host': 'public.example.org',
      'x-real-ip': '198.51.100.2',
    };
    const headers = sent(received, { isFromListedProxy: true, peerAddress: '::ffff:10.0.0.2' });
    expect(headers).toMatchObject({ ...received, 'x-forwarded-for': '198.51.100.2, 10.0.0.1, 10.0.0.2' });
  });

  test('the wish for a WebSocket', () => {
    const headers = sent({ connection: 'keep-alive, Upgrade', upgrade: 'WebSocket' }, { isUpgrade: true });
    expect(headers).toEqual({ ...SAID, connection: 'Upgrade', upgrade: 'websocket' });
  });

  test('by which id a warning is shown', () => {
    expect(sent({ 'x-stance-warning': 'forged' }, { warningId: 'w1' })).toEqual({ ...SAID, 'x-stance-warning': 'w1' });
  });

  test('a name of any letters, as UTF-8', () => {
    const asker = { ...FORWARDING.admission.asker, user: '李@example.org' };
    const { 'x-stance-user': user } = sent({}, { admission: { ...FORWARDING.admission, asker } });
    expect(Buffer.from(String(user), 'latin1').toString('utf8')).toBe('李@example.org');
  });
});

test('the headers that prove something are those of the gateway file, without the token of the user', () => {
  const file = parseGatewayFile(
    `name: edge
trustedProxies: [10.0.0.1]
inventory: inventory.yaml
device:
  header: { name: X-Device }
  certificate: { header: { name: X-Client-Cert, format: xfcc } }
  token: { issuer: i, audience: a, jwks: https://issuer.example.org/keys }
  address: { header: X-Real-IP }
user:
  header: { name: X-User }
  token: { issuer: i, audience: a, jwks: https://issuer.example.org/keys }`,
    '/',
  );
  expect([...proofHeaders(file)].toSorted()).toEqual([
    'x-client-cert',
    'x-device',
    'x-device-token',
    'x-real-ip',
    'x-user',
  ]);
});

test('an answer loses what was for its connection only', () => {
  const headers = {
    connection: 'keep-alive, X-Hop',
    'x-hop': '1',
    'keep-alive': 'timeout=5',
    'transfer-encoding': 'chunked',
    upgrade: 'h2c',
    etag: '"1"',
  };
  expect(clientHeaders(headers)).toEqual({ etag: '"1"' });
});
