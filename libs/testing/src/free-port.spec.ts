import { once } from 'node:events';
import { createServer } from 'node:net';

import { expect, test } from '@jest/globals';

import { freePort } from './free-port.js';

test('every port is another one, can be listened on, and is none that outgoing connections get', async () => {
  const ports = [await freePort(), await freePort(), await freePort()];
  expect(new Set(ports).size).toBe(3);
  for (const port of ports) {
    expect(port).toBeLessThan(32_768);
    const server = createServer().listen(port, '127.0.0.1');
    await once(server, 'listening');
    server.close();
  }
});

test('a port that is taken is not given', async () => {
  const port = await freePort();
  const server = createServer().listen(port + 1, '127.0.0.1');
  // It fails where somebody else has it: that is as good.
  await once(server, 'listening').catch(() => undefined);
  expect(await freePort()).not.toBe(port + 1);
  server.close();
});
