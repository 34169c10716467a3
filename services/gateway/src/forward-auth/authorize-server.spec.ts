import { once } from 'node:events';
import { Agent, request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import type { SessionRequest, Verdict } from '@stance/gateway-sdk';
import { Access, type AccessOptions, type Asker } from '../access/access.js';
import { Denials } from '../access/denials.js';
import { parseGatewayFile } from '../file/gateway-file.js';
import { createProver } from '../identity/create-prover.js';
import { ListenFailed } from '../listen.js';
import { AuthorizeServer, type AuthorizeServerOptions } from './authorize-server.js';

const ALLOW: Verdict = {
  effect: 'allow',
  allowed: true,
  enforced: true,
  reasons: [],
  revisions: { posture: 7, policy: 3 },
};
const DENY: Verdict = {
  ...ALLOW,
  effect: 'deny',
  allowed: false,
  reasons: [{ code: 'condition-false', message: 'This machine is infected.' }],
};
const LAPTOP = ['X-Stance-Device', 'laptop-1', 'X-Stance-User', 'anna@example.org'];

const servers: AuthorizeServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

interface Serving extends Partial<Pick<AuthorizeServerOptions, 'onError'>> {
  /** Of the gateway file, instead of the proxy at 127.0.0.1 that names device and user in headers. */
  readonly file?: string;
}

const BY_HEADERS = 'trustedProxies: [127.0.0.1]\ndevice: { header: {} }\nuser: { header: {} }';

/** A server on a free port whose gateway answers every question with the same verdict. */
async function serve(
  verdict: Verdict | (() => Verdict),
  { file = BY_HEADERS, onError = () => undefined }: Serving = {},
) {
  const started: SessionRequest[] = [];
  const told: Asker[] = [];
  const decide = jest.fn<AccessOptions['gateway']['decide']>(() =>
    typeof verdict === 'function' ? verdict() : verdict,
  );
  const parsed = parseGatewayFile(`name: edge\nlisten: { port: 0 }\n${file}`, '/');
  const prover = await createProver(parsed, { onTrouble: () => undefined });
  const access = new Access({
    gateway: {
      decide,
      useSession: ({ deviceId }) => started.map(sessionOf).find((session) => session.deviceId === deviceId),
      startSession: (request) => {
        started.push(request);
        return sessionOf(request);
      },
    },
    emergency: { admit: () => undefined },
    lifetimeMs: parsed.sessions.lifetime,
    onReportedDenial: (asker) => void told.push(asker),
  });
  const denials = new Denials('edge');
  const server = new AuthorizeServer({
    file: parsed,
    prover,
    access,
    denials,
    findDenial: (id) => denials.get(id),
    onError,
  });
  await server.start();
  servers.push(server);
  return { server, url: server.url ?? '', decide, started, told };
}

const sessionOf = ({ deviceId, resource, enforcement }: SessionRequest) => ({
  sessionId: 's1',
  deviceId,
  resource,
  enforcement,
  startedAt: 0,
  expiresAt: 1,
});

interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Sends raw headers, duplicates included. */
async function ask(
  url: string,
  path: string,
  headers: readonly string[] = [],
  method = 'GET',
  agent?: Agent,
): Promise<Reply> {
  const request = httpRequest(new URL(url), {
    path,
    method,
    headers: ['Host', 'gateway', ...headers],
    ...(agent !== undefined && { agent }),
  });
  request.end();
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return { status: response.statusCode ?? 0, headers: response.headers, body: await text(response) };
}

describe('/authorize', () => {
  test('lets an allowed request through, says as whom, and opens a session', async () => {
    const { url, started, decide } = await serve(ALLOW);
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const reply = await ask(url, '/authorize/wiki/page?x=1', [...LAPTOP, 'traceparent', traceparent]);
    expect(reply).toMatchObject({
      status: 200,
      body: '',
      headers: {
        'x-stance-device': 'laptop-1',
        'x-stance-user': 'anna@example.org',
        'x-stance-decision': 'allow; policy=3; posture=7',
      },
    });
    const key = { deviceId: 'laptop-1', user: 'anna@example.org', resource: 'wiki' };
    const proof = 'address';
    expect(decide).toHaveBeenCalledWith({ ...key, proof });
    expect(started).toEqual([{ ...key, proof, enforcement: 'next-request', lifetimeMs: 43_200_000, traceparent }]);
  });

  test('lets a user in whose name no header can carry as it is', async () => {
    const denials = new Denials('edge');
    const asker = { deviceId: 'laptop-1', user: 'анна@example.org', resource: 'wiki', proof: 'token' } as const;
    const server = new AuthorizeServer({
      file: parseGatewayFile(`name: edge\nlisten: { port: 0 }\n${BY_HEADERS}`, '/'),
      prover: { prove: () => ({ outcome: 'proved', ...asker }) },
      access: { admit: () => ({ outcome: 'admitted', asker, verdict: ALLOW, grantId: 's1' }) },
      denials,
      findDenial: () => undefined,
      onError: () => undefined,
    });
    await server.start();
    servers.push(server);
    const { status, headers } = await ask(server.url ?? '', '/authorize/wiki');
    const user = Buffer.from(String(headers['x-stance-user']), 'latin1').toString('utf8');
    expect([status, user]).toEqual([200, asker.user]);
  });

  test('says so to the operator when a denial cannot be looked up, and goes on', async () => {
    const onError = jest.fn();
    const server = new AuthorizeServer({
      file: parseGatewayFile(`name: edge\nlisten: { port: 0 }\n${BY_HEADERS}`, '/'),
      prover: { prove: () => ({ outcome: 'unproved', reasons: [] }) },
      access: { admit: () => ({ outcome: 'unproved', asker: {}, reasons: [] }) },
      denials: new Denials('edge'),
      findDenial: () => Promise.reject(new Error('out of order')),
      onError,
    });
    await server.start();
    servers.push(server);
    expect((await ask(server.url ?? '', '/denied/anything')).status).toBe(403);
    expect(onError).toHaveBeenCalledTimes(1);
    expect((await ask(server.url ?? '', '/authorize/wiki')).status).toBe(401);
  });

  test('names the proof of the device that the proxy is said to have', async () => {
    const { url, decide } = await serve(ALLOW, {
      file: 'trustedProxies: [127.0.0.1]\ndevice: { header: { proof: certificate } }\nuser: { header: {} }',
    });
    await ask(url, '/authorize/wiki', LAPTOP);
    expect(decide).toHaveBeenCalledWith(expect.objectContaining({ proof: 'certificate' }));
  });

  test('tells once a session of a device that is let in only because nothing is enforced', async () => {
    const reported: Verdict = {
      ...ALLOW,
      effect: 'deny',
      enforced: false,
      reasons: [{ code: 'no-rule', message: 'No.' }],
    };
    const { url, told } = await serve(reported);
    expect((await ask(url, '/authorize/wiki', LAPTOP)).status).toBe(200);
    expect((await ask(url, '/authorize/wiki', LAPTOP)).headers['x-stance-decision']).toMatch(
      /^deny; .*; enforced=false$/,
    );
    expect(told).toEqual([{ deviceId: 'laptop-1', user: 'anna@example.org', resource: 'wiki', proof: 'address' }]);
  });

  test('opens one session for a crowd of requests', async () => {
    const { url, started } = await serve(ALLOW);
    const agent = new Agent({ keepAlive: true, maxSockets: 20 });
    const replies = await Promise.all(
      Array.from({ length: 200 }, () => ask(url, '/authorize/wiki', LAPTOP, 'GET', agent)),
    );
    agent.destroy();
    expect(replies.every(({ status }) => status === 200)).toBe(true);
    expect(started).toHaveLength(1);
  });

  test.each(['HEAD', 'POST', 'DELETE', 'PROPFIND', 'OPTIONS'])('answers the original method %s', async (method) => {
    const { url } = await serve(ALLOW);
    expect((await ask(url, '/authorize/wiki', LAPTOP, method)).status).toBe(200);
  });

  test.each([
    [
      { ...ALLOW, effect: 'warn', until: '2026-03-02T09:00:00.000Z' } as const,
      'warn; policy=3; posture=7; until=2026-03-02T09:00:00.000Z',
    ],
    [{ ...DENY, allowed: true, enforced: false } as const, 'deny; policy=3; posture=7; enforced=false'],
  ])('says when it lets through what is not simply allowed', async (verdict, header) => {
    const { url } = await serve(verdict);
    const reply = await ask(url, '/authorize/wiki', LAPTOP);
    expect([reply.status, reply.headers['x-stance-decision']]).toEqual([200, header]);
  });

  test('answers 401 where no device is proved', async () => {
    const { url, decide } = await serve(ALLOW);
    const reply = await ask(url, '/authorize/wiki');
    expect(reply.status).toBe(401);
    expect(JSON.parse(reply.body)).toMatchObject({ effect: 'deny', reasons: [{ code: 'identity-missing' }] });
    expect(decide).not.toHaveBeenCalled();
  });

  test('answers 403 with the reasons to a program, under an id that can be looked up', async () => {
    const { url, started } = await serve(DENY);
    const reply = await ask(url, '/authorize/wiki', [...LAPTOP, 'Accept', '*/*']);
    const body = JSON.parse(reply.body);
    expect(reply.status).toBe(403);
    expect(body).toEqual({ effect: 'deny', reasons: DENY.reasons, denialId: reply.headers['x-stance-denial'] });
    const denial = JSON.parse((await ask(url, `/denied/${body.denialId}`)).body);
    expect(denial).toMatchObject({
      deviceId: 'laptop-1',
      resource: 'wiki',
      user: 'anna@example.org',
      reasons: DENY.reasons,
    });
    expect(started).toEqual([]);
  });

  test('answers a person with a page', async () => {
    const { url } = await serve(DENY);
    const accept = ['Accept', 'text/html,application/xhtml+xml,*/*;q=0.8'];
    const reply = await ask(url, '/authorize/wiki', [...LAPTOP, ...accept]);
    expect([reply.status, reply.headers['content-type']]).toEqual([403, 'text/html; charset=utf-8']);
    expect(reply.body).toContain('This machine is infected.');
    const again = await ask(url, `/denied/${String(reply.headers['x-stance-denial'])}`, accept);
    expect([again.status, again.body]).toEqual([200, reply.body]);
  });

  test.each([
    ['a device from a peer that is not listed', BY_HEADERS.replace('127.0.0.1', '192.0.2.1'), LAPTOP],
    ['two devices', BY_HEADERS, [...LAPTOP, 'X-Stance-Device', 'laptop-2']],
    ['a resource of the client', BY_HEADERS, [...LAPTOP, 'X-Stance-Resource', 'git']],
    ['a decision of the client', BY_HEADERS, [...LAPTOP, 'X-Stance-Decision', 'allow']],
    [
      'a second device hidden behind 2,000 headers',
      BY_HEADERS,
      [...LAPTOP, ...Array.from({ length: 2_000 }, () => ['a', '']).flat(), 'X-Stance-Device', 'b'],
    ],
  ])('refuses %s', async (_case, file, headers) => {
    const { url, decide } = await serve(ALLOW, { file });
    const reply = await ask(url, '/authorize/wiki', headers);
    expect(reply.status).toBe(403);
    expect(JSON.parse(reply.body)).toMatchObject({ reasons: [{ code: 'identity-forged' }] });
    expect(decide).not.toHaveBeenCalled();
  });

  test.each([
    ['by path', BY_HEADERS, '/authorize'],
    ['by a path that means two things', BY_HEADERS, '/authorize/wiki%2Fgit'],
    ['by header', `${BY_HEADERS}\nresourceFrom: header`, '/authorize/wiki'],
  ])('denies where the proxy names no resource %s', async (_case, file, path) => {
    const { url, decide } = await serve(ALLOW, { file });
    const reply = await ask(url, path, LAPTOP);
    expect([reply.status, decide.mock.calls.length]).toEqual([403, 0]);
  });

  test('takes the resource from the header where the file says so, whatever the path', async () => {
    const { url, decide } = await serve(ALLOW, { file: `${BY_HEADERS}\nresourceFrom: header` });
    await ask(url, '/authorize/git', [...LAPTOP, 'X-Stance-Resource', 'wiki']);
    expect(decide).toHaveBeenCalledWith(expect.objectContaining({ resource: 'wiki' }));
  });

  test('denies when answering fails, and says so to the operator', async () => {
    const onError = jest.fn();
    const failure = new Error('out of order');
    const { url } = await serve(
      () => {
        throw failure;
      },
      { onError },
    );
    const reply = await ask(url, '/authorize/wiki', LAPTOP);
    expect(reply.status).toBe(403);
    expect(JSON.parse(reply.body)).toMatchObject({ effect: 'deny', reasons: [{ code: 'evaluation-error' }] });
    expect(onError).toHaveBeenCalledWith(failure);
  });
});

describe('the server', () => {
  test.each([
    ['/', 404],
    ['/authorized', 404],
    ['/denied/unknown', 404],
  ])('answers %s with %d', async (path, status) => {
    const { url } = await serve(ALLOW);
    expect((await ask(url, path, LAPTOP)).status).toBe(status);
  });

  test('keeps a connection for the next request', async () => {
    const { url } = await serve(ALLOW);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const ports = new Set<number | undefined>();
    agent.on('free', (socket: Socket) => ports.add(socket.localPort));
    for (let round = 0; round < 3; round += 1) await ask(url, '/authorize/wiki', LAPTOP, 'GET', agent);
    agent.destroy();
    expect(ports.size).toBe(1);
  });

  test('answers requests that come at once in order, with and without a body', async () => {
    const { url, decide } = await serve(ALLOW);
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    const asked = (line: string, device: string, rest = '\r\n') =>
      `${line} HTTP/1.1\r\nHost: a\r\nX-Stance-Device: ${device}\r\n${rest}`;
    socket.end(
      asked('GET /authorize/wiki', 'laptop-1') +
        asked('POST /authorize/wiki', 'laptop-2', 'Content-Length: 4\r\n\r\nGET ') +
        asked('POST /authorize/wiki', 'laptop-3', 'Content-Length: 0\r\n\r\n') +
        asked('DELETE /authorize/wiki', 'laptop-4', 'Connection: close\r\n\r\n'),
    );
    const devices = [...(await text(socket)).matchAll(/^x-stance-device: (.*)\r$/gm)].map(([, device]) => device);
    expect(devices).toEqual(['laptop-1', 'laptop-2', 'laptop-3', 'laptop-4']);
    expect(decide).toHaveBeenCalledTimes(4);
  });

  test('refuses headers beyond its limit', async () => {
    const { url } = await serve(ALLOW);
    expect((await ask(url, '/authorize/wiki', [...LAPTOP, 'X-Long', 'a'.repeat(20_000)])).status).toBe(431);
  });

  test.each([
    [
      'a body whose length is given twice',
      'POST /authorize/wiki HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
    [
      'a header folded over two lines',
      'GET /authorize/wiki HTTP/1.1\r\nHost: a\r\nX-Stance-Device: lap\r\n top\r\n\r\n',
    ],
    ['white space before the colon', 'GET /authorize/wiki HTTP/1.1\r\nHost: a\r\nX-Stance-Device : laptop-1\r\n\r\n'],
    ['no host', 'GET /authorize/wiki HTTP/1.1\r\n\r\n'],
  ])('refuses %s', async (_case, bytes) => {
    const { url, decide } = await serve(ALLOW);
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    socket.end(bytes);
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 400 /);
    expect(decide).not.toHaveBeenCalled();
  });

  test('ends the connection of a request with a body that it would have to read for long', async () => {
    const { url } = await serve(ALLOW);
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    socket.write(
      `POST /authorize/wiki HTTP/1.1\r\nHost: a\r\n${LAPTOP[0]}: laptop-1\r\nContent-Length: 9999999\r\n\r\n`,
    );
    const reply = await text(socket);
    expect(reply).toMatch(/^HTTP\/1\.1 200 /);
    expect(reply.toLowerCase()).toContain('connection: close');
  });

  test('says which port is taken and what to do', async () => {
    const { url } = await serve(ALLOW);
    const file = parseGatewayFile(`name: edge\nlisten: { port: ${new URL(url).port} }\n${BY_HEADERS}`, '/');
    const taken = new AuthorizeServer({
      file,
      prover: { prove: () => ({ outcome: 'unproved', reasons: [] }) },
      access: { admit: () => ({ outcome: 'unproved', asker: {}, reasons: [] }) },
      denials: new Denials('edge'),
      findDenial: () => undefined,
      onError: () => undefined,
    });
    await expect(taken.start()).rejects.toThrow(ListenFailed);
  });
});
