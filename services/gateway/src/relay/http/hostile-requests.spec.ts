import { afterEach, describe, expect, test } from '@jest/globals';
import { waitFor } from '@stance/testing';
import { ask, DEVICE, RawClient, Rigs, type Rig } from './fixtures/rig.js';

const rigs = new Rigs();
afterEach(() => rigs.stop());

const LAPTOP = `${DEVICE}: laptop-1`;

/** Sends bytes as they are, until the relay closes the connection. */
async function sendRaw({ relay }: Rig, lines: readonly string[]): Promise<string> {
  const client = await RawClient.to(relay.url);
  client.send(...lines);
  await waitFor(() => client.isClosed, { what: 'the connection is closed', intervalMs: 2 });
  return client.received;
}

/** Nothing came through, nobody was proved, and the connection is closed. */
async function expectRefused(lines: readonly string[], status = 400): Promise<void> {
  const rig = await rigs.relay();
  const received = await sendRaw(rig, lines);
  const statuses = [...received.matchAll(/HTTP\/1\.1 (\d+) /g)].map(([, answered]) => Number(answered));
  expect(new Set(statuses)).toEqual(new Set([status]));
  expect(rig.application.requests).toHaveLength(0);
  expect(rig.proved).toHaveLength(0);
  expect(rig.live.size).toBe(0);
}

/** What a front would take for the body, and a careless back for a second request. */
const HIDDEN = ['GET /hidden HTTP/1.1', 'Host: a', LAPTOP, '', ''];

describe('refused, with everything that follows on the connection, is a request', () => {
  test.each<[string, string[]]>([
    ['with Content-Length and Transfer-Encoding', ['Content-Length: 5', 'Transfer-Encoding: chunked', '', '0', '', '']],
    ['with Transfer-Encoding and Content-Length', ['Transfer-Encoding: chunked', 'Content-Length: 5', '', '0', '', '']],
    ['with two lengths', ['Content-Length: 0', 'Content-Length: 40', '', '']],
    ['with the same length twice', ['Content-Length: 0', 'Content-Length: 0', '', '']],
    ['with a list of lengths', ['Content-Length: 0, 40', '', '']],
    ['with a negative length', ['Content-Length: -1', '', '']],
    ['with a length that has a sign', ['Content-Length: +0', '', '']],
    ['with a hexadecimal length', ['Content-Length: 0x0', '', '']],
    ['with a length too large for any number', ['Content-Length: 99999999999999999999999', '', '']],
    ['with an encoding that is not chunked', ['Transfer-Encoding: gzip', '', '']],
    ['with an encoding before chunked', ['Transfer-Encoding: gzip, chunked', '', '0', '', '']],
    ['with an encoding after chunked', ['Transfer-Encoding: chunked, identity', '', '0', '', '']],
    ['with chunked twice', ['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked', '', '0', '', '']],
    ['with chunked twice in a list', ['Transfer-Encoding: chunked, chunked', '', '0', '', '']],
    ['with something that is nearly chunked', ['Transfer-Encoding: xchunked', '', '0', '', '']],
    ['with a chunked that is quoted', ['Transfer-Encoding: "chunked"', '', '0', '', '']],
    ['with a vertical tab before chunked', ['Transfer-Encoding: \x0bchunked', '', '0', '', '']],
    ['with a space before the colon', ['Transfer-Encoding : chunked', '', '0', '', '']],
    ['with a tab before the colon', ['Content-Length\t: 5', '', '']],
    ['with a folded header', ['X-A: 1', ' Transfer-Encoding: chunked', '', '0', '', '']],
    ['with a folded encoding', ['Transfer-Encoding:', ' chunked', '', '0', '', '']],
    ['with a line that is no header', ['nonsense', '', '']],
    ['with a NUL in a header', ['X-A: a\0b', '', '']],
    ['with a return in a header', ['X-A: a\rTransfer-Encoding: chunked', '', '']],
    ['with lines that end in LF alone', [`X-A: a\nTransfer-Encoding: chunked`, '', '0', '', '']],
    ['with a header without a name', [': a', '', '']],
    ['with a Connection header that names the length', ['Content-Length: 3', 'Connection: content-length', '', 'abc']],
    ['with a Connection header that names the host', ['Connection: keep-alive, Host', '', '']],
    ['with a second host', ['Host: payroll', '', '']],
    ['with a second host that is the same', ['Host: a', '', '']],
  ])('%s', async (_what, rest) => {
    await expectRefused(['POST /first HTTP/1.1', 'Host: a', LAPTOP, ...rest, ...HIDDEN]);
  });

  test.each<[string, string[]]>([
    ['without a host', ['GET / HTTP/1.1', LAPTOP, '', '']],
    ['of HTTP/1.0 without a host', ['GET / HTTP/1.0', LAPTOP, '', '']],
    ['with an empty host', ['GET / HTTP/1.1', 'Host:', LAPTOP, '', '']],
    ['of HTTP/1.0 with chunks', ['POST / HTTP/1.0', 'Host: a', LAPTOP, 'Transfer-Encoding: chunked', '', '0', '', '']],
    ['of HTTP/0.9', ['GET /', '', '']],
    ['of HTTP/2.0', ['GET / HTTP/2.0', 'Host: a', LAPTOP, '', '']],
    ['that begins HTTP/2', ['PRI * HTTP/2.0', '', 'SM', '', '']],
    ['with a space in its target', ['GET /a b HTTP/1.1', 'Host: a', LAPTOP, '', '']],
    ['with a line that ends in LF alone', ['GET / HTTP/1.1\nHost: a', LAPTOP, '', '']],
    ['of a method that nobody knows', ['SMUGGLE / HTTP/1.1', 'Host: a', LAPTOP, '', '']],
  ])('%s', async (_what, lines) => {
    await expectRefused([...lines.slice(0, -2), 'Connection: close', '', '']);
  });

  test.each([
    ['an encoded slash', '/wiki%2fadmin'],
    ['a double encoding', '/wiki/%252e'],
    ['a dot segment', '/wiki/../payroll'],
    ['an empty segment', '//payroll'],
    ['a backslash', '/wiki\\admin'],
    ['a parameter', '/wiki;/admin'],
    ['a fragment', '/wiki#'],
    ['another host in it', 'http://payroll/'],
    ['a raw byte', '/\xfc'],
  ])('whose target has %s: %s', async (_what, target) => {
    await expectRefused([`GET ${target} HTTP/1.1`, 'Host: a', LAPTOP, 'Connection: close', '', '']);
  });

  test.each([
    ['CONNECT', 'CONNECT a:443 HTTP/1.1'],
    ['TRACE', 'TRACE / HTTP/1.1'],
  ])('by %s', async (_what, line) => {
    await expectRefused([line, 'Host: a', LAPTOP, 'Connection: close', '', ''], 405);
  });

  test.each<[string, string, string[]]>([
    ['to HTTP/2', 'GET', ['Upgrade: h2c']],
    ['to a WebSocket or HTTP/2', 'GET', ['Upgrade: websocket, h2c']],
    ['to TLS', 'OPTIONS', ['Upgrade: TLS/1.3']],
    ['to a WebSocket by POST', 'POST', ['Upgrade: websocket', 'Content-Length: 0']],
    ['to a WebSocket with a body', 'GET', ['Upgrade: websocket', 'Content-Length: 3']],
    ['to a WebSocket with chunks', 'GET', ['Upgrade: websocket', 'Transfer-Encoding: chunked']],
  ])('for an upgrade %s', async (_what, method, headers) => {
    await expectRefused([`${method} / HTTP/1.1`, 'Host: a', LAPTOP, 'Connection: Upgrade', ...headers, ...HIDDEN]);
  });
});

test('headers that are too large are answered with 431', async () => {
  await expectRefused(['GET / HTTP/1.1', 'Host: a', LAPTOP, `X-A: ${'a'.repeat(20_000)}`, '', ''], 431);
});

test('many headers are too large together', async () => {
  const many = Array.from({ length: 2_000 }, (_each, index) => `X-${index}: aaaa`);
  await expectRefused(['GET / HTTP/1.1', 'Host: a', LAPTOP, ...many, '', ''], 431);
});

test.each([
  ['has no size', 'xyz'],
  ['has a negative size', '-1'],
  ['has a size with a sign', '+5'],
  ['has a size of a prefix', '0x5'],
  ['is larger than any number', 'fffffffffffffffff'],
  ['has a size followed by a space', '5 '],
  ['ends in LF alone', '5\nhello'],
])('a chunk that %s ends the connection, and what follows is no request', async (_what, size) => {
  const rig = await rigs.relay();
  const head = ['POST /first HTTP/1.1', 'Host: a', LAPTOP, 'Transfer-Encoding: chunked', ''];
  await sendRaw(rig, [...head, size, 'hello', '0', '', ...HIDDEN]);
  await waitFor(() => rig.live.size === 0, { what: 'the exchange is over' });
  expect(rig.application.requests.map(({ url }) => url)).not.toContain('/hidden');
});

test('the body of one request is never the next request', async () => {
  const bodies: string[] = [];
  const rig = await rigs.relay((request, response) => {
    let body = '';
    request.setEncoding('latin1').on('data', (chunk: string) => (body += chunk));
    request.on('end', () => {
      bodies.push(body);
      response.end('ok');
    });
  });
  const hidden = HIDDEN.join('\r\n');
  const head = ['Host: a', LAPTOP];
  const size = hidden.length;
  await sendRaw(rig, [
    ...['GET /with-length HTTP/1.1', ...head, `Content-Length: ${size}`, '', `${hidden}POST /chunks HTTP/1.1`],
    ...[...head, 'Connection: close', 'Transfer-Encoding: chunked', '', size.toString(16), hidden, '0', '', ''],
  ]);
  expect(rig.application.requests.map(({ url }) => url)).toEqual(['/with-length', '/chunks']);
  expect(bodies).toEqual([hidden, hidden]);
});

test('requests that come at once on a connection are judged one by one, and answered in order', async () => {
  const rig = await rigs.relay((request, response) => void response.end(`<${request.url}>`));
  const second = ['GET /second HTTP/1.1', 'Host: a', `${DEVICE}: laptop-2`, 'Connection: close', '', ''];
  rig.infected.add('laptop-2');
  const received = await sendRaw(rig, ['GET /first HTTP/1.1', 'Host: a', LAPTOP, '', second.join('\r\n')]);
  expect(received.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 403']);
  expect(rig.application.requests.map(({ url }) => url)).toEqual(['/first']);
});

test('a WebSocket cannot begin on a connection that still owes an answer', async () => {
  const rig = await rigs.relay(() => undefined);
  const upgrade = ['GET /ws HTTP/1.1', 'Host: a', LAPTOP, 'Connection: Upgrade', 'Upgrade: websocket', '', ''];
  expect(await sendRaw(rig, ['GET /slow HTTP/1.1', 'Host: a', LAPTOP, '', upgrade.join('\r\n')])).toBe('');
  await waitFor(() => rig.live.size === 0, { what: 'nothing is carried' });
});

test('the relay still answers after all that', async () => {
  const rig = await rigs.relay();
  await sendRaw(rig, ['\0\x16\x03\x01 garbage', '', '']);
  await expect(ask(rig.relay.url)).resolves.toMatchObject({ status: 200 });
});
