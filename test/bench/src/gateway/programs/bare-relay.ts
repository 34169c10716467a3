import { once } from 'node:events';
import { Agent, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createProxyServer } from 'httpxy';
import { z } from 'zod';
import { answering } from './answering.js';

/** The library that the relay of the gateway moves bytes by, with nothing around it: everybody may everything. */
answering(z.object({ do: z.literal('listen'), upstreamPort: z.number() }), async ({ upstreamPort }) => {
  // The connections that the relay keeps as well.
  const agent = new Agent({ keepAlive: true, maxSockets: Infinity, maxFreeSockets: 256, timeout: 4_000 });
  const proxy = createProxyServer({ target: `http://127.0.0.1:${upstreamPort}`, agent });
  const server = createServer((request, response) => {
    proxy.web(request, response).catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
});
