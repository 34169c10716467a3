import { once } from 'node:events';
import { connect, type AddressInfo, type Server, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { describe, expect, test } from '@jest/globals';
import { issueDeviceCertificates, waitFor } from '@stance/testing';
import { arrivalServer, reset, type Arrival } from './arrivals.js';

const certificates = issueDeviceCertificates([]);
const { certificate: cert, key } = certificates.server;
const TLS = { cert, key, requestCert: false, rejectUnauthorized: false } as const;
const LIMITS = { handshakeTimeoutMs: 10_000, keepAliveMs: 10_000 };

async function arrivalFrom(kind: 'plain' | 'TLS') {
  const arrived = Promise.withResolvers<Arrival>();
  const server = arrivalServer(kind === 'TLS' ? TLS : undefined, LIMITS, arrived.resolve);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const client = clientOf(server, kind);
  return { server, client, arrival: await arrived.promise };
}

function clientOf(server: Server, kind: 'plain' | 'TLS'): Socket {
  const to = { port: (server.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true };
  return kind === 'TLS' ? connectTls({ ...to, ca: certificates.ca }) : connect(to);
}

describe.each(['plain', 'TLS'] as const)('a %s connection', (kind) => {
  test.each<[string, (done: () => void) => void]>([
    ['at once', (done) => done()],
    ['as its end is asked for', (done) => process.nextTick(() => queueMicrotask(done))],
    ['as its end is being sent', (done) => process.nextTick(() => process.nextTick(() => process.nextTick(done)))],
    ['after its end was sent', (done) => void setImmediate(done)],
  ])('that is ended and then reset %s is closed for good', async (_, later) => {
    const { server, client, arrival } = await arrivalFrom(kind);
    arrival.socket.end('last words');
    await new Promise<void>((resolve) => later(resolve));
    reset(arrival);
    reset(arrival);
    let isClosed = false;
    client.on('error', () => undefined).once('close', () => (isClosed = true));
    client.resume();
    // Whoever still held it would take what is sent.
    await waitFor(() => isClosed || (client.write('are you there'), false), { what: 'the client hears of it' });
    await new Promise((resolve) => server.close(resolve));
    expect(arrival.transport.destroyed).toBe(true);
  });

  test('that is reset as something is written is closed for good', async () => {
    const { server, client, arrival } = await arrivalFrom(kind);
    client.on('error', () => undefined).resume();
    const closed = [client, arrival.socket].map((socket) => new Promise((resolve) => socket.once('close', resolve)));
    arrival.socket.write('something');
    reset(arrival);
    reset(arrival);
    await Promise.all(closed);
    await new Promise((resolve) => server.close(resolve));
    expect(arrival.transport.destroyed).toBe(true);
  });
});
