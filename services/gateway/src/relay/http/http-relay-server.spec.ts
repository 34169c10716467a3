import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { Agent, createServer, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as TlsAgent, createServer as createTlsServer, request as httpsRequest } from 'node:https';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { buffer, text } from 'node:stream/consumers';
import type { TLSSocket } from 'node:tls';
import { afterEach, describe, expect, test } from '@jest/globals';
import { deviceContent, freePort, temporaryFolder, TestAuthority, waitFor } from '@stance/testing';
import { WebSocket, WebSocketServer } from 'ws';
import { ListenFailed } from '../../listen.js';
import { ListenerTlsUnusable } from '../../listener-tls.js';
import { ask, DEVICE, identityOf, INFECTED, RawClient, Rigs } from './fixtures/rig.js';
import type { HttpExchange } from './http-exchange.js';
import { RELAY_LIMITS } from './limits.js';

/** A request for a WebSocket. */
const UPGRADE = [
  'GET / HTTP/1.1',
  'Host: a',
  `${DEVICE}: laptop-1`,
  'Connection: Upgrade',
  'Upgrade: websocket',
  '',
  '',
];

const rigs = new Rigs();
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  await rigs.stop();
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

describe('a relay', () => {
  test('carries what a device that is let in asks, and what it is answered', async () => {
    const { relay, application } = await rigs.relay((request, response) => {
      response.writeHead(201, 'Made', { 'X-Made': 'here', 'Set-Cookie': ['a=1', 'b=2'], 'Keep-Alive': 'timeout=9' });
      request.pipe(response);
    });
    const reply = await ask(relay.url, '/page?x=1', { method: 'POST', body: 'Grüße', headers: ['X-A', 'b'] });
    expect(reply).toMatchObject({
      status: 201,
      body: 'Grüße',
      headers: { 'x-made': 'here', 'set-cookie': ['a=1', 'b=2'] },
    });
    expect(reply.headers['keep-alive']).not.toBe('timeout=9');
    expect(application.requests[0]).toMatchObject({
      url: '/page?x=1',
      method: 'POST',
      headers: {
        host: new URL(relay.url).host,
        'x-a': 'b',
        'x-stance-device': 'laptop-1',
        'x-stance-decision': 'allow; policy=3; posture=7',
        'x-forwarded-for': '127.0.0.1',
        'x-forwarded-proto': 'http',
        'x-forwarded-host': new URL(relay.url).host,
      },
    });
    expect(application.requests[0]?.headers).not.toHaveProperty(DEVICE);
  });

  test('carries a body without a length, both ways', async () => {
    const { relay } = await rigs.relay((request, response) => void request.pipe(response));
    const { port } = new URL(relay.url);
    const request = httpRequest({
      port,
      method: 'PUT',
      headers: { [DEVICE]: 'laptop-1', 'transfer-encoding': 'chunked' },
    });
    const sent = Buffer.alloc(5_000_000, 'abc');
    request.end(sent);
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    expect((await buffer(response)).equals(sent)).toBe(true);
  });

  test.each([
    ['HEAD', 200],
    ['GET', 204],
    ['GET', 304],
    ['DELETE', 200],
    ['OPTIONS', 200],
    ['PROPFIND', 207],
  ])('carries %s with the answer %d', async (method, status) => {
    const { relay, application } = await rigs.relay((_request, response) => {
      response.writeHead(status, { etag: '"1"' }).end();
    });
    await expect(ask(relay.url, '/', { method })).resolves.toMatchObject({ status, headers: { etag: '"1"' } });
    expect(application.requests[0]?.method).toBe(method);
  });

  test('answers a client of HTTP/1.0 in its way', async () => {
    const { relay } = await rigs.relay((_request, response) => {
      response.write('o');
      response.end('k');
    });
    const client = await RawClient.to(relay.url);
    client.send('GET / HTTP/1.0', 'Host: a', `${DEVICE}: laptop-1`, '', '');
    await waitFor(() => client.isClosed, { what: 'the connection is closed' });
    expect(client.received).toMatch(/^HTTP\/1\.1 200 /);
    expect(client.received.endsWith('\r\n\r\nok')).toBe(true);
  });

  test('sends each route to its own resource and upstream', async () => {
    const payroll = await rigs.application((_request, response) => void response.end('payroll'));
    const { relay, admitted } = await rigs.relay((_request, response) => void response.end('wiki'), {
      routes: (wiki) => [
        { host: 'payroll.example.org', path: '/', resource: 'payroll', upstream: payroll.url },
        { path: '/wiki/', resource: 'wiki', upstream: wiki },
      ],
    });
    const { port } = new URL(relay.url);
    const asked = httpRequest({ port, path: '/x', headers: { host: 'payroll.example.org', [DEVICE]: 'laptop-1' } });
    asked.end();
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    expect(await text(response)).toBe('payroll');
    await expect(ask(relay.url, '/wiki/x')).resolves.toMatchObject({ status: 200, body: 'wiki' });
    await expect(ask(relay.url, '/other')).resolves.toMatchObject({ status: 404 });
    expect(admitted).toEqual(['laptop-1 payroll', 'laptop-1 wiki']);
  });

  test('asks for a body only when the device is let in', async () => {
    const { relay, infected } = await rigs.relay((request, response) => void request.pipe(response));
    const head = ['POST / HTTP/1.1', 'Host: a', `${DEVICE}: laptop-1`, 'Content-Length: 5', 'Expect: 100-continue'];
    const client = await RawClient.to(relay.url);
    client.send(...head, 'Connection: close', '', '');
    await waitFor(() => client.received === 'HTTP/1.1 100 Continue\r\n\r\n', { what: 'the body is asked for' });
    client.send('hello');
    await waitFor(() => client.isClosed, { what: 'it is answered' });
    expect(client.received).toMatch(/200 OK[^]*hello/);
    infected.add('laptop-1');
    const denied = await RawClient.to(relay.url);
    denied.send(...head, '', '');
    await waitFor(() => denied.isClosed, { what: 'it is denied' });
    expect(denied.received).toMatch(/^HTTP\/1\.1 403 /);
  });

  test('refuses expectations that it does not know', async () => {
    const { relay, application } = await rigs.relay();
    await expect(ask(relay.url, '/', { headers: ['Expect', 'magic'] })).resolves.toMatchObject({ status: 417 });
    expect(application.requests).toHaveLength(0);
  });

  test('says of itself how many clients it has, and where it listens', async () => {
    const { relay } = await rigs.relay();
    expect(relay.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    const client = await RawClient.to(relay.url);
    await waitFor(() => relay.connections === 1, { what: 'the client is there' });
    client.socket.destroy();
    await waitFor(() => relay.connections === 0, { what: 'the client is gone' });
  });
});

describe('every request is judged anew', () => {
  test('on a connection that is kept', async () => {
    const { relay, infected, application } = await rigs.relay();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    cleanups.push(() => agent.destroy());
    const status = async () => {
      const request = httpRequest(relay.url, { agent, headers: { [DEVICE]: 'laptop-1' } });
      request.end();
      const [response] = (await once(request, 'response')) as [IncomingMessage];
      await text(response);
      return [response.statusCode, request.reusedSocket];
    };
    expect(await status()).toEqual([200, false]);
    expect(await status()).toEqual([200, true]);
    infected.add('laptop-1');
    expect(await status()).toEqual([403, true]);
    expect(application.requests).toHaveLength(2);
  });

  test('and one that proves no device gets 401, as JSON or as a page', async () => {
    const { relay, application } = await rigs.relay();
    const program = await ask(relay.url, '/', { device: undefined });
    expect(program).toMatchObject({ status: 401, headers: { 'content-type': 'application/json' } });
    const person = await ask(relay.url, '/', { device: undefined, headers: ['Accept', 'text/html'] });
    expect(person.headers['content-type']).toContain('text/html');
    expect(application.requests).toHaveLength(0);
  });

  test('and one whose body nobody wants ends its connection', async () => {
    const { relay, infected } = await rigs.relay();
    infected.add('laptop-1');
    const reply = await ask(relay.url, '/', { method: 'POST', body: Buffer.alloc(100_000) });
    expect(reply).toMatchObject({ status: 403, headers: { connection: 'close' } });
    const small = await ask(relay.url, '/', { method: 'POST', body: 'x' });
    expect(JSON.parse(small.body)).toMatchObject({ effect: 'deny', reasons: [INFECTED] });
  });

  test('with proofs that take a while, and nobody is let in who has left meanwhile', async () => {
    let prove: (() => void) | undefined;
    const rig = await rigs.relay(undefined, {
      prover: {
        prove: (evidence) => new Promise((resolve) => void (prove = () => resolve(identityOf(evidence)))),
      },
    });
    const first = ask(rig.relay.url);
    await waitFor(() => prove, { what: 'the proof is asked for' });
    prove?.();
    await expect(first).resolves.toMatchObject({ status: 200 });
    prove = undefined;
    const client = await RawClient.to(rig.relay.url);
    client.send('GET / HTTP/1.1', 'Host: a', `${DEVICE}: laptop-2`, '', '');
    const proving = await waitFor(() => prove, { what: 'the proof is asked for' });
    client.socket.destroy();
    await waitFor(() => rig.relay.connections === 0, { what: 'the client has left' });
    proving();
    await Promise.resolve();
    expect(rig.admitted).toEqual(['laptop-1 wiki']);
  });

  test.each([
    [
      'the proof throws',
      {
        prover: {
          prove: () => {
            throw new Error('broken');
          },
        },
      },
    ],
    ['the proof fails', { prover: { prove: () => Promise.reject(new Error('broken')) } }],
    [
      'the proof takes too long',
      { limits: { proofMs: 20 }, prover: { prove: () => new Promise<never>(() => undefined) } },
    ],
    [
      'the decision throws',
      {
        access: {
          admit: () => {
            throw new Error('broken');
          },
        },
      },
    ],
  ])('and denied where %s', async (_what, overrides) => {
    const { relay, application, errors } = await rigs.relay(undefined, overrides);
    const reply = await ask(relay.url);
    expect(reply.status).toBe(403);
    expect(reply.body).toContain('evaluation-error');
    expect(errors).toEqual([
      expect.objectContaining({ message: expect.stringMatching(/broken|no proof within 20 ms/) }),
    ]);
    expect(application.requests).toHaveLength(0);
  });

  test('and its connection closed where even the denial fails', async () => {
    const { relay, application } = await rigs.relay(undefined, {
      answerDenial: () => {
        throw new Error('broken');
      },
    });
    await expect(ask(relay.url, '/', { device: undefined })).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(application.requests).toHaveLength(0);
  });
});

describe('an upstream', () => {
  const behind = (upstream: string) => ({ routes: () => [{ path: '/', resource: 'wiki', upstream }] });

  test('that is down is 502, told once, and told again after it was up', async () => {
    const port = await freePort();
    const { relay, errors, live } = await rigs.relay(undefined, behind(`http://127.0.0.1:${port}`));
    await expect(ask(relay.url)).resolves.toMatchObject({
      status: 502,
      headers: { 'content-type': 'application/json' },
    });
    const person = await ask(relay.url, '/', { headers: ['Accept', 'text/html'] });
    expect(person.body).toContain('<h1>Not available</h1>');
    expect(errors).toMatchObject([{ name: 'UpstreamFailed' }]);
    const server = createServer((_request, response) => void response.end('up'));
    await new Promise<void>((resolve) => void server.listen(port, '127.0.0.1', resolve));
    await expect(ask(relay.url)).resolves.toMatchObject({ status: 200, body: 'up' });
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await expect(ask(relay.url)).resolves.toMatchObject({ status: 502 });
    expect(errors).toHaveLength(2);
    await waitFor(() => live.size === 0, { what: 'nothing is live' });
  });

  test('that cannot be connected to in time is 504', async () => {
    // It takes connections and never begins TLS.
    const server = createTcpServer();
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    cleanups.push(() => server.close());
    const { port } = server.address() as AddressInfo;
    const rig = await rigs.relay(undefined, { ...behind(`https://127.0.0.1:${port}`), limits: { connectMs: 50 } });
    await expect(ask(rig.relay.url)).resolves.toMatchObject({ status: 504 });
  });

  test('that does not answer in time is 504', async () => {
    const { relay, application } = await rigs.relay(() => undefined, { limits: { idleMs: 500 } });
    await expect(ask(relay.url)).resolves.toMatchObject({ status: 504 });
    await waitFor(() => application.sockets.size === 0, { what: 'it is not waited for any more' });
  });

  test('that does not answer an upgrade in time is 504', async () => {
    const application = await rigs.application(
      () => undefined,
      (_request, socket) => void socket.resume(),
    );
    const { relay } = await rigs.relay(application, { limits: { upgradeMs: 50 } });
    const client = await RawClient.to(relay.url);
    client.send(...UPGRADE);
    await waitFor(() => client.isClosed, { what: 'it is answered' });
    expect(client.received).toMatch(/^HTTP\/1\.1 504 /);
    await waitFor(() => application.sockets.size === 0, { what: 'it is not waited for any more' });
  });

  test('that does not want a WebSocket is heard', async () => {
    const application = await rigs.application(
      () => undefined,
      (_request, socket) => {
        socket.end('HTTP/1.1 426 Upgrade Required\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno');
      },
    );
    const { relay, live } = await rigs.relay(application);
    const client = await RawClient.to(relay.url);
    client.send(...UPGRADE);
    await waitFor(() => client.isClosed, { what: 'it is answered' });
    expect(client.received).toMatch(/^HTTP\/1\.1 426 [^]*no$/);
    await waitFor(() => live.size === 0, { what: 'nothing is live' });
  });

  test('that breaks off breaks off for the client too', async () => {
    const { relay } = await rigs.relay((_request, response) => {
      response.writeHead(200, { 'content-length': 10 });
      response.write('12345', () => response.socket?.destroy());
    });
    await expect(ask(relay.url)).rejects.toMatchObject({ code: 'ECONNRESET' });
  });

  test('that closes the kept connection just then is asked once more, if that does no harm', async () => {
    let closes = 0;
    const rig = await rigs.relay((request, response) => {
      if (request.url === '/closing' && closes++ === 0) request.socket.destroy();
      else response.end('ok');
    });
    await ask(rig.relay.url, '/');
    await expect(ask(rig.relay.url, '/closing')).resolves.toMatchObject({ status: 200, body: 'ok' });
    closes = 0;
    await ask(rig.relay.url, '/');
    await expect(ask(rig.relay.url, '/closing', { method: 'POST', body: 'x' })).resolves.toMatchObject({ status: 502 });
  });
});

describe('slow and too many clients are bounded:', () => {
  const head = ['POST / HTTP/1.1', 'Host: a', `${DEVICE}: laptop-1`];

  test.each([
    ['headers that do not come', { headersMs: 100 }, ['GET / HTTP/1.1', 'Host: a', '']],
    ['nothing at all', { headersMs: 100 }, []],
    ['a body that does not come', { bodyMs: 50 }, [...head, 'Content-Length: 10', '', 'abc']],
    ['a chunk that does not come', { bodyMs: 50 }, [...head, 'Transfer-Encoding: chunked', '', '5', 'ab']],
  ])('%s', async (_what, limits, lines) => {
    const application = await rigs.application((request, response) => {
      request.resume().on('end', () => response.end());
    });
    const rig = await rigs.relay(application, { limits });
    const client = await RawClient.to(rig.relay.url);
    client.send(...lines);
    await waitFor(() => client.isClosed, { what: 'the connection is closed' });
    await waitFor(() => rig.live.size === 0, { what: 'nothing is live' });
    expect(client.received).not.toContain('200 OK');
  });

  test('a client that does not read', async () => {
    const rig = await rigs.relay((_request, response) => void response.end(Buffer.alloc(50_000_000)), {
      limits: { idleMs: 200 },
    });
    const client = await RawClient.to(rig.relay.url);
    client.socket.pause();
    client.send('GET / HTTP/1.1', 'Host: a', `${DEVICE}: laptop-1`, '', '');
    await waitFor(() => rig.admitted.length === 1, { what: 'the download is under way' });
    await waitFor(() => rig.live.size === 0 && rig.relay.connections === 0, { what: 'it is given up' });
    expect(rig.left).toEqual(['laptop-1 wiki']);
    client.socket.destroy();
  });

  test('but not a client whose body the application does not take', async () => {
    let take: (() => void) | undefined;
    const application = await rigs.application((request, response) => {
      take = () => void request.pipe(response);
    });
    const rig = await rigs.relay(application, { limits: { bodyMs: 3_000 } });
    const answer = ask(rig.relay.url, '/', { method: 'PUT', body: Buffer.alloc(30_000_000) });
    await waitFor(() => take, { what: 'the application is asked' });
    const [exchange] = rig.live.all() as Iterable<HttpExchange>;
    // As long as this limit holds, a connection that TCP itself keeps waiting after a loss could fall to it.
    const isLifted = () => exchange?.request.socket.timeout === RELAY_LIMITS.idleMs;
    await waitFor(isLifted, { what: 'the limit of bodies has passed, and it is not held against the client' });
    take?.();
    await expect(answer).resolves.toMatchObject({ status: 200 });
  });

  test('a WebSocket on which nothing passes', async () => {
    const application = await rigs.application(
      () => undefined,
      (_request, socket) => {
        socket.resume().write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
      },
    );
    const rig = await rigs.relay(application, { limits: { webSocketIdleMs: 50 } });
    const client = await RawClient.to(rig.relay.url);
    client.send(...UPGRADE);
    await waitFor(() => client.isClosed && application.sockets.size === 0, { what: 'both sides are closed' });
    expect(client.received).toMatch(/^HTTP\/1\.1 101 /);
    await waitFor(() => rig.live.size === 0, { what: 'nothing is live' });
  });

  test('a WebSocket of which only one half is ended', async () => {
    const application = await rigs.application(
      () => undefined,
      (_request, socket) => {
        socket.resume().write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
      },
    );
    const rig = await rigs.relay(application, { limits: { halfOpenMs: 50 } });
    const client = await RawClient.to(rig.relay.url);
    client.socket.allowHalfOpen = true;
    client.send(...UPGRADE);
    await waitFor(() => client.received.includes('101'), { what: 'the WebSocket is open' });
    client.socket.end();
    await waitFor(() => rig.live.size === 0 && rig.relay.connections === 0, { what: 'it is over' });
    expect(rig.left).toEqual(['laptop-1 wiki']);
  });

  test('more connections than there may be', async () => {
    const { relay } = await rigs.relay(undefined, { limits: { connections: 1 } });
    const first = await RawClient.to(relay.url);
    await waitFor(() => relay.connections === 1, { what: 'the first is there' });
    await expect(ask(relay.url)).rejects.toMatchObject({ code: 'ECONNRESET' });
    first.socket.destroy();
    await waitFor(() => relay.connections === 0, { what: 'the first has gone' });
    await expect(ask(relay.url)).resolves.toMatchObject({ status: 200 });
  });
});

describe('with TLS', () => {
  async function tlsRig() {
    const folder = await temporaryFolder();
    cleanups.push(() => folder.remove());
    const authority = TestAuthority.create('Test CA');
    const server = authority.issue({ altNames: [{ dns: 'localhost' }, { ip: '127.0.0.1' }], usage: 'server' });
    const [certificate, key, deviceCa] = ['server.pem', 'server.key', 'ca.pem'].map((name) => join(folder.path, name));
    if (certificate === undefined || key === undefined || deviceCa === undefined) throw new Error('no files');
    await writeFile(certificate, server.certificate);
    await writeFile(key, server.key);
    await writeFile(deviceCa, authority.certificate);
    const listen = { host: '127.0.0.1', port: 0, tls: { certificate, key } };
    return { authority, server, listen, deviceCa };
  }

  test('the certificate of the connection is evidence, also of one that is resumed', async () => {
    const { authority, listen, deviceCa } = await tlsRig();
    const device = authority.issue(deviceContent('laptop-1'));
    const application = await rigs.application((_request, response) => void response.end('ok'));
    const { relay, proved } = await rigs.relay(application, {
      relay: { listen, routes: [{ path: '/', resource: 'wiki', upstream: application.url }] },
      deviceCa,
    });
    const agent = new TlsAgent({ maxCachedSessions: 10, keepAlive: false });
    cleanups.push(() => agent.destroy());
    const resumed: boolean[] = [];
    for (let round = 0; round < 2; round += 1) {
      const request = httpsRequest(relay.url, {
        agent,
        ca: authority.certificate,
        cert: device.certificate,
        key: device.key,
        headers: { [DEVICE]: 'laptop-1' },
      });
      request.end();
      const [response] = (await once(request, 'response')) as [IncomingMessage];
      resumed.push((response.socket as TLSSocket).isSessionReused());
      expect(await text(response)).toBe('ok');
    }
    expect(resumed).toEqual([false, true]);
    for (const { connectionCertificate } of proved) {
      expect(Buffer.from(connectionCertificate ?? []).equals(Buffer.from(device.der))).toBe(true);
    }
    expect(application.requests[0]?.headers['x-forwarded-proto']).toBe('https');
  });

  test('a client without a certificate is answered too, and a cut ends its connection', async () => {
    const { authority, listen, deviceCa } = await tlsRig();
    const application = await rigs.application((_request, response) => void response.write('begun'));
    const rig = await rigs.relay(application, {
      relay: { listen, routes: [{ path: '/', resource: 'wiki', upstream: application.url }] },
      deviceCa,
    });
    const options = { ca: authority.certificate, agent: false };
    const unproved = httpsRequest(rig.relay.url, options);
    unproved.end();
    const [denied] = (await once(unproved, 'response')) as [IncomingMessage];
    expect(denied.statusCode).toBe(401);
    denied.resume();
    const request = httpsRequest(rig.relay.url, { ...options, headers: { [DEVICE]: 'laptop-1' } });
    request.end();
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    await once(response, 'data');
    request.on('error', () => undefined);
    expect(rig.revoke('laptop-1')).toBe(1);
    await expect(once(response, 'end')).rejects.toMatchObject({ code: 'ECONNRESET' });
    await waitFor(() => application.sockets.size === 0, { what: 'the upstream connection is destroyed' });
  });

  test("an upstream's certificate is checked against the upstream's name, whatever Host the client names", async () => {
    const { authority, listen } = await tlsRig();
    const other = authority.issue({ altNames: [{ dns: 'evil.example.org' }], usage: 'server' });
    const server = createTlsServer({ key: other.key, cert: other.certificate }, (_request, response) => {
      response.end('evil');
    });
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    cleanups.push(() => server.close());
    const { port } = server.address() as AddressInfo;
    const upstream = `https://localhost:${port}`;
    const { relay, errors } = await rigs.relay(undefined, {
      routes: () => [{ path: '/', resource: 'wiki', upstream }],
    });
    const request = httpRequest(relay.url, { headers: { host: 'evil.example.org', [DEVICE]: 'laptop-1' } });
    request.end();
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    expect(response.statusCode).toBe(502);
    expect(errors).toMatchObject([{ name: 'UpstreamFailed' }]);
    expect(listen.host).toBe('127.0.0.1');
  });

  test('a WebSocket that is cut hears why', async () => {
    const { authority, listen, deviceCa } = await tlsRig();
    const server = new WebSocketServer({ noServer: true });
    const application = await rigs.application(
      () => undefined,
      (request, socket) => server.handleUpgrade(request, socket, Buffer.alloc(0), () => undefined),
    );
    const rig = await rigs.relay(application, {
      relay: { listen, routes: [{ path: '/', resource: 'wiki', upstream: application.url }] },
      deviceCa,
    });
    const headers = { [DEVICE]: 'laptop-1' };
    const ws = new WebSocket(rig.relay.url.replace('https', 'wss'), { ca: authority.certificate, headers });
    await once(ws, 'open');
    expect(rig.revoke('laptop-1')).toBe(1);
    const [code, reason] = (await once(ws, 'close')) as [number, Buffer];
    expect([code, reason.toString()]).toEqual([1008, INFECTED.message]);
    await waitFor(() => rig.relay.connections === 0, { what: 'the connection is closed' });
  });

  test('files that cannot be used are told at the start', async () => {
    const { listen } = await tlsRig();
    const routes = [{ path: '/', resource: 'wiki', upstream: 'http://127.0.0.1:1' }];
    const broken = { ...listen, tls: { ...listen.tls, key: listen.tls.certificate } };
    await expect(rigs.relay(undefined, { relay: { listen: broken, routes } })).rejects.toThrow(ListenerTlsUnusable);
  });
});

describe('a relay that is closed', () => {
  test('takes nothing more, and lets what it carries end', async () => {
    let finish: (() => void) | undefined;
    const { relay } = await rigs.relay((_request, response) => {
      finish = () => void response.end('done');
    });
    const answer = ask(relay.url);
    await waitFor(() => finish, { what: 'the application is asked' });
    const { url } = relay;
    const closed = relay.close();
    await expect(ask(url)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    finish?.();
    await expect(answer).resolves.toMatchObject({ status: 200, body: 'done' });
    await closed;
  });

  test('cuts what does not end', async () => {
    const { relay, live } = await rigs.relay(() => undefined, { limits: { drainMs: 50, farewellMs: 50 } });
    const answer = ask(relay.url);
    await waitFor(() => live.size === 1, { what: 'the application is asked' });
    const ended = answer.catch((error: unknown) => error);
    await relay.close();
    await expect(ended).resolves.toMatchObject({ code: 'ECONNRESET' });
    expect(live.size).toBe(0);
  });

  test('closed twice, or before it was started, is closed', async () => {
    const { relay } = await rigs.relay();
    await relay.close();
    await expect(relay.close()).resolves.toBeUndefined();
  });

  test('and one that cannot listen says what to do', async () => {
    const { relay } = await rigs.relay();
    const port = Number(new URL(relay.url).port);
    const routes = [{ path: '/', resource: 'wiki', upstream: 'http://127.0.0.1:1' }];
    const taken = rigs.relay(undefined, { relay: { listen: { host: '127.0.0.1', port }, routes } });
    await expect(taken).rejects.toThrow(ListenFailed);
    await expect(taken).rejects.toThrow(/relays\[\]\.listen/);
  });
});
