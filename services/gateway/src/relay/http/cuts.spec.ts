import { once } from 'node:events';
import { request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { waitFor } from '@stance/testing';
import { WebSocket, WebSocketServer } from 'ws';
import { ask, DEVICE, INFECTED, RawClient, Rigs, type Rig } from './fixtures/rig.js';

const rigs = new Rigs();
const clients = new Set<WebSocket>();
afterEach(async () => {
  for (const client of clients) client.terminate();
  clients.clear();
  await rigs.stop();
});

/** Applications that speak WebSocket, each with its own path, behind one relay. */
async function webSocketRig(paths: readonly string[] = ['wiki'], limits = {}) {
  const server = new WebSocketServer({ noServer: true });
  const application = await rigs.application(
    (_request, response) => void response.end('ok'),
    (request, socket) => {
      server.handleUpgrade(request, socket, Buffer.alloc(0), (ws) => {
        ws.on('message', (data: Buffer, isBinary) => ws.send(data, { binary: isBinary }));
        ws.on('error', () => undefined);
      });
    },
  );
  const routes = (upstream: string) => paths.map((name) => ({ path: `/${name}/`, resource: name, upstream }));
  const rig = await rigs.relay(application, { routes, limits });
  return { ...rig, server };
}

interface Closed {
  readonly code: number;
  readonly reason: string;
}

/** A WebSocket through the relay, open; `closed` is how it ends. */
async function openWebSocket({ relay }: Rig, device = 'laptop-1', resource = 'wiki') {
  const ws = new WebSocket(`${relay.url.replace('http', 'ws')}/${resource}/socket`, { headers: { [DEVICE]: device } });
  clients.add(ws);
  const closed = new Promise<Closed>((resolve) => {
    ws.once('close', (code, reason) => resolve({ code, reason: reason.toString() }));
  });
  ws.on('error', () => undefined);
  await once(ws, 'open');
  return { ws, closed };
}

describe('a WebSocket', () => {
  test('is carried both ways, text and bytes of any size', async () => {
    const rig = await webSocketRig();
    const { ws } = await openWebSocket(rig);
    for (const message of [
      Buffer.from('hello'),
      Buffer.alloc(70_000, 7),
      Buffer.alloc(2_000_000, 9),
      Buffer.alloc(0),
    ]) {
      ws.send(message);
      const [echoed] = (await once(ws, 'message')) as [Buffer];
      expect(echoed.equals(message)).toBe(true);
    }
    expect(rig.live.has('laptop-1 wiki')).toBe(true);
  });

  test('that is cut hears why, and its upstream connection is destroyed', async () => {
    // A client that answers is not waited for any longer: this farewell would outlast the test.
    const rig = await webSocketRig(['wiki'], { farewellMs: 120_000 });
    const { closed } = await openWebSocket(rig);
    expect(rig.revoke('laptop-1')).toBe(1);
    await expect(closed).resolves.toEqual({ code: 1008, reason: INFECTED.message });
    await waitFor(() => rig.application.sockets.size === 0, { what: 'the upstream connection is destroyed' });
    expect(rig.left).toEqual([]);
  });

  test('that is cut as the gateway stops hears that it goes away', async () => {
    const rig = await webSocketRig();
    const { closed } = await openWebSocket(rig);
    for (const grantId of [...rig.live.ids()]) rig.live.cut(grantId, { cause: 'closing', reasons: [] });
    await expect(closed).resolves.toEqual({ code: 1001, reason: 'The gateway stops.' });
  });

  test('of a device that is not let in gets the denial, and no connection to the application', async () => {
    const rig = await webSocketRig();
    rig.infected.add('laptop-1');
    const ws = new WebSocket(`${rig.relay.url.replace('http', 'ws')}/wiki/`, { headers: { [DEVICE]: 'laptop-1' } });
    const [, response] = (await once(ws, 'unexpected-response')) as [ClientRequest, IncomingMessage];
    expect(response.statusCode).toBe(403);
    expect(rig.denials.get(String(response.headers['x-stance-denial']))?.reasons).toEqual([INFECTED]);
    expect(rig.application.requests).toHaveLength(0);
    ws.on('error', () => undefined).terminate();
  });

  test('that ends by itself is not live any more, whichever side ends it', async () => {
    const rig = await webSocketRig();
    const first = await openWebSocket(rig);
    first.ws.close(4000, 'done');
    await expect(first.closed).resolves.toEqual({ code: 4000, reason: 'done' });
    const second = await openWebSocket(rig);
    for (const ws of rig.server.clients) ws.close(4001, 'enough');
    await expect(second.closed).resolves.toEqual({ code: 4001, reason: 'enough' });
    const third = await openWebSocket(rig);
    for (const socket of rig.application.sockets) socket.resetAndDestroy();
    await expect(third.closed).resolves.toMatchObject({ code: 1006 });
    await waitFor(() => rig.live.size === 0, { what: 'nothing is live' });
    await waitFor(() => rig.application.sockets.size === 0, { what: 'nothing is open upstream' });
    expect(rig.left).toContain('laptop-1 wiki');
  });

  test('whose client vanishes is closed upstream', async () => {
    const rig = await webSocketRig();
    const { ws } = await openWebSocket(rig);
    ws.terminate();
    await waitFor(() => rig.live.size === 0, { what: 'nothing is live' });
    await waitFor(() => rig.application.sockets.size === 0, { what: 'nothing is open upstream' });
    expect(rig.left).toEqual(['laptop-1 wiki']);
  });

  test('is cut as long as its upstream has not answered', async () => {
    const application = await rigs.application(
      () => undefined,
      (_request, socket) => void socket.resume(),
    );
    const rig = await rigs.relay(application);
    const client = await RawClient.to(rig.relay.url);
    client.send(...upgradeLines('/'));
    await waitFor(() => application.requests.length === 1, { what: 'the upstream is asked' });
    expect(rig.revoke('laptop-1')).toBe(1);
    await waitFor(() => client.isClosed && application.sockets.size === 0, { what: 'both sides are closed' });
    expect(client.received).toBe('');
  });
});

function upgradeLines(path: string, device = 'laptop-1'): string[] {
  const key = ['Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', 'Sec-WebSocket-Version: 13'];
  return [
    `GET ${path} HTTP/1.1`,
    'Host: a',
    `${DEVICE}: ${device}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    ...key,
    '',
    '',
  ];
}

describe('a cut in the stream of an application', () => {
  /** An upstream that says yes to an upgrade, and then sends what the test gives it. */
  async function openRaw(limits = {}) {
    let upstream: Socket | undefined;
    const application = await rigs.application(
      () => undefined,
      (_request, socket) => {
        upstream = socket;
        socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
      },
    );
    const rig = await rigs.relay(application, { limits });
    const client = await RawClient.to(rig.relay.url);
    client.send(...upgradeLines('/'));
    await waitFor(() => client.received.endsWith('\r\n\r\n'), { what: 'the WebSocket is open' });
    const head = client.received.length;
    const arrived = (bytes: number) =>
      waitFor(() => client.received.length - head === bytes, { what: `${bytes} bytes have come`, intervalMs: 2 });
    if (upstream === undefined) throw new Error('the upstream was not asked');
    return { rig, client, upstream, arrived, body: () => client.received.slice(head) };
  }

  const FRAGMENT = Buffer.concat([Buffer.of(0x01, 5), Buffer.from('hello')]);
  const CLOSE = `\x88\x1b\x03\xf0${INFECTED.message}`;

  test('between two fragments of a message ends with a Close frame', async () => {
    const { rig, client, upstream, arrived, body } = await openRaw();
    upstream.write(FRAGMENT);
    await arrived(7);
    rig.revoke('laptop-1');
    await waitFor(() => client.isClosed, { what: 'the client is cut' });
    expect(body()).toBe(`\x01\x05hello${CLOSE}`);
  });

  test.each([1, 2, 3, 6])('after %d bytes of a frame of seven ends there', async (sent) => {
    const { rig, client, upstream, arrived, body } = await openRaw();
    upstream.write(FRAGMENT.subarray(0, sent));
    await arrived(sent);
    rig.revoke('laptop-1');
    await waitFor(() => client.isClosed, { what: 'the client is cut' });
    expect(body()).toHaveLength(sent);
  });

  test("after the application's own Close adds no other", async () => {
    const { rig, client, upstream, arrived, body } = await openRaw();
    upstream.write(Buffer.of(0x88, 2, 0x03, 0xe8));
    await arrived(4);
    rig.revoke('laptop-1');
    await waitFor(() => client.isClosed, { what: 'the client is cut' });
    expect(body()).toBe('\x88\x02\x03\xe8');
  });

  test('to a client that does not read is over soon; upstream at once', async () => {
    const { rig, client, upstream, arrived } = await openRaw({ farewellMs: 300 });
    await arrived(0);
    client.socket.pause();
    const frame = Buffer.concat([Buffer.of(0x82, 127, 0, 0, 0, 0, 0, 0x10, 0, 0), Buffer.alloc(0x10_00_00)]);
    const fill = () => {
      while (upstream.write(frame));
    };
    upstream.on('drain', fill);
    fill();
    await waitFor(() => upstream.writableLength > 0 && rig.live.size === 1, { what: 'nothing more goes through' });
    const began = performance.now();
    rig.revoke('laptop-1');
    await waitFor(() => upstream.closed, { what: 'the upstream is cut' });
    await waitFor(() => rig.relay.connections === 0, { what: 'the client is cut' });
    expect(performance.now() - began).toBeLessThan(20_000);
    client.socket.destroy();
  });

  test('to a client that reads but does not close is over within a second', async () => {
    const { rig, client } = await openRaw({ farewellMs: 100 });
    client.socket.allowHalfOpen = true;
    rig.revoke('laptop-1');
    await waitFor(() => client.received.endsWith(CLOSE), { what: 'the Close has come' });
    await waitFor(() => rig.relay.connections === 0, { what: 'the client is cut' });
    expect(rig.live.size).toBe(0);
  });
});

test('of 400 WebSockets of two resources the 200 of one are cut at once, and the others stay open', async () => {
  const rig = await webSocketRig(['wiki', 'payroll']);
  const open = (resource: string) =>
    Promise.all(Array.from({ length: 200 }, () => openWebSocket(rig, 'laptop-1', resource)));
  const [wiki, payroll] = [await open('wiki'), await open('payroll')];
  expect(rig.live.size).toBe(400);
  expect(rig.revoke('laptop-1', 'payroll')).toBe(200);
  const ends = await Promise.all(payroll.map(({ closed }) => closed));
  expect(new Set(ends.map(({ code, reason }) => `${code} ${reason}`))).toEqual(new Set([`1008 ${INFECTED.message}`]));
  expect(rig.live.size).toBe(200);
  await Promise.all(
    wiki.map(async ({ ws }) => {
      ws.send('still here');
      const [echoed] = (await once(ws, 'message')) as [Buffer];
      expect(echoed.toString()).toBe('still here');
    }),
  );
});

/** A request is over, however it ends. */
async function closing(request: ClientRequest): Promise<void> {
  await new Promise<void>((resolve) => void request.once('close', () => resolve()));
}

describe('an exchange', () => {
  /** A request through the relay, whose response is not read by itself. */
  function send({ relay }: Rig, options: { method?: string; headers?: Record<string, string> } = {}) {
    const request = httpRequest(relay.url, { ...options, headers: { [DEVICE]: 'laptop-1', ...options.headers } });
    request.on('error', () => undefined);
    return request;
  }

  test('of server-sent events is carried as they come, and cut', async () => {
    const rig = await rigs.relay((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: 1\n\n');
    });
    const request = send(rig);
    request.end();
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    const [first] = (await once(response, 'data')) as [Buffer];
    expect(first.toString()).toBe('data: 1\n\n');
    expect(rig.revoke('laptop-1')).toBe(1);
    await expect(once(response, 'end')).rejects.toMatchObject({ code: 'ECONNRESET' });
    await waitFor(() => rig.application.sockets.size === 0, { what: 'the upstream connection is destroyed' });
    expect(rig.live.size).toBe(0);
    expect(rig.left).toEqual([]);
  });

  test('that is a long download is cut in the middle, also for a client that reads slowly', async () => {
    const rig = await rigs.relay((_request, response) => {
      response.writeHead(200, { 'content-length': 1_000_000_000 });
      const fill = () => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536)));
      };
      response.on('drain', fill);
      fill();
    });
    const request = send(rig);
    request.end();
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    let bytes = 0;
    response.on('data', (chunk: Buffer) => (bytes += chunk.length));
    await waitFor(() => bytes > 1_000_000, { what: 'the download is under way' });
    expect(rig.revoke('laptop-1')).toBe(1);
    await expect(once(response, 'end')).rejects.toMatchObject({ code: 'ECONNRESET' });
    await waitFor(() => rig.application.sockets.size === 0, { what: 'the upstream connection is destroyed' });
    expect(bytes).toBeLessThan(1_000_000_000);
  });

  test('that is an upload is cut in the middle', async () => {
    let received = 0;
    let isAborted = false;
    const rig = await rigs.relay((request) => {
      request.on('data', (chunk: Buffer) => (received += chunk.length)).on('error', () => (isAborted = true));
    });
    const request = send(rig, { method: 'PUT', headers: { 'content-length': '1000000000' } });
    const closed = closing(request);
    request.write(Buffer.alloc(200_000));
    await waitFor(() => received === 200_000, { what: 'the upload is under way' });
    expect(rig.revoke('laptop-1')).toBe(1);
    await closed;
    await waitFor(() => isAborted, { what: 'the application sees it broken off' });
  });

  test('that is cut is followed by the denial page', async () => {
    const rig = await rigs.relay(() => undefined);
    const request = send(rig);
    const closed = closing(request);
    request.end();
    await waitFor(() => rig.application.requests.length === 1, { what: 'the application is asked' });
    rig.revoke('laptop-1');
    await closed;
    const reply = await ask(rig.relay.url, '/', { headers: ['Accept', 'text/html'] });
    expect(reply.status).toBe(403);
    expect(reply.body).toContain(INFECTED.message);
    expect(reply.headers['content-type']).toContain('text/html');
  });

  test('is registered from its admission, also before the application is reached', async () => {
    let live = 0;
    const rig: Rig = await rigs.relay((_request, response) => {
      live = rig.live.size;
      response.end('ok');
    });
    await ask(rig.relay.url);
    expect(live).toBe(1);
    await waitFor(() => rig.live.size === 0, { what: 'the exchange is over' });
    expect(rig.left).toEqual(['laptop-1 wiki']);
  });
});
