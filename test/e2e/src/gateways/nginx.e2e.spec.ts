import { adapt, startNginx } from '@stance/testing';
import { enforcement } from './enforcement.js';
import { deployed } from './surroundings.js';

await enforcement('nginx', 'nginx with auth_request', (binary) => ({
  gatewayFile: 'nginx/gateway.yaml',
  start: async ({ ports, server, deviceCa }) => {
    const stance = adapt(await deployed('nginx/stance.conf'), {
      '127.0.0.1:9180': `127.0.0.1:${ports.stance}`,
      '127.0.0.1:9181': `127.0.0.1:${ports.relay}`,
    });
    const wiki = adapt(await deployed('nginx/wiki.conf'), {
      'listen 443 ssl': `listen 127.0.0.1:${ports.site} ssl`,
      '/etc/nginx/tls/': '',
      '127.0.0.1:8080': `127.0.0.1:${ports.upstream}`,
    });
    return startNginx({
      binary,
      ports: [ports.site],
      files: {
        'nginx.conf': `${stance}\n${wiki}`,
        'stance-server.conf': await deployed('nginx/stance-server.conf'),
        'stance-headers.conf': await deployed('nginx/stance-headers.conf'),
        'wiki.pem': server.certificate,
        'wiki.key': server.key,
        'device-ca.pem': deviceCa,
      },
    });
  },
}));
