import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import { startFaultProxy, type FaultProxy } from './fault-proxy.js';
import { waitFor } from './wait-for.js';

let echo: Server;
let proxy: FaultProxy;
const clients: Client[] = [];

beforeEach(async () => {
  echo = createServer((socket) => socket.on('error', () => undefined).pipe(socket)).listen(0, '127.0.0.1');
  await once(echo, 'listening');
  const address = echo.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  proxy = await startFaultProxy({ target: address.port });
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.socket.destroy();
  await proxy.close();
  echo.close();
});

class Client {
  received = '';
  error: string | undefined;
  readonly socket: Socket;

  constructor() {
    this.socket = connect(proxy.port, '127.0.0.1');
    this.socket.setEncoding('utf8').on('data', (text: string) => (this.received += text));
    this.socket.on('error', (error: NodeJS.ErrnoException) => (this.error = error.code));
    clients.push(this);
  }

  receives(text: string): Promise<true> {
    return waitFor(() => this.received === text, { what: `"${text.slice(0, 20)}" is received` });
  }

  fails(code: string): Promise<true> {
    return waitFor(() => this.error === code, { what: `the connection fails with ${code}` });
  }
}

describe('fault proxy', () => {
  test('forwards both ways, megabytes included, and the end of a stream', async () => {
    const client = new Client();
    const text = 'x'.repeat(5_000_000);
    client.socket.end(text);
    await client.receives(text);
    await expect(waitFor(() => client.socket.destroyed, { what: 'the other side ends too' })).resolves.toBe(true);
  });

  test('holds everything back while paused and loses nothing', async () => {
    const client = new Client();
    client.socket.write('a');
    await client.receives('a');
    proxy.pause();
    client.socket.write('b');
    const other = new Client();
    await once(other.socket, 'connect');
    expect(client.received).toBe('a');
    await proxy.resume();
    await client.receives('ab');
  });

  test('cuts the present connections and takes new ones', async () => {
    const client = new Client();
    client.socket.write('a');
    await client.receives('a');
    proxy.cut();
    await client.fails('ECONNRESET');
    const next = new Client();
    next.socket.write('b');
    await expect(next.receives('b')).resolves.toBe(true);
  });

  test('refuses connections until it is healthy again, on the same port', async () => {
    const client = new Client();
    client.socket.write('a');
    await client.receives('a');
    await proxy.refuse();
    await client.fails('ECONNRESET');
    await new Client().fails('ECONNREFUSED');
    await proxy.resume();
    const next = new Client();
    next.socket.write('b');
    await expect(next.receives('b')).resolves.toBe(true);
  });

  test('delays each direction and keeps the order', async () => {
    proxy.delay(40);
    const client = new Client();
    await once(client.socket, 'connect');
    const startedAt = performance.now();
    for (const letter of 'abcdef') client.socket.write(letter);
    proxy.delay(20);
    await client.receives('abcdef');
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(35);
  });

  test('resets a client whose server is not there', async () => {
    echo.close();
    await once(echo, 'close');
    await expect(new Client().fails('ECONNRESET')).resolves.toBe(true);
  });
});
