import { resolve } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { hostileInEachPlace } from '@stance/testing';
import { TrustedProxies } from '../identity/trusted-proxies.js';
import { GatewayFileInvalid, parseGatewayFile, readGatewayFile } from './gateway-file.js';

const FOLDER = '/etc/stance';
const BY_HEADER = 'name: edge\ntrustedProxies: [127.0.0.1]\ndevice: { header: {} }\n';
const TCP = 'listen: { port: 1 }, resource: db, upstream: { host: db, port: 5432 }';
const UP = "upstream: 'http://127.0.0.1:8080'";
const TOKEN = '{ issuer: https://id.example.org, audience: stance, jwks: keys.json }';

function problemsOf(text: string): readonly string[] {
  try {
    parseGatewayFile(text, FOLDER);
  } catch (error) {
    if (error instanceof GatewayFileInvalid) return error.problems;
    throw error;
  }
  return [];
}

describe('a gateway file', () => {
  test('needs only a name, a proof of the device, and the proxies that give it', () => {
    expect(parseGatewayFile(BY_HEADER, FOLDER)).toEqual({
      name: 'edge',
      listen: { host: '127.0.0.1', port: 9180 },
      trustedProxies: [{ address: '127.0.0.1', prefix: 32, family: 'ipv4' }],
      resourceFrom: 'path',
      device: { header: { name: 'x-stance-device', proof: 'address' } },
      user: {},
      relays: [],
      tcp: [],
      sessions: { lifetime: 43_200_000, idle: 3_600_000, linger: 30_000 },
    });
  });

  test('names its files from its own folder, and key servers by their address', () => {
    const { device, user, inventory, breakGlass, listen } = parseGatewayFile(
      `name: edge
listen: { tls: { certificate: tls/edge.crt, key: /run/secrets/edge.key } }
device: { certificate: { ca: device-ca.pem }, token: ${TOKEN} }
user: { token: { issuer: https://id.example.org, audience: stance, jwks: 'https://id.example.org/keys' } }
inventory: ../devices.yaml
breakGlass: break-glass.yaml`,
      FOLDER,
    );
    expect([listen.tls, device.certificate?.ca, device.token?.jwks, inventory, breakGlass]).toEqual([
      { certificate: resolve(FOLDER, 'tls/edge.crt'), key: '/run/secrets/edge.key' },
      resolve(FOLDER, 'device-ca.pem'),
      resolve(FOLDER, 'keys.json'),
      resolve(FOLDER, '../devices.yaml'),
      resolve(FOLDER, 'break-glass.yaml'),
    ]);
    expect(user.token?.jwks).toEqual(new URL('https://id.example.org/keys'));
  });

  test('names every problem at once, each with its path', () => {
    const text = `
      name: ''
      listen: { port: 70000 }
      trustedProxies: [10.0.0.0/33, proxy.example.org, 0.0.0.0/0]
      device: { header: { name: 'X Device' } }
      resourceFrom: client
      relays: [{ listen: { port: 8443 }, routes: [{ path: /wiki/../payroll/, resource: wiki, upstream: 'ftp://a' }] }]
      sessions: { lifetime: 30d, idle: 1s }
      trustEverybody: true
    `;
    const paths = problemsOf(text).map((problem) => problem.split(':')[0] ?? '');
    expect(paths.toSorted((a, b) => a.localeCompare(b))).toEqual([
      'device.header.name',
      'listen.port',
      'name',
      'relays.0.routes.0.path',
      'relays.0.routes.0.upstream',
      'resourceFrom',
      'sessions.idle',
      'sessions.lifetime',
      'the file',
      'trustedProxies.0',
      'trustedProxies.1',
      'trustedProxies.2',
    ]);
  });

  test.each([
    ['no proof of the device', 'name: edge\ndevice: {}', 'names no proof'],
    ['no proxy that could send the header', 'name: edge\ndevice: { header: {} }', 'trustedProxies: names no proxy'],
    ['one header for device and user', `${BY_HEADER}user: { header: { name: x-stance-device } }`, 'user.header.name'],
    [
      'the device in the header of the resource',
      'name: e\ntrustedProxies: [::1]\ndevice: { header: { name: X-Stance-Resource } }',
      'device.header.name',
    ],
    [
      'any certificate at all',
      'name: e\ntrustedProxies: [::1]\ndevice: { certificate: { header: { format: pem } } }',
      'device.certificate.ca: is missing',
    ],
    ['serials and nowhere to look them up', 'name: e\ndevice: { certificate: { ca: a.pem, id: serial } }', 'inventory'],
    ['addresses and nowhere to look them up', 'name: e\ndevice: { address: {} }', 'inventory'],
    [
      'keys that come over plain http',
      'name: e\ndevice: { token: { issuer: a, audience: b, jwks: "http://id.example.org/keys" } }',
      'device.token.jwks',
    ],
    [
      'tokens that anybody who checks them can make',
      'name: e\ndevice: { token: { issuer: a, audience: b, jwks: k, algorithms: [HS256] } }',
      'device.token.algorithms',
    ],
    ['Envoy and no proxy', 'name: e\ngrpc: { port: 1 }\ndevice: { certificate: { ca: a.pem } }', 'every Envoy'],
    ['TCP and only headers', `${BY_HEADER}tcp: [{ ${TCP} }]`, 'tcp: needs'],
    [
      'TCP, certificates and no TLS',
      `name: e\ndevice: { certificate: { ca: a.pem } }\ntcp: [{ ${TCP} }]`,
      'tcp.0.listen.tls',
    ],
    [
      'a route that another one hides',
      `${BY_HEADER}relays: [{ listen: { port: 1 }, routes: [{ resource: a, ${UP} }, { path: /b/, resource: b, ${UP} }] }]`,
      'relays.0.routes.1: is never reached',
    ],
    [
      'one port for two',
      `${BY_HEADER}relays: [{ listen: { port: 9180 }, routes: [{ resource: a, ${UP} }] }]`,
      'relays.0.listen.port: is that of listen already',
    ],
    ['an alias', 'name: &n edge\ntrustedProxies: [*n]', 'aliases'],
    ['a key twice', 'name: edge\nname: other\ntrustedProxies: [::1]', 'unique'],
    ['YAML that is none', 'name: [', 'line'],
    ['nothing', '', 'name'],
  ])('is refused with %s', (_case, text, words) => {
    expect(problemsOf(text).join()).toContain(words);
  });

  test('is refused, whatever stands in place of a text or a list', () => {
    const listen = { host: 'edge', port: 1, tls: { certificate: 'a', key: 'b' } };
    const token = { issuer: 'i', audience: 'a', jwks: 'k', algorithms: ['ES256'], claim: 'c', header: 'h' };
    const header = { name: 'x-device', proof: 'address' };
    const certificate = { ca: 'ca', id: 'uri', uriPrefix: 'u', header: { name: 'h', format: 'pem' } };
    const route = { host: 'a.example.org', path: '/a/', resource: 'a', upstream: 'http://127.0.0.1' };
    const file = {
      name: 'edge',
      listen,
      grpc: { host: 'edge', port: 2 },
      trustedProxies: ['127.0.0.1'],
      device: { certificate, token, header },
      user: { token },
      inventory: 'devices.yaml',
      breakGlass: 'break-glass.yaml',
      relays: [{ listen, routes: [route] }],
      tcp: [{ listen, resource: 'db', upstream: { host: 'db', port: 5432 } }],
      sessions: { lifetime: '1h', idle: '5m', linger: '30s' },
    };
    for (const hostile of hostileInEachPlace(file)) expect(problemsOf(JSON.stringify(hostile))).not.toEqual([]);
  });

  test('that is missing is a problem of its own', () => {
    expect(() => readGatewayFile('/nonexistent/gateway.yaml')).toThrow(/cannot be read/);
  });
});

test.each([
  ['10.1.2.3', true],
  ['::ffff:10.1.2.3', true],
  ['11.0.0.1', false],
  ['fd00::1', true],
  ['fe80::1', false],
  ['not an address', false],
  [undefined, false],
])('a peer at %s is a listed proxy: %s', (address, isListed) => {
  const { trustedProxies } = parseGatewayFile(
    "name: edge\ntrustedProxies: [10.0.0.0/8, 'fd00::/16']\ndevice: { header: {} }",
    FOLDER,
  );
  expect(new TrustedProxies(trustedProxies).hasAddress(address)).toBe(isListed);
});
