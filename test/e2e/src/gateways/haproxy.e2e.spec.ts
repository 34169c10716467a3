import { describe, expect, test } from '@jest/globals';
import { findGateway, startHaproxy } from '@stance/testing';
import { enforcement } from './enforcement.js';
import { Place, type GatewayUnderTest } from './place.js';
import { deployed } from './surroundings.js';

const haproxy = (binary: string, script?: string): GatewayUnderTest => ({
  gatewayFile: 'haproxy/gateway.yaml',
  start: async ({ ports, server, deviceCa }) =>
    startHaproxy({
      binary,
      ports: [ports.site],
      environment: {
        STANCE_ADDRESS: `127.0.0.1:${ports.stance}`,
        STANCE_RELAY: `127.0.0.1:${ports.relay}`,
        STANCE_SCRIPT: 'stance.lua',
        DEVICE_CA: 'device-ca.pem',
        WIKI_LISTEN: `127.0.0.1:${ports.site}`,
        WIKI_CERTIFICATE: 'wiki.pem',
        WIKI_UPSTREAM: `127.0.0.1:${ports.upstream}`,
      },
      files: {
        'haproxy.cfg': await deployed('haproxy/haproxy.cfg'),
        'stance.lua': script ?? (await deployed('haproxy/stance.lua')),
        'wiki.pem': `${server.certificate}\n${server.key}\n`,
        'device-ca.pem': deviceCa,
      },
    }),
});

await enforcement('haproxy', 'HAProxy with stance.lua', haproxy);

const binary = await findGateway('haproxy');
const describeHaproxy = binary === undefined ? describe.skip : describe;

describeHaproxy('HAProxy with its own header for the certificate', () => {
  test('takes it out however a client writes it', async () => {
    const place = await Place.open(haproxy(binary ?? ''));
    try {
      const written = ['X-SSL-Client-Cert', 'X_SSL_Client_Cert', 'X-SSL_Client-Cert', 'X_SSL-Client_Cert'];
      const headers = Object.fromEntries(written.map((name) => [name, 'forged']));
      const certificate = place.around.certificates.allowed;
      for (const path of ['/page', '/live/page']) {
        expect(await place.visitor.ask({ path, headers, certificate })).toMatchObject({ status: 200 });
        expect(JSON.stringify(place.around.upstream.last)).not.toContain('forged');
      }
    } finally {
      await place.close();
    }
  });
});

describeHaproxy('HAProxy with a script that fails', () => {
  test.each([
    ['throws', "error('broken')"],
    ['does nothing', ''],
  ])('keeps everybody out when it %s', async (_what, body) => {
    const script = `core.register_action('stance', { 'http-req' }, function() ${body} end, 1)`;
    const place = await Place.open(haproxy(binary ?? '', script));
    try {
      const { status } = await place.visitor.ask({ certificate: place.around.certificates.allowed });
      expect([status, place.around.upstream.seen]).toEqual([503, []]);
    } finally {
      await place.close();
    }
  });
});
