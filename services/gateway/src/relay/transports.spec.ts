import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import { afterEach, describe, expect, test } from '@jest/globals';
import { issueDeviceCertificates, waitFor } from '@stance/testing';
import { Transports } from './transports.js';

const certificates = issueDeviceCertificates([]);
const { certificate: cert, key } = certificates.server;

const servers: Server[] = [];
afterEach(async () => {
  // It resolves only once every connection is closed.
  await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
});

async function listener(kind: 'plain' | 'TLS') {
  const server = kind === 'TLS' ? createTlsServer({ cert, key, allowHalfOpen: true }) : createServer(BOTH_HALVES);
  const transports = new Transports(server);
  server.on('tlsClientError', () => undefined);
  servers.push(server);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  return { server, transports, to: { port, host: '127.0.0.1', ...BOTH_HALVES } };
}

const BOTH_HALVES = { allowHalfOpen: true } as const;

async function connected(kind: 'plain' | 'TLS') {
  const { server, transports, to } = await listener(kind);
  const arriving = once(server, kind === 'TLS' ? 'secureConnection' : 'connection');
  const client = kind === 'TLS' ? connectTls({ ...to, ca: certificates.ca }) : connect(to);
  client.on('error', () => undefined);
  const [socket] = (await arriving) as [Socket];
  return { transports, client, socket };
}

const closing = (socket: Socket) => new Promise<void>((resolve) => void socket.once('close', () => resolve()));

describe.each(['plain', 'TLS'] as const)('a %s connection', (kind) => {
  const ways: [string, (transports: Transports, socket: Socket) => void][] = [
    ['reset', (transports, socket) => transports.reset(socket)],
    ['reset with all others', (transports) => transports.resetAll()],
  ];

  describe.each(ways)('that is %s', (_way, reset) => {
    test.each<[string, (done: () => void) => void]>([
      ['at once', (done) => done()],
      ['as its end is asked for', (done) => process.nextTick(() => queueMicrotask(done))],
      ['as its end is being sent', (done) => process.nextTick(() => process.nextTick(() => process.nextTick(done)))],
      ['after its end was sent', (done) => void setImmediate(done)],
    ])('after it was ended, %s, is closed for good', async (_when, later) => {
      const { transports, client, socket } = await connected(kind);
      socket.end('last words');
      await new Promise<void>((resolve) => later(resolve));
      reset(transports, socket);
      reset(transports, socket);
      let isClosed = false;
      client.once('close', () => (isClosed = true));
      client.resume();
      // Whoever still held it would take what is sent.
      await waitFor(() => isClosed || (client.write('are you there'), false), { what: 'the client hears of it' });
      await waitFor(() => transports.size === 0, { what: 'nothing is open' });
      expect(socket.destroyed).toBe(true);
    });

    test('as something is written is closed for good', async () => {
      const { transports, client, socket } = await connected(kind);
      const closed = [client.resume(), socket].map(closing);
      socket.write('something');
      reset(transports, socket);
      reset(transports, socket);
      await Promise.all(closed);
      await waitFor(() => transports.size === 0, { what: 'nothing is open' });
      expect(socket.destroyed).toBe(true);
    });

    test('after it was closed by its client is left as it is', async () => {
      const { transports, client, socket } = await connected(kind);
      const closed = closing(socket.resume().on('error', () => undefined));
      client.destroy();
      socket.once('end', () => socket.end());
      await closed;
      expect(() => reset(transports, socket)).not.toThrow();
      await waitFor(() => transports.size === 0, { what: 'nothing is open' });
    });
  });
});

test.each([
  ['has not begun', Buffer.alloc(0)],
  ['is in the middle of its words', Buffer.of(0x16, 3, 1, 2, 0, 1, 0, 1)],
])('a connection whose TLS handshake %s is reset with all others', async (_, bytes) => {
  const { server, transports, to } = await listener('TLS');
  const arriving = once(server, 'connection');
  const client = connect(to);
  client.on('error', () => undefined).write(bytes);
  await arriving;
  expect(transports.size).toBe(1);
  const closed = closing(client);
  transports.resetAll();
  await closed;
  await waitFor(() => transports.size === 0, { what: 'nothing is open' });
});
