import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { issueDeviceCertificates, temporaryFolder, type TemporaryFolder } from '@stance/testing';
import { parseGatewayFile } from './gateway-file.js';
import { namedFileProblems } from './named-files.js';

let folder: TemporaryFolder;
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(() => folder.remove());

const FILE = `name: edge
listen: { port: 0, tls: { certificate: edge.crt, key: edge.key } }
device:
  certificate: { ca: ca.pem, id: serial }
  token: { issuer: a, audience: b, jwks: keys.json }
inventory: devices.yaml
`;

test('every file that cannot be used is told, with its place', () => {
  const places = namedFileProblems(parseGatewayFile(FILE, folder.path)).map((problem) => problem.split(/[: (]/)[0]);
  expect(places).toEqual(['device.certificate.ca', 'device.token.jwks', 'inventory', 'listen.tls.certificate']);
});

test('nothing is wrong with files that are what they should be', async () => {
  const { ca, server } = issueDeviceCertificates(['laptop-1']);
  const write = (name: string, content: string) => writeFile(join(folder.path, name), content);
  await write('ca.pem', ca);
  await write('edge.crt', server.certificate);
  await write('edge.key', server.key);
  await write('keys.json', JSON.stringify({ keys: [{ kty: 'OKP', crv: 'Ed25519', x: 'AAAA' }] }));
  await write('devices.yaml', 'laptop-1: { addresses: [10.8.0.17] }\n');
  expect(namedFileProblems(parseGatewayFile(FILE, folder.path))).toEqual([]);
});
