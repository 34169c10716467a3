import { startCaddy } from '@stance/testing';
import { enforcement } from './enforcement.js';
import { deployed } from './surroundings.js';

/** The test's own: no API, no listener on port 80, and on loopback only. */
const GLOBAL = '{\n\tadmin off\n\tauto_https disable_redirects\n\tdefault_bind 127.0.0.1\n}\n';

await enforcement('caddy', 'Caddy with forward_auth', (binary) => ({
  gatewayFile: 'caddy/gateway.yaml',
  start: async ({ ports, server, deviceCa }) =>
    startCaddy({
      binary,
      ports: [ports.site],
      environment: {
        WIKI_SITE: `wiki.example.com:${ports.site}`,
        WIKI_CERTIFICATE: 'wiki.pem',
        WIKI_KEY: 'wiki.key',
        WIKI_UPSTREAM: `127.0.0.1:${ports.upstream}`,
        DEVICE_CA: 'device-ca.pem',
        STANCE_ADDRESS: `127.0.0.1:${ports.stance}`,
        STANCE_RELAY: `127.0.0.1:${ports.relay}`,
      },
      files: {
        Caddyfile: GLOBAL + (await deployed('caddy/Caddyfile')),
        'wiki.pem': server.certificate,
        'wiki.key': server.key,
        'device-ca.pem': deviceCa,
      },
    }),
}));
