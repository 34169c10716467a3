import { expect, test } from '@jest/globals';

import { renderServerConfig } from './server-config.js';

const values = {
  host: '127.0.0.1',
  port: 0,
  name: 'stance',
  storeDir: '/data/a "b"',
  portsFolder: '/data/ports',
  maxPayloadBytes: 1024,
  syncInterval: undefined,
  serverConfig: '',
};

test('the configuration asks for a free port and quotes paths', () => {
  expect(renderServerConfig(values)).toBe(`server_name: "stance"
host: "127.0.0.1"
port: -1
ports_file_dir: "/data/ports"
max_payload: 1024
jetstream {
  store_dir: "/data/a \\"b\\""
}
`);
});

test('the configuration carries the sync interval and what the caller adds', () => {
  const config = renderServerConfig({
    ...values,
    port: 4222,
    syncInterval: 'always',
    serverConfig: 'max_connections: 5',
  });
  expect(config).toMatch(/port: 4222\n[^]*sync_interval: always\n}\nmax_connections: 5\n$/);
});
