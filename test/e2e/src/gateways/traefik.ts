import { adapt, startTraefik, waitFor } from '@stance/testing';
import type { GatewayUnderTest } from './place.js';
import { deployed } from './surroundings.js';
import { Visitor } from './visitor.js';

/** The test's own: it asks nobody for newer versions. */
const GLOBAL = 'global: { checkNewVersion: false, sendAnonymousUsage: false }\n';

export function traefik(binary: string): GatewayUnderTest {
  return {
    gatewayFile: 'traefik/gateway.yaml',
    start: async ({ ports, server, serverCa, deviceCa }) => {
      const gateway = await startTraefik({
        binary,
        ports: [ports.site],
        files: {
          'traefik.yml':
            GLOBAL +
            adapt(await deployed('traefik/traefik.yml'), {
              "':443'": `127.0.0.1:${ports.site}`,
              '/etc/traefik/': '',
            }),
          'wiki.yml': adapt(await deployed('traefik/wiki.yml'), {
            '127.0.0.1:9180': `127.0.0.1:${ports.stance}`,
            '127.0.0.1:9181': `127.0.0.1:${ports.relay}`,
            '127.0.0.1:8080': `127.0.0.1:${ports.upstream}`,
            '/etc/traefik/tls/': '',
          }),
          'wiki.pem': server.certificate,
          'wiki.key': server.key,
          'device-ca.pem': deviceCa,
        },
      });
      // It listens before it has read what it serves.
      const visitor = new Visitor(ports.site, serverCa);
      await waitFor(async () => (await visitor.ask()).status !== 404, { what: 'Traefik to have its routers' });
      return gateway;
    },
  };
}
