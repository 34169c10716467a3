import { X509Certificate } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { parseGatewayFile } from '../file/gateway-file.js';
import { createProver, ProofFilesInvalid } from './create-prover.js';
import { issueDeviceCertificates, replaceFile, waitFor } from '@stance/testing';
import { TestIssuer } from './fixtures/tokens.js';
import type { Evidence, Identity } from './identity.js';
import type { IdentityProver } from './identity-prover.js';
import { TrustedProxies } from './trusted-proxies.js';

const issued = issueDeviceCertificates(['laptop-1', 'laptop-2']);
const PROXY = '10.9.9.9';

let folder: string;
let issuer: TestIssuer;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stance-proofs-'));
  issuer = await TestIssuer.create();
  await writeFile(join(folder, 'ca.pem'), `# Devices\n${issued.ca}`);
  await writeFile(join(folder, 'jwks.json'), JSON.stringify(issuer.jwks));
  await writeFile(join(folder, 'inventory.yaml'), INVENTORY);
});
afterAll(() => rm(folder, { recursive: true }));

const INVENTORY = `
laptop-1: { addresses: [192.0.2.1] }
laptop-2: { addresses: [192.0.2.2, 192.0.2.3] }
laptop-3: { addresses: [192.0.2.3, ${PROXY}] }
`;

const TOKEN = 'issuer: https://issuer.example, audience: stance, jwks: jwks.json';
const EVERYTHING = `
name: edge
trustedProxies: [${PROXY}]
resourceFrom: header
inventory: inventory.yaml
device:
  certificate: { ca: ca.pem, header: { format: pem, name: X-Client-Cert } }
  token: { ${TOKEN} }
  header: {}
  address: { header: X-Real-Ip }
user:
  token: { ${TOKEN} }
  header: {}
`;

const open: IdentityProver[] = [];
afterEach(() => {
  for (const prover of open.splice(0)) prover.close();
});

interface Setup {
  readonly prover: IdentityProver;
  readonly troubles: string[];
  readonly prove: (from: string | undefined, ...rawHeaders: readonly string[]) => Promise<Identity>;
}

async function setUp(text = EVERYTHING, inventoryPollMs = 5): Promise<Setup> {
  const troubles: string[] = [];
  const file = parseGatewayFile(text, folder);
  const prover = await createProver(file, { inventoryPollMs, onTrouble: (message) => troubles.push(message) });
  open.push(prover);
  const proxies = new TrustedProxies(file.trustedProxies);
  const prove = async (from: string | undefined, ...rawHeaders: readonly string[]) =>
    prover.prove({ rawHeaders, peerAddress: from, isFromListedProxy: proxies.hasAddress(from) });
  return { prover, troubles, prove };
}

const certificateHeader = (deviceId: string) => ['X-Client-Cert', encodeURIComponent(issued.of(deviceId).certificate)];
const tokenHeader = async (claims: Record<string, string>) => ['X-Device-Token', await issuer.sign(claims)];
const userHeader = async (email: string) => ['Authorization', `Bearer ${await issuer.sign({ email })}`];

describe('who sends a request', () => {
  test('is told by every proof together, and proved by the strongest', async () => {
    const { prove } = await setUp();
    const headers = [
      ...certificateHeader('laptop-1'),
      ...(await tokenHeader({ device_id: 'laptop-1' })),
      ...['X-Stance-Device', 'laptop-1', 'X-Real-Ip', '192.0.2.1', 'X-Stance-User', 'ANNA@example.org'],
      ...(await userHeader('anna@example.org')),
      ...['X-Stance-Resource', 'wiki'],
    ];
    expect(await prove(PROXY, ...headers)).toEqual({
      outcome: 'proved',
      deviceId: 'laptop-1',
      proof: 'certificate',
      user: 'anna@example.org',
      resource: 'wiki',
    });
  });

  test('is told at once where no new token has to be verified', async () => {
    const { prover } = await setUp();
    const evidence = (rawHeaders: readonly string[]): Evidence => ({
      rawHeaders,
      peerAddress: PROXY,
      isFromListedProxy: true,
    });
    expect(prover.prove(evidence(certificateHeader('laptop-1')))).toMatchObject({ deviceId: 'laptop-1' });
    const withTokens = evidence([...(await tokenHeader({ device_id: 'laptop-2' })), ...(await userHeader('anna'))]);
    const first = prover.prove(withTokens);
    expect(first).toBeInstanceOf(Promise);
    await first;
    expect(prover.prove(withTokens)).toMatchObject({ deviceId: 'laptop-2', proof: 'token', user: 'anna' });
  });

  test("is told by a client's own token and address", async () => {
    const { prove } = await setUp();
    const token = await tokenHeader({ device_id: 'laptop-1' });
    expect(await prove('192.0.2.77', ...token)).toMatchObject({ deviceId: 'laptop-1', proof: 'token' });
    expect(await prove('::ffff:192.0.2.2')).toEqual({ outcome: 'proved', deviceId: 'laptop-2', proof: 'address' });
    expect(await prove(PROXY, 'X-Real-Ip', '192.0.2.2')).toMatchObject({ deviceId: 'laptop-2', proof: 'address' });
  });

  test('is told by the certificate of the connection', async () => {
    const { prover } = await setUp();
    const own = { rawHeaders: [], peerAddress: '192.0.2.77', isFromListedProxy: false };
    const prove = (certificate: Uint8Array) => prover.prove({ ...own, connectionCertificate: certificate });
    expect(prove(issued.of('laptop-2').der)).toEqual({ outcome: 'proved', deviceId: 'laptop-2', proof: 'certificate' });
    expect(prove(issued.expired('laptop-2').der)).toMatchObject({
      outcome: 'refused',
      reasons: [{ code: 'identity-forged', message: expect.stringContaining('expired on') }],
    });
    expect(prove(Buffer.from('none'))).toMatchObject({ outcome: 'refused' });
  });

  test.each<[string, string | undefined, string[]]>([
    ['nothing', '192.0.2.77', []],
    ['an address that two devices claim', '192.0.2.3', []],
    ["a listed proxy's own address", PROXY, []],
    ['no address at all', undefined, []],
    ['headers that the proxy cleared', PROXY, ['X-Stance-Device', '', 'X-Client-Cert', '', 'Authorization', '']],
    ['a password for the application', '192.0.2.77', ['Authorization', 'Basic YTpi']],
    ['an address of no device', PROXY, ['X-Real-Ip', '192.0.2.200']],
  ])('is not told by %s', async (_case, from, headers) => {
    const { prove } = await setUp();
    expect(await prove(from, ...headers)).toEqual({
      outcome: 'unproved',
      reasons: [
        { code: 'identity-missing', message: expect.stringContaining("takes a device's certificate, or a token") },
      ],
    });
  });

  test("is not told by a proxy's own certificate", async () => {
    const { prover } = await setUp();
    const connectionCertificate = issued.of('laptop-1').der;
    const evidence = { rawHeaders: [], peerAddress: PROXY, isFromListedProxy: true, connectionCertificate };
    expect(prover.prove(evidence)).toMatchObject({ outcome: 'unproved' });
  });

  test.each<[string, string, () => Promise<string[]> | string[], string]>([
    ['a stranger names a device', '192.0.2.1', () => ['X-Stance-Device', 'laptop-1'], 'not sent by a listed proxy'],
    ['a stranger brings a certificate', '192.0.2.1', () => certificateHeader('laptop-1'), 'not sent by a listed proxy'],
    ['a stranger brings an address', '192.0.2.7', () => ['X-Real-Ip', '192.0.2.1'], 'not sent by a listed proxy'],
    ['a stranger names a resource', '192.0.2.1', () => ['X-Stance-Resource', 'wiki'], 'not sent by a listed proxy'],
    [
      'token and certificate are of two devices',
      PROXY,
      async () => [...certificateHeader('laptop-1'), ...(await tokenHeader({ device_id: 'laptop-2' }))],
      'the client certificate is of laptop-1, the token in x-device-token is of laptop-2',
    ],
    [
      'header and address are of two devices',
      PROXY,
      () => ['X-Stance-Device', 'laptop-1', 'X-Real-Ip', '192.0.2.2'],
      'the address 192.0.2.2 is of laptop-2, the header x-stance-device is of laptop-1',
    ],
    [
      'a token is of another device than the address',
      '192.0.2.2',
      () => tokenHeader({ device_id: 'laptop-1' }),
      'the address 192.0.2.2 is of laptop-2',
    ],
    [
      'two users are named',
      PROXY,
      async () => ['X-Stance-Device', 'a', 'X-Stance-User', 'beat', ...(await userHeader('anna'))],
      'the token in authorization is of anna, the header x-stance-user is of beat',
    ],
    [
      'a valid certificate comes with an invalid token',
      PROXY,
      () => [...certificateHeader('laptop-1'), 'X-Device-Token', 'x.y.z'],
      'malformed',
    ],
    [
      'a valid device comes with an invalid user',
      PROXY,
      () => [...certificateHeader('laptop-1'), 'Authorization', 'Bearer x.y.z'],
      'malformed',
    ],
    ['a proxy sends an address with a port', PROXY, () => ['X-Real-Ip', '192.0.2.1:443'], 'one address'],
    ['a proxy sends addresses', PROXY, () => ['X-Real-Ip', '192.0.2.7, 192.0.2.1'], 'one address'],
  ])('is refused where %s', async (_case, from, headers, why) => {
    const { prove, troubles } = await setUp();
    expect(await prove(from, ...(await headers()))).toEqual({
      outcome: 'refused',
      reasons: [{ code: 'identity-forged', message: expect.stringContaining(why) }],
    });
    expect(troubles).toEqual([expect.stringContaining('192.0.2.3 is claimed by laptop-2 and laptop-3')]);
  });

  test('does not depend on Authorization where no user token is configured', async () => {
    const { prove } = await setUp(`{ name: e, trustedProxies: [${PROXY}], device: { header: { proof: token } } }`);
    const headers = ['X-Stance-Device', 'laptop-1', 'Authorization', 'Bearer x', 'Authorization', 'Bearer y'];
    expect(await prove(PROXY, ...headers)).toEqual({ outcome: 'proved', deviceId: 'laptop-1', proof: 'token' });
  });
});

describe.each(['serial', 'fingerprint'])('a certificate that is looked up by its %s', (id) => {
  const text = (file: string) => `
    name: edge
    inventory: ${file}
    device: { certificate: { ca: ca.pem, id: ${id} } }
  `;
  const serial = (serialHex: string) => issued.authority.issue({ serial: serialHex });
  const [mine, disputed, unknown] = [serial('0a01'), serial('0a02'), serial('0a03')];

  test('names the device that the inventory says, until it says otherwise', async () => {
    const mark = (der: Buffer) => {
      const certificate = new X509Certificate(der);
      return id === 'serial' ? certificate.serialNumber : certificate.fingerprint256;
    };
    const file = join(folder, `by-${id}.json`);
    const write = (content: object) => replaceFile(file, JSON.stringify(content));
    const both = { certificates: [mark(disputed.der)] };
    await write({ 'laptop-1': { certificates: [mark(mine.der)] }, a: both, b: both });
    const { prover } = await setUp(text(file));
    const prove = (der: Uint8Array) =>
      prover.prove({ rawHeaders: [], peerAddress: '192.0.2.7', isFromListedProxy: false, connectionCertificate: der });
    const refused = (why: string) => ({ outcome: 'refused', reasons: [{ message: expect.stringContaining(why) }] });
    expect(prove(mine.der)).toEqual({ outcome: 'proved', deviceId: 'laptop-1', proof: 'certificate' });
    expect(prove(disputed.der)).toMatchObject(refused('claimed by several'));
    expect(prove(unknown.der)).toMatchObject(refused('of no device'));
    await write({ 'laptop-2': { certificates: [mark(mine.der)] } });
    await waitFor(() => (prove(mine.der) as { deviceId?: string }).deviceId === 'laptop-2', {
      what: 'the file to be looked at',
      intervalMs: 5,
    });
  });
});

describe('the inventory file', () => {
  const byAddress = (file: string) => `{ name: e, inventory: ${file}, device: { address: {} } }`;

  test('keeps its last good content, and says so once, until it is good again', async () => {
    const file = join(folder, 'changing.yaml');
    await replaceFile(file, 'laptop-1: { addresses: [192.0.2.1] }');
    const { prover, prove, troubles } = await setUp(byAddress(file));
    expect(prover.inventoryProblem).toBeUndefined();
    await replaceFile(file, 'laptop-1: { addresses: [none] }');
    await waitFor(() => troubles.length > 0, { what: 'the file to be looked at', intervalMs: 5 });
    expect(troubles).toEqual([expect.stringContaining('the last good one stays in force')]);
    expect(prover.inventoryProblem).toBe('laptop-1.addresses.0: is no IP address');
    expect(await prove('192.0.2.1')).toMatchObject({ deviceId: 'laptop-1' });
    await replaceFile(file, 'laptop-9: { addresses: [192.0.2.1] }');
    await waitFor(() => prover.inventoryProblem === undefined, { what: 'the file to be looked at', intervalMs: 5 });
    expect(await prove('192.0.2.1')).toMatchObject({ deviceId: 'laptop-9' });
    await rm(file);
    await waitFor(() => troubles.length > 1, { what: 'the file to be looked at', intervalMs: 5 });
    expect(await prove('192.0.2.1')).toMatchObject({ deviceId: 'laptop-9' });
    expect(prover.inventoryProblem).toContain('cannot be read');
  });
});

describe('files that the gateway file names', () => {
  test('are told with every problem at once', async () => {
    await writeFile(join(folder, 'no-ca.pem'), issued.of('laptop-1').certificate);
    await writeFile(join(folder, 'secret.json'), JSON.stringify({ keys: [{ kty: 'oct', k: 'c2VjcmV0' }] }));
    const text = EVERYTHING.replace('ca.pem', 'no-ca.pem')
      .replace('jwks.json', 'secret.json')
      .replace('jwks.json', 'missing.json')
      .replace('inventory.yaml', 'missing.yaml');
    const failure = await setUp(text).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(failure).toBeInstanceOf(ProofFilesInvalid);
    expect((failure as ProofFilesInvalid).problems).toEqual([
      expect.stringMatching(/^device.certificate.ca: .*CN=laptop-1, which is no authority/),
      expect.stringMatching(/^device.token.jwks: .*secret key: only public ones/),
      expect.stringMatching(/^user.token.jwks: .*cannot be read: .*missing.json/),
      expect.stringMatching(/^inventory: .*cannot be read: .*missing.yaml/),
    ]);
  });

  test.each([
    ['nothing', ''],
    ['a key', issued.of('laptop-1').key],
    ['nonsense in PEM', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----'],
  ])('are no authorities with %s', async (_case, content) => {
    await writeFile(join(folder, 'wrong.pem'), content);
    await expect(setUp(EVERYTHING.replace('ca.pem', 'wrong.pem'))).rejects.toThrow(/^device.certificate.ca: /);
  });
});
