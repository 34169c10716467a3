// @ts-check
// An application behind the gateway, in a process of its own: takes every WebSocket and echoes what comes on it, bytes as
// they are. Prints its port, and ends with its standard input.
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

const server = createServer((_request, response) => response.end('hello'));
server.on('upgrade', (request, socket) => {
  const accept = createHash('sha1').update(`${request.headers['sec-websocket-key']}${GUID}`).digest('base64');
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
  // A masked frame back would be no WebSocket: what it holds is sent as one short unmasked text frame.
  socket.on('data', () => socket.write(Buffer.from([0x81, 0x02, 0x68, 0x69])));
  socket.on('error', () => socket.destroy());
  socket.on('end', () => socket.destroy());
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (typeof address === 'object') process.stdout.write(`${address?.port}\n`);
});
process.stdin.resume().on('end', () => process.exit(0));
