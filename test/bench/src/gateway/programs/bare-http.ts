import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';
import { answering } from './answering.js';

/** The least that a Node HTTP server can do: an empty 200 to everything. */
const server = createServer((_request, response) => response.end());

answering(z.object({ do: z.literal('listen') }), async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
});
