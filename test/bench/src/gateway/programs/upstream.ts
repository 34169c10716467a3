import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';
import { answering } from './answering.js';

/** The application behind a relay: a small page, a download (`/download/<MiB>`), and WebSockets that say nothing. */
const PAGE = Buffer.alloc(1_024, 'x');
const PIECE = Buffer.alloc(64 * 1024, 'x');

const server = createServer((request, response) => {
  const mebibytes = /^\/download\/(\d+)$/.exec(request.url ?? '')?.[1];
  if (mebibytes !== undefined) return sendDownload(response, Number(mebibytes) * 2 ** 20);
  response.writeHead(200, { 'content-type': 'text/plain', 'content-length': PAGE.length });
  return response.end(PAGE);
});
server.on('upgrade', (request, socket) => {
  const accept = createHash('sha1').update(`${request.headers['sec-websocket-key']}${WEBSOCKET_GUID}`).digest('base64');
  socket.on('error', () => socket.destroy());
  socket.on('data', () => undefined);
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
});

/** RFC 6455, 1.3. */
const WEBSOCKET_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

function sendDownload(response: ServerResponse, bytes: number): void {
  let left = bytes;
  response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': bytes });
  const write = (): void => {
    while (left > 0) {
      left -= PIECE.length;
      if (!response.write(PIECE)) return void response.once('drain', write);
    }
    response.end();
  };
  write();
}

answering(z.object({ do: z.literal('listen') }), async () => {
  server.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 });
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
});
