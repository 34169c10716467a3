import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { request, type RequestOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import {
  findGateway,
  freePort,
  issueDeviceCertificates,
  startEnvoy,
  temporaryFolder,
  type GatewayProcess,
  type TemporaryFolder,
} from '@stance/testing';
import type { Access } from '../access/access.js';
import { Denials } from '../access/denials.js';
import { parseGatewayFile } from '../file/gateway-file.js';
import { createProver } from '../identity/create-prover.js';
import type { Evidence } from '../identity/identity.js';
import type { IdentityProver } from '../identity/identity-prover.js';
import { ExtAuthzServer } from './ext-authz-server.js';

const envoyBinary = await findGateway('envoy');
const describeWithEnvoy = envoyBinary === undefined ? describe.skip : describe;

const certificates = issueDeviceCertificates(['laptop-1']);
const DEVICE = certificates.of('laptop-1');
const VERDICT = {
  effect: 'allow',
  allowed: true,
  enforced: true,
  reasons: [],
  revisions: { posture: 7, policy: 3 },
} as const;

/** Admits who is proved, but not to the payroll. */
const access: Pick<Access, 'admit'> = {
  admit: (identity, resource) => {
    if (identity.outcome !== 'proved') {
      const outcome = identity.outcome === 'refused' ? 'denied' : 'unproved';
      return { outcome, asker: {}, reasons: identity.reasons };
    }
    if (resource === undefined || resource === 'payroll') {
      const { deviceId } = identity;
      const reasons = [{ code: 'no-rule', message: `Not ${resource}, said by ${identity.proof}.` }] as const;
      return { outcome: 'denied', asker: { deviceId }, reasons };
    }
    return { outcome: 'admitted', asker: { ...identity, resource }, grantId: 's1', verdict: VERDICT };
  },
};

/** TLS that asks for certificates, and three applications; on `/vouched/` Envoy says that it cleans the headers. */
function configuration(ports: { envoy: number; grpc: number; upstream: number }): string {
  const types = 'type.googleapis.com/envoy.extensions';
  const cluster = (name: string, port: number, more: object = {}) => ({
    name,
    load_assignment: {
      cluster_name: name,
      endpoints: [
        { lb_endpoints: [{ endpoint: { address: { socket_address: { address: '127.0.0.1', port_value: port } } } }] },
      ],
    },
    ...more,
  });
  const route = (prefix: string, context_extensions: object) => ({
    match: { prefix },
    route: { cluster: 'upstream' },
    typed_per_filter_config: {
      'envoy.filters.http.ext_authz': {
        '@type': `${types}.filters.http.ext_authz.v3.ExtAuthzPerRoute`,
        check_settings: { context_extensions },
      },
    },
  });
  return JSON.stringify({
    static_resources: {
      listeners: [
        {
          address: { socket_address: { address: '127.0.0.1', port_value: ports.envoy } },
          filter_chains: [
            {
              transport_socket: {
                name: 'envoy.transport_sockets.tls',
                typed_config: {
                  '@type': `${types}.transport_sockets.tls.v3.DownstreamTlsContext`,
                  common_tls_context: {
                    tls_certificates: [
                      { certificate_chain: { filename: 'server.pem' }, private_key: { filename: 'server.key' } },
                    ],
                    // Whose certificate it is, the gateway judges.
                    validation_context: {
                      trust_chain_verification: 'ACCEPT_UNTRUSTED',
                      trusted_ca: { filename: 'ca.pem' },
                    },
                  },
                },
              },
              filters: [
                {
                  name: 'envoy.filters.network.http_connection_manager',
                  typed_config: {
                    '@type': `${types}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
                    stat_prefix: 'edge',
                    route_config: {
                      virtual_hosts: [
                        {
                          name: 'all',
                          domains: ['*'],
                          routes: [
                            route('/payroll/', { resource: 'payroll' }),
                            route('/vouched/', { resource: 'wiki', headers: 'cleaned' }),
                            route('/nameless/', {}),
                            route('/', { resource: 'wiki' }),
                          ],
                        },
                      ],
                    },
                    http_filters: [
                      {
                        name: 'envoy.filters.http.ext_authz',
                        typed_config: {
                          '@type': `${types}.filters.http.ext_authz.v3.ExtAuthz`,
                          transport_api_version: 'V3',
                          include_peer_certificate: true,
                          grpc_service: { timeout: '5s', envoy_grpc: { cluster_name: 'stance' } },
                        },
                      },
                      {
                        name: 'envoy.filters.http.router',
                        typed_config: { '@type': `${types}.filters.http.router.v3.Router` },
                      },
                    ],
                  },
                },
              ],
            },
          ],
        },
      ],
      clusters: [
        cluster('stance', ports.grpc, {
          typed_extension_protocol_options: {
            'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
              '@type': `${types}.upstreams.http.v3.HttpProtocolOptions`,
              explicit_http_config: { http2_protocol_options: {} },
            },
          },
        }),
        cluster('upstream', ports.upstream),
      ],
    },
  });
}

describeWithEnvoy('a real Envoy', () => {
  const reached: IncomingHttpHeaders[] = [];
  const seen: Evidence[] = [];
  const upstream = createServer(({ headers }, response) => {
    reached.push(headers);
    response.end('the wiki');
  });
  const denials = new Denials('edge');
  let folder: TemporaryFolder;
  let prover: IdentityProver;
  let server: ExtAuthzServer;
  let envoy: GatewayProcess;
  let port: number;

  beforeAll(async () => {
    folder = await temporaryFolder();
    await writeFile(join(folder.path, 'ca.pem'), certificates.ca);
    await writeFile(join(folder.path, 'inventory.yaml'), 'devices: []');
    const file = parseGatewayFile(
      `name: edge
trustedProxies: [127.0.0.1]
device:
  certificate: { ca: ca.pem, header: { format: xfcc } }
  header: {}
user: { header: {} }`,
      folder.path,
    );
    prover = await createProver(file, { onTrouble: () => undefined });
    server = new ExtAuthzServer({
      file,
      grpc: { host: '127.0.0.1', port: 0 },
      prover: {
        prove: (evidence) => {
          seen.push(evidence);
          return prover.prove(evidence);
        },
      },
      access,
      denials,
      onError: (error) => {
        throw error;
      },
    });
    await server.start();
    await once(upstream.listen(0, '127.0.0.1'), 'listening');
    port = await freePort();
    const ports = {
      envoy: port,
      grpc: Number(server.address?.split(':').at(-1)),
      upstream: (upstream.address() as AddressInfo).port,
    };
    envoy = await startEnvoy({
      binary: envoyBinary ?? '',
      files: {
        'envoy.yaml': configuration(ports),
        'server.pem': certificates.server.certificate,
        'server.key': certificates.server.key,
        'ca.pem': certificates.ca,
      },
      ports: [port],
    });
  });
  afterEach(() => {
    reached.splice(0);
    seen.splice(0);
  });
  afterAll(async () => {
    await envoy.stop();
    await server.close();
    upstream.close();
    prover.close();
    await folder.remove();
  });

  async function get(path: string, options: RequestOptions = {}) {
    const sent = request({ port, host: '127.0.0.1', path, ca: certificates.ca, agent: false, ...options });
    sent.end();
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    return { status: response.statusCode, headers: response.headers, body: await text(response) };
  }
  const own = { cert: DEVICE.certificate, key: DEVICE.key };

  test('carries a device with its certificate, and tells the upstream as whom', async () => {
    const reply = await get('/page', own);
    expect(reply).toMatchObject({ status: 200, body: 'the wiki' });
    expect(reached[0]).toMatchObject({
      'x-stance-device': 'laptop-1',
      'x-stance-decision': 'allow; policy=3; posture=7',
    });
    expect(reached[0]).not.toHaveProperty('x-stance-user');
  });

  test.each([
    ['no certificate', {}, 401, 'identity-missing'],
    ['a certificate of another authority', certificates.wrongAuthority('laptop-1'), 403, 'identity-forged'],
    ['an expired certificate', certificates.expired('laptop-1'), 403, 'identity-forged'],
  ])(
    'sends a device with %s away',
    async (_, { certificate: cert, key }: { certificate?: string; key?: string }, code, why) => {
      const reply = await get('/page', { cert, key });
      expect(reply.status).toBe(code);
      expect(JSON.parse(reply.body)).toMatchObject({ reasons: [{ code: why }] });
      expect(reached).toEqual([]);
    },
  );

  test.each(['X-Stance-Device', 'X-Stance-User', 'X-Stance-Resource', 'X-Stance-Decision', 'X_Stance_Device'])(
    'denies a client that sends %s',
    async (name) => {
      const reply = await get('/page', { ...own, headers: { [name]: 'laptop-2' } });
      expect(reply.status).toBe(403);
      expect(reached).toEqual([]);
    },
  );

  test('takes the address from the connection, whatever the client says', async () => {
    await get('/page', { ...own, headers: { 'X-Forwarded-For': '203.0.113.9', 'X-Real-IP': '203.0.113.9' } });
    expect(seen.map(({ peerAddress }) => peerAddress)).toEqual(['127.0.0.1']);
  });

  test('hands on none of what the gateway was told in headers, and overwrites the rest', async () => {
    const headers = { 'X-Stance-Device': 'laptop-2', 'X-Stance-User': 'anna@example.org' };
    expect(await get('/vouched/', { ...own, headers })).toMatchObject({ status: 200 });
    expect(reached[0]).toMatchObject({ 'x-stance-device': 'laptop-2', 'x-stance-user': 'anna@example.org' });
  });

  test('gives a person a page, with one header of each name', async () => {
    const reply = await get('/payroll/', { ...own, headers: { accept: 'text/html' } });
    expect(reply).toMatchObject({ status: 403, headers: { 'content-type': 'text/html; charset=utf-8' } });
    const denialId = String(reply.headers['x-stance-denial']);
    expect(reply.body).toContain(denialId);
    expect(denials.get(denialId)).toMatchObject({ deviceId: 'laptop-1' });
  });

  test.each(['/nameless/', '/nameless/?resource=wiki'])(
    'reaches nothing where no resource is configured: %s',
    async (path) => {
      expect(await get(path, { ...own, headers: { resource: 'wiki' } })).toMatchObject({ status: 403 });
      expect(reached).toEqual([]);
    },
  );
});
