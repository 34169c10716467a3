import { describe, expect, test } from '@jest/globals';
import { GatewayFileInvalid, parseGatewayFile, readGatewayFile } from './gateway-file.js';
import { TrustedProxies } from './trusted-proxies.js';

function problemsOf(text: string): readonly string[] {
  try {
    parseGatewayFile(text);
  } catch (error) {
    if (error instanceof GatewayFileInvalid) return error.problems;
    throw error;
  }
  return [];
}

describe('a gateway file', () => {
  test('needs only a name and the proxies', () => {
    expect(parseGatewayFile('name: edge\ntrustedProxies: [127.0.0.1]')).toEqual({
      name: 'edge',
      listen: { host: '127.0.0.1', port: 9180 },
      trustedProxies: [{ address: '127.0.0.1', prefix: 32, family: 'ipv4' }],
      deviceHeader: 'x-stance-device',
      deviceProof: 'address',
      resourceFrom: 'path',
      sessions: { lifetime: 43_200_000 },
    });
  });

  test('names every problem at once, each with its path', () => {
    const text = `
      name: ''
      listen: { port: 70000 }
      trustedProxies: [10.0.0.0/33, proxy.example.org, 0.0.0.0/0]
      deviceHeader: 'X Device'
      resourceFrom: client
      sessions: { lifetime: 30d }
      trustEverybody: true
    `;
    const paths = problemsOf(text).map((problem) => problem.split(':')[0] ?? '');
    expect(paths.toSorted((a, b) => a.localeCompare(b))).toEqual([
      'deviceHeader',
      'listen.port',
      'name',
      'resourceFrom',
      'sessions.lifetime',
      'the file',
      'trustedProxies.0',
      'trustedProxies.1',
      'trustedProxies.2',
    ]);
  });

  test.each([
    ['no proxy', 'name: edge\ntrustedProxies: []', 'trustedProxies'],
    ['one header for device and user', 'name: edge\ntrustedProxies: [::1]\nuserHeader: x-stance-device', 'userHeader'],
    [
      'the device in the header of the resource',
      'name: e\ntrustedProxies: [::1]\ndeviceHeader: X-Stance-Resource',
      'deviceHeader',
    ],
    ['a key twice', 'name: edge\nname: other\ntrustedProxies: [::1]', 'unique'],
    ['YAML that is none', 'name: [', 'line'],
    ['nothing', '', 'name'],
  ])('is refused with %s', (_case, text, word) => {
    expect(problemsOf(text).join()).toContain(word);
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
  const { trustedProxies } = parseGatewayFile("name: edge\ntrustedProxies: [10.0.0.0/8, 'fd00::/16']");
  expect(new TrustedProxies(trustedProxies).hasAddress(address)).toBe(isListed);
});
