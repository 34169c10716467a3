import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { freePort, issueDeviceCertificates, temporaryFolder, waitFor, type TemporaryFolder } from '@stance/testing';
import type { Admission } from '../../access/access.js';
import { Denials, type Denial } from '../../access/denials.js';
import type { Evidence, Identity } from '../../identity/identity.js';
import { ListenFailed } from '../../listen.js';
import { LiveConnections } from '../live-connections.js';
import { ListenerTlsUnusable } from '../../listener-tls.js';
import { ProofTimedOut } from '../../prove-in-time.js';
import { TcpRelayFull } from './limits.js';
import { TcpRelayServer, type TcpRelayServerOptions } from './tcp-relay-server.js';
import { UpstreamUnreachable } from './upstream.js';

const PROVED: Identity = { outcome: 'proved', deviceId: 'laptop-1', proof: 'certificate' };
const ASKER = { deviceId: 'laptop-1', resource: 'db', proof: 'certificate' } as const;
const ADMITTED: Admission = {
  outcome: 'admitted',
  asker: ASKER,
  grantId: 's1',
  verdict: { effect: 'allow', allowed: true, enforced: true, reasons: [], revisions: { posture: 7, policy: 3 } },
};
const DENIED: Admission = {
  outcome: 'denied',
  asker: ASKER,
  reasons: [{ code: 'condition-false', message: 'This machine is infected.' }],
};
const REVOKED = { cause: 'revoked', reasons: [] } as const;

let folder: TemporaryFolder;
const cleanups: (() => unknown)[] = [];
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
  await folder.remove();
});

/** A server of ours that the relay carries to; it remembers who came. */
async function upstreamServer(onConnection: (socket: Socket) => void) {
  const sockets: Socket[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    onConnection(socket);
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: portOf(server), sockets };
}

const portOf = (server: Server) => (server.address() as AddressInfo).port;

/** A relay to `port`, whose clients are proved and admitted unless told otherwise. */
async function relayTo(port: number, overrides: Partial<TcpRelayServerOptions> = {}, tls?: TlsFiles) {
  const seen: Evidence[] = [];
  const denied: Denial[] = [];
  const errors: unknown[] = [];
  const onLast = jest.fn<(grantId: string) => void>();
  const connections = new LiveConnections(onLast);
  const admit = jest.fn<TcpRelayServerOptions['access']['admit']>(() => ADMITTED);
  const relay = new TcpRelayServer({
    relay: {
      listen: { host: '127.0.0.1', port: 0, ...(tls && { tls }) },
      resource: 'db',
      upstream: { host: '127.0.0.1', port },
    },
    prover: {
      prove: (evidence) => {
        seen.push(evidence);
        return PROVED;
      },
    },
    access: { admit },
    live: connections,
    denials: new Denials('edge'),
    onDenied: (denial) => void denied.push(denial),
    onError: (error) => void errors.push(error),
    ...overrides,
  });
  await relay.start();
  cleanups.push(() => relay.close());
  return { relay, port: Number(relay.address?.split(':').at(-1)), connections, admit, seen, denied, errors, onLast };
}

/** `allowHalfOpen: false`: it closes when the other side ends. */
function client(port: number, allowHalfOpen = true): Socket {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen });
  cleanups.push(() => socket.destroy());
  return socket;
}

/** What a client sees of the end of its connection: its error, or that all was in order. */
function endOf(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    let code = 'in order';
    socket.on('error', (error: NodeJS.ErrnoException) => (code = error.code ?? error.message));
    socket.once('close', () => resolve(code));
  });
}

interface TlsFiles {
  readonly certificate: string;
  readonly key: string;
}

/** Files of a listener and of the devices' CA, and what a device connects with. */
async function tlsFiles() {
  const certificates = issueDeviceCertificates(['laptop-1']);
  const { server, ca } = certificates;
  const files = { certificate: join(folder.path, 'server.pem'), key: join(folder.path, 'server.key') };
  const deviceCa = join(folder.path, 'devices.pem');
  await writeFile(files.certificate, server.certificate);
  await writeFile(files.key, server.key);
  await writeFile(deviceCa, ca);
  return {
    files,
    deviceCa,
    certificates,
    device: certificates.of('laptop-1'),
    trusting: { ca, servername: 'localhost' },
  };
}

async function tlsClient(port: number, options: ConnectionOptions): Promise<Socket> {
  const socket = connectTls({ port, host: '127.0.0.1', ...options });
  cleanups.push(() => socket.destroy());
  await once(socket, 'secureConnect');
  return socket;
}

const echo = (socket: Socket) => void socket.pipe(socket);

describe('an admitted client', () => {
  test('is carried both ways, and says of itself only where it comes from', async () => {
    const { port, seen, admit, connections, onLast } = await relayTo((await upstreamServer(echo)).port);
    const socket = client(port);
    socket.end('hello');
    expect((await buffer(socket)).toString()).toBe('hello');
    expect(seen).toEqual([
      { rawHeaders: [], peerAddress: '127.0.0.1', isFromListedProxy: false, connectionCertificate: undefined },
    ]);
    expect(admit).toHaveBeenCalledWith(PROVED, 'db', { enforcement: 'cut' });
    await waitFor(() => connections.size === 0, { what: 'nothing is carried', intervalMs: 5 });
    expect(onLast).toHaveBeenCalledWith('s1');
  });

  test('may end its half and still be answered', async () => {
    const upstream = await upstreamServer((socket) => {
      void buffer(socket).then((all) => socket.end(`got ${all.length}`));
    });
    const { port } = await relayTo(upstream.port);
    const socket = client(port);
    socket.end(Buffer.alloc(300_000));
    expect((await buffer(socket)).toString()).toBe('got 300000');
  });

  test('may still send after the upstream ended its half', async () => {
    let got: Promise<Buffer> | undefined;
    const upstream = await upstreamServer((socket) => {
      got = buffer(socket);
      socket.end('first');
    });
    const { port, connections } = await relayTo(upstream.port);
    const socket = client(port);
    expect((await buffer(socket)).toString()).toBe('first');
    socket.end(Buffer.alloc(500_000, 1));
    expect((await got)?.length).toBe(500_000);
    await waitFor(() => connections.size === 0, { what: 'nothing is carried', intervalMs: 5 });
  });

  test('is carried as fast as the slower side reads, byte for byte', async () => {
    const upstream = await upstreamServer((socket) => void socket.pause());
    const { port } = await relayTo(upstream.port);
    const socket = client(port);
    const sent = randomBytes(32 * 1024 * 1024);
    socket.end(sent);
    await waitFor(() => upstream.sockets.length === 1, { what: 'the upstream is reached', intervalMs: 5 });
    const before = process.memoryUsage().external + process.memoryUsage().arrayBuffers;
    // Kernel and relay are full: most of it has to wait where it comes from.
    await waitFor(() => isSettled(socket), { what: 'the sender waits', intervalMs: 5 });
    expect(socket.writableLength).toBeGreaterThan(sent.length / 4);
    expect(process.memoryUsage().external + process.memoryUsage().arrayBuffers - before).toBeLessThan(sent.length / 2);
    const [reader] = upstream.sockets;
    expect(reader && Buffer.compare(await buffer(reader), sent)).toBe(0);
  });

  test('hears that the upstream broke off, and does not take a part for the whole', async () => {
    const upstream = await upstreamServer((socket) => {
      socket.once('data', () => void socket.write('a part', () => socket.resetAndDestroy()));
    });
    const { port, connections } = await relayTo(upstream.port);
    const socket = client(port);
    socket.write('give me all');
    expect(await endOf(socket.resume())).toBe('ECONNRESET');
    await waitFor(() => connections.size === 0, { what: 'nothing is carried', intervalMs: 5 });
  });

  test('that vanishes takes its connection to the upstream with it', async () => {
    const upstream = await upstreamServer(echo);
    const { port, connections } = await relayTo(upstream.port);
    const socket = client(port);
    socket.write('hello');
    await once(socket, 'data');
    const [carried] = upstream.sockets;
    const end = carried && endOf(carried);
    socket.resetAndDestroy();
    expect(await end).toBe('ECONNRESET');
    await waitFor(() => connections.size === 0, { what: 'nothing is carried', intervalMs: 5 });
  });

  test('is ended when one half ended and nothing comes any more', async () => {
    const upstream = await upstreamServer((socket) => void socket.resume());
    const { port, connections } = await relayTo(upstream.port, { limits: { halfOpenMs: 50 } });
    const socket = client(port);
    const end = endOf(socket.resume());
    socket.end('hello');
    expect(await end).toBe('ECONNRESET');
    await waitFor(() => connections.size === 0, { what: 'nothing is carried', intervalMs: 5 });
  });
});

describe('a cut', () => {
  test('ends a transfer at once, and nothing that was on its way is sent after it', async () => {
    const chunk = Buffer.alloc(64 * 1024);
    const upstream = await upstreamServer((socket) => {
      const fill = () => {
        while (!socket.destroyed && socket.write(chunk));
      };
      socket.on('drain', fill);
      fill();
    });
    const { port, connections } = await relayTo(upstream.port);
    const socket = client(port).pause();
    await waitFor(() => upstream.sockets.length === 1, { what: 'the upstream is reached', intervalMs: 5 });
    const [carried] = upstream.sockets;
    if (carried === undefined) throw new Error('nothing is carried');
    await waitFor(() => isSettled(carried), { what: 'the sender waits', intervalMs: 5 });
    const sent = carried.bytesWritten - carried.writableLength;
    const ends = [endOf(socket), endOf(carried)];
    expect(connections.cut('s1', REVOKED)).toBe(1);
    socket.resume();
    expect(await Promise.all(ends)).toEqual(['ECONNRESET', 'ECONNRESET']);
    expect(socket.bytesRead).toBeLessThan(sent / 2);
    expect(connections.size).toBe(0);
  });

  test('ends a connection whose upstream does not answer yet', async () => {
    const { port, connections, errors } = await relayTo(await silentPort());
    const socket = client(port);
    const end = endOf(socket);
    await waitFor(() => connections.size === 1, { what: 'one is carried', intervalMs: 5 });
    connections.cut('s1', REVOKED);
    expect(await end).toBe('ECONNRESET');
    expect(errors).toEqual([]);
  });

  test('ends only what its session lets', async () => {
    const upstream = await upstreamServer(echo);
    let next = 0;
    const { port, connections } = await relayTo(upstream.port, {
      access: { admit: () => ({ ...ADMITTED, grantId: `s${(next += 1)}` }) },
    });
    const [first, second] = [client(port), client(port)];
    await waitFor(() => connections.size === 2, { what: 'two are carried', intervalMs: 5 });
    const end = endOf(first);
    connections.cut('s1', REVOKED);
    await end;
    second.write('still here');
    expect(String(await once(second, 'data'))).toBe('still here');
  });
});

describe('a client that is not admitted', () => {
  test.each<[string, Partial<TcpRelayServerOptions>, string]>([
    ['is denied', { access: { admit: () => DENIED } }, 'condition-false'],
    [
      'is not proved',
      {
        access: {
          admit: () => ({ outcome: 'unproved', asker: {}, reasons: [{ code: 'identity-missing', message: '' }] }),
        },
      },
      'identity-missing',
    ],
    [
      'cannot be proved',
      {
        prover: {
          prove: () => {
            throw new Error('broken');
          },
        },
        access: realistic(),
      },
      'evaluation-error',
    ],
    [
      'cannot be decided about',
      {
        access: {
          admit: () => {
            throw new Error('broken');
          },
        },
      },
      'evaluation-error',
    ],
    [
      'is not proved in time',
      { prover: { prove: () => new Promise(() => undefined) }, access: realistic(), limits: { proofTimeoutMs: 20 } },
      'evaluation-error',
    ],
  ])('as it %s is sent away, and the upstream hears nothing', async (_, overrides, code) => {
    const upstream = await upstreamServer(echo);
    const { port, denied, connections } = await relayTo(upstream.port, overrides);
    const socket = client(port);
    socket.end('rm -rf');
    expect((await buffer(socket)).length).toBe(0);
    expect(denied).toMatchObject([{ resource: 'db', gateway: 'edge', reasons: [{ code }] }]);
    expect(upstream.sockets).toEqual([]);
    expect(connections.size).toBe(0);
  });

  test('nor proved yet reaches nothing', async () => {
    const upstream = await upstreamServer(echo);
    let prove: (identity: Identity) => void = () => undefined;
    const proof = new Promise<Identity>((resolve) => (prove = resolve));
    const { port, admit } = await relayTo(upstream.port, { prover: { prove: () => proof } });
    const socket = client(port);
    await new Promise<void>((resolve) => void socket.write('hello', () => resolve()));
    expect(upstream.sockets).toEqual([]);
    expect(admit).not.toHaveBeenCalled();
    prove(PROVED);
    expect(String(await once(socket, 'data'))).toBe('hello');
  });

  test('opens no session when it left before it was proved', async () => {
    let prove: (identity: Identity) => void = () => undefined;
    const proof = new Promise<Identity>((resolve) => (prove = resolve));
    const asked = jest.fn(() => proof);
    const { port, admit } = await relayTo(9, { prover: { prove: asked } });
    const socket = client(port);
    await waitFor(() => asked.mock.calls.length === 1, { what: 'it is to be proved', intervalMs: 5 });
    socket.resetAndDestroy();
    // Who comes afterwards is heard of afterwards.
    client(port);
    await waitFor(() => asked.mock.calls.length === 2, { what: 'the other is to be proved', intervalMs: 5 });
    prove(PROVED);
    await waitFor(() => admit.mock.calls.length > 0, { what: 'the other is admitted', intervalMs: 5 });
    expect(admit).toHaveBeenCalledTimes(1);
  });

  test('and does not go is reset', async () => {
    const { port } = await relayTo(9, { access: { admit: () => DENIED } });
    const socket = client(port);
    let code: string | undefined;
    void endOf(socket.resume()).then((end) => (code = end));
    await once(socket, 'end');
    // It hears of it when it sends again.
    await waitFor(() => code ?? (socket.write('hello'), undefined), { what: 'the client is reset' });
    expect(['ECONNRESET', 'EPIPE']).toContain(code);
  });
});

describe('TLS', () => {
  test("proves by the client's certificate, and lets half be ended", async () => {
    const { files, deviceCa, device, trusting } = await tlsFiles();
    const { port, seen } = await relayTo((await upstreamServer(echo)).port, { deviceCa }, files);
    const socket = await tlsClient(port, { ...trusting, cert: device.certificate, key: device.key });
    socket.end(Buffer.alloc(200_000, 1));
    expect((await buffer(socket)).length).toBe(200_000);
    expect(seen.map(({ connectionCertificate }) => Buffer.from(connectionCertificate ?? []))).toEqual([
      Buffer.from(device.der),
    ]);
  });

  test('leaves it to the proof what a client without a certificate, or with a strange one, is worth', async () => {
    const { files, deviceCa, certificates, trusting } = await tlsFiles();
    const strange = certificates.wrongAuthority('laptop-1');
    const { port, seen } = await relayTo((await upstreamServer(echo)).port, { deviceCa }, files);
    for (const own of [{}, { cert: strange.certificate, key: strange.key }]) {
      const socket = await tlsClient(port, { ...trusting, ...own });
      socket.end('hello');
      expect(String(await buffer(socket))).toBe('hello');
    }
    expect(seen.map(({ connectionCertificate }) => connectionCertificate?.length)).toEqual([
      undefined,
      strange.der.length,
    ]);
  });

  test.each(['TLSv1.2', 'TLSv1.3'] as const)('knows the certificate of a client that resumes %s', async (version) => {
    const { files, deviceCa, device, trusting } = await tlsFiles();
    const { port, seen } = await relayTo((await upstreamServer(echo)).port, { deviceCa }, files);
    const own = { ...trusting, cert: device.certificate, key: device.key, maxVersion: version };
    const first = connectTls({ port, host: '127.0.0.1', ...own });
    cleanups.push(() => first.destroy());
    const [session] = (await once(first, 'session')) as [Buffer];
    const second = connectTls({ port, host: '127.0.0.1', ...own, session });
    cleanups.push(() => second.destroy());
    await once(second, 'secureConnect');
    expect(second.isSessionReused()).toBe(true);
    await waitFor(() => seen.length === 2, { what: 'both came', intervalMs: 5 });
    expect(seen[1]?.connectionCertificate?.length).toBe(device.der.length);
  });

  test('closes in order on a denied client', async () => {
    const { files, trusting } = await tlsFiles();
    const { port, denied } = await relayTo(9, { access: { admit: () => DENIED } }, files);
    const socket = await tlsClient(port, trusting);
    socket.write('hello');
    expect(await endOf(socket.resume())).toBe('in order');
    expect(denied).toHaveLength(1);
  });

  test('is cut at once, with what was on its way', async () => {
    const { files, trusting } = await tlsFiles();
    const upstream = await upstreamServer((socket) => void socket.write(Buffer.alloc(16 * 1024 * 1024)));
    const { port, connections } = await relayTo(upstream.port, {}, files);
    const socket = (await tlsClient(port, trusting)).pause();
    await waitFor(() => upstream.sockets.length === 1, { what: 'the upstream is reached', intervalMs: 5 });
    const [carried] = upstream.sockets;
    if (carried === undefined) throw new Error('nothing is carried');
    await waitFor(() => isSettled(carried), { what: 'the sender waits', intervalMs: 5 });
    const ends = [endOf(socket), endOf(carried)];
    connections.cut('s1', REVOKED);
    socket.resume();
    expect(await Promise.all(ends)).toEqual(['ECONNRESET', 'ECONNRESET']);
    expect(socket.bytesRead).toBeLessThan(2 * 1024 * 1024);
  });

  test('ends a handshake that takes too long, and asks nobody about it', async () => {
    const { files } = await tlsFiles();
    const { port, seen } = await relayTo(9, { limits: { handshakeTimeoutMs: 50 } }, files);
    const socket = client(port, false);
    socket.write(Buffer.from([22, 3, 1]));
    await endOf(socket.resume());
    expect(seen).toEqual([]);
  });

  test('ends what does not speak it', async () => {
    const { files } = await tlsFiles();
    const { port, seen } = await relayTo(9, {}, files);
    const socket = client(port, false);
    socket.write('GET / HTTP/1.1\r\n\r\n');
    await endOf(socket.resume());
    expect(seen).toEqual([]);
  });

  test.each([
    [
      'a certificate that is not there',
      { certificate: 'none.pem' },
      /^tls\.certificate \(.*none\.pem\) cannot be read/,
    ],
    [
      'a certificate that is none',
      { certificate: 'server.key' },
      /^tls\.certificate \(.*\) holds no certificate in PEM/,
    ],
    ['a key that is not its own', { key: 'other.key' }, /^tls\.key \(.*other\.key\) is no key of the certificate/],
  ])('does not start with %s', async (_, wrong, message) => {
    const { files, device } = await tlsFiles();
    await writeFile(join(folder.path, 'other.key'), device.key);
    const inFolder = Object.fromEntries(Object.entries(wrong).map(([name, file]) => [name, join(folder.path, file)]));
    const started = relayTo(9, {}, { ...files, ...inFolder });
    await expect(started).rejects.toThrow(message);
    await expect(started).rejects.toBeInstanceOf(ListenerTlsUnusable);
  });
});

describe('a relay', () => {
  test('sends a client away whose upstream is down, and says so', async () => {
    const { port, errors, connections, onLast } = await relayTo(await freePort());
    const socket = client(port);
    socket.end('hello');
    expect((await buffer(socket)).length).toBe(0);
    expect(errors).toEqual([expect.any(UpstreamUnreachable)]);
    expect(connections.size).toBe(0);
    expect(onLast).toHaveBeenCalledWith('s1');
  });

  test('waits only so long for its upstream', async () => {
    const silent = await silentPort();
    const { port, errors } = await relayTo(silent, { limits: { connectTimeoutMs: 50 } });
    const socket = client(port);
    socket.end();
    expect((await buffer(socket)).length).toBe(0);
    expect(errors).toEqual([expect.objectContaining({ message: expect.stringContaining('within 50 ms') })]);
  });

  test('has only so many connections, and says once that it is full', async () => {
    const { port, errors, connections } = await relayTo((await upstreamServer(echo)).port, {
      limits: { maxConnections: 2 },
    });
    const kept = [client(port), client(port)];
    await waitFor(() => connections.size === 2, { what: 'two are carried', intervalMs: 5 });
    for (const late of [client(port, false), client(port, false)]) await endOf(late.resume());
    expect(errors).toEqual([expect.any(TcpRelayFull)]);
    kept[0]?.write('hello');
    expect(String(await once(kept[0] ?? client(port), 'data'))).toBe('hello');
  });

  test('tells that a proof took too long', async () => {
    const { port, errors } = await relayTo(9, {
      prover: { prove: () => new Promise(() => undefined) },
      access: realistic(),
      limits: { proofTimeoutMs: 20 },
    });
    await endOf(client(port).resume().end());
    expect(errors).toEqual([expect.any(ProofTimedOut)]);
  });

  test('that is closed ends all it has and takes no more', async () => {
    const { relay, port, connections } = await relayTo((await upstreamServer(echo)).port);
    const socket = client(port);
    const end = endOf(socket);
    await waitFor(() => connections.size === 1, { what: 'one is carried', intervalMs: 5 });
    await relay.close();
    expect(await end).toBe('ECONNRESET');
    expect(relay.address).toBeUndefined();
    await waitFor(() => connections.size === 0, { what: 'nothing is carried', intervalMs: 5 });
    expect(await endOf(client(port))).toBe('ECONNREFUSED');
    await relay.close();
  });

  test('that is closed ends handshakes, too', async () => {
    const { files } = await tlsFiles();
    const { relay, port } = await relayTo(9, {}, files);
    const socket = client(port, false);
    await new Promise<void>((resolve) => void socket.write(Buffer.from([22, 3, 1]), () => resolve()));
    const end = endOf(socket.resume());
    await relay.close();
    await end;
    expect(relay.address).toBeUndefined();
  });

  test('says what to do where it cannot listen', async () => {
    const { port } = await relayTo(9);
    const listening = { host: '127.0.0.1', port };
    const again = relayTo(9, { relay: { listen: listening, resource: 'db', upstream: listening } });
    await expect(again).rejects.toThrow(/is in use by another process: name another one under tcp\[\]\.listen/);
    await expect(again).rejects.toBeInstanceOf(ListenFailed);
  });
});

/** Admits only who is proved. */
function realistic(): TcpRelayServerOptions['access'] {
  return {
    admit: (identity) =>
      identity.outcome === 'proved' ? ADMITTED : { outcome: 'denied', asker: {}, reasons: identity.reasons },
  };
}

/** Whether a socket's buffer stopped moving since it was asked last. */
const lastSeen = new WeakMap<Socket, { length: number; times: number }>();
function isSettled(socket: Socket): boolean {
  const length = socket.writableLength;
  const { length: before, times } = lastSeen.get(socket) ?? { length: -1, times: 0 };
  lastSeen.set(socket, { length, times: before === length ? times + 1 : 0 });
  return length > 0 && before === length && times >= 10;
}

/** A port whose server accepts nothing, and whose queue is full: whoever connects hears nothing. */
async function silentPort(): Promise<number> {
  const worker = new Worker(
    `const { parentPort } = require('node:worker_threads');
    const server = require('node:net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
      parentPort.postMessage(server.address().port);
      setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0));
    });`,
    { eval: true },
  );
  cleanups.push(() => worker.terminate());
  const [port] = (await once(worker, 'message')) as [number];
  const waiting = Array.from({ length: 4 }, () => client(port).on('error', () => undefined));
  await waitFor(() => waiting.filter(({ connecting }) => !connecting).length === 2, { what: 'its queue is full' });
  return port;
}
