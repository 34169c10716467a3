import { adapt, startEnvoy } from '@stance/testing';
import type { GatewayUnderTest } from './place.js';
import { deployed } from './surroundings.js';

/** Envoy on one of its deployed configurations. */
export function envoyOn(configuration: 'http' | 'grpc', binary: string): GatewayUnderTest {
  return {
    gatewayFile: 'envoy/gateway.yaml',
    start: async ({ ports, server, deviceCa }) => {
      const [own, actual] = configuration === 'http' ? [9180, ports.stance] : [9190, ports.grpc];
      return startEnvoy({
        binary,
        ports: [ports.site],
        files: {
          'envoy.yaml': adapt(await deployed(`envoy/${configuration}.yaml`), {
            'address: 0.0.0.0, port_value: 443': `address: 127.0.0.1, port_value: ${ports.site}`,
            [`port_value: ${own}`]: `port_value: ${actual}`,
            'port_value: 9181': `port_value: ${ports.relay}`,
            'port_value: 8080': `port_value: ${ports.upstream}`,
            '/etc/envoy/tls/': '',
          }),
          'wiki.pem': server.certificate,
          'wiki.key': server.key,
          'device-ca.pem': deviceCa,
        },
      });
    },
  };
}
