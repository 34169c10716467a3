import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { findGateway } from '@stance/testing';
import { enforcement } from './enforcement.js';
import { deployed, surroundings, type Surroundings } from './surroundings.js';
import { traefik } from './traefik.js';
import { CLAIMS, ORIGINS } from './tricks.js';

// No package registry has it as a program: a real one is tried where the machine has it, and what it sends is replayed everywhere.
if ((await findGateway('traefik')) !== undefined) await enforcement('traefik', 'Traefik with forwardAuth', traefik);

/**
 * What Traefik's forwardAuth sends for `GET /page?a=1` of `wiki.example.com` under `deploy/gateways/traefik`: the header set,
 * Go's order, and what `passTLSClientCert` adds. From Traefik 3.6 and 3.7, `pkg/middlewares/auth/forward.go` (`writeHeader`),
 * `passtlsclientcert` and `forwardedheaders`.
 */
function forwardAuthRequest(address: string, headers: Readonly<Record<string, string>>): string {
  const own = {
    'X-Forwarded-For': '192.0.2.7',
    'X-Forwarded-Host': 'wiki.example.com',
    'X-Forwarded-Method': 'GET',
    'X-Forwarded-Port': '443',
    'X-Forwarded-Proto': 'https',
    'X-Forwarded-Server': 'proxy',
    'X-Forwarded-Uri': '/page?a=1',
    'X-Real-Ip': '192.0.2.7',
  };
  const sorted = Object.entries({ ...own, ...headers }).toSorted(([one], [other]) => (one < other ? -1 : 1));
  const lines = [
    'GET /authorize/wiki HTTP/1.1',
    `Host: ${address}`,
    'User-Agent: Go-http-client/1.1',
    ...sorted.map(([name, value]) => `${name}: ${value}`),
    'Accept-Encoding: gzip',
  ];
  return `${lines.join('\r\n')}\r\n\r\n`;
}

describe('Stance, asked as Traefik asks', () => {
  let around: Surroundings;
  beforeAll(async () => {
    around = await surroundings('traefik/gateway.yaml');
  }, 60_000);
  afterAll(() => around?.close());

  /** Sends the bytes on one connection, closes its side, and reads until the other side is closed. */
  async function send(bytes: string, localAddress = '127.0.0.1'): Promise<string> {
    const socket = connect({ port: around.ports.stance, host: '127.0.0.1', localAddress });
    let received = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => (received += chunk));
    socket.end(bytes);
    await once(socket, 'close');
    return received;
  }
  const ask = (headers: Record<string, string>, localAddress?: string) =>
    send(forwardAuthRequest(`127.0.0.1:${around.ports.stance}`, headers), localAddress);
  /** As `passTLSClientCert` with `pem: true` writes it: base64 without lines and marks, certificates joined by commas. */
  const certificateHeader = (name: keyof Surroundings['certificates']) => ({
    'X-Forwarded-Tls-Client-Cert': around.certificates[name].certificate
      .split(/-----(?:BEGIN|END) CERTIFICATE-----/)
      .map((part) => part.replaceAll(/\s/g, ''))
      .filter((part) => part !== '')
      .join(','),
  });

  test.each(['allowed', 'chained'] as const)('lets in the device of a certificate that is %s', async (name) => {
    const answer = await ask(certificateHeader(name));
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(answer.toLowerCase()).toContain('\r\nx-stance-device: allowed\r\n');
  });

  test('denies a person with a page and a program with JSON', async () => {
    const page = await ask({ ...certificateHeader('denied'), Accept: 'text/html,*/*;q=0.8' });
    expect(page).toMatch(/^HTTP\/1\.1 403 [^]*This machine is infected\.[^]*<\/html>/);
    const told = await ask({ ...certificateHeader('denied'), Accept: '*/*' });
    expect(told).toMatch(/^HTTP\/1\.1 403 [^]*"code":"condition-false"/);
  });

  test('says 401 where there is no certificate', async () => {
    expect(await ask({})).toMatch(/^HTTP\/1\.1 401 /);
  });

  test.each(['otherAuthority', 'expired'] as const)('refuses a certificate that is %s', async (name) => {
    expect(await ask(certificateHeader(name))).toMatch(/^HTTP\/1\.1 40[13] /);
  });

  test.each([
    ['another resource in X-Forwarded-Uri', { 'X-Forwarded-Uri': '/authorize/payroll' }],
    ['another host', { 'X-Forwarded-Host': 'payroll.example.com' }],
    ['a prefix', { 'X-Forwarded-Prefix': '/authorize/payroll' }],
    // Without authRequestHeaders Traefik sends whatever the client sent.
    ['a resource by name', { 'X-Stance-Resource': 'payroll' }],
    ['another device', { 'X-Stance-Device': 'allowed' }],
  ])('is not led to let in a denied device by %s', async (_what, headers) => {
    expect(await ask({ ...certificateHeader('denied'), ...headers })).toMatch(/^HTTP\/1\.1 403 /);
  });

  test('believes no certificate from an address that is no listed proxy', async () => {
    expect(await ask(certificateHeader('allowed'), '127.0.0.2')).toMatch(/^HTTP\/1\.1 40[13] /);
  });

  test('answers one after the other on a connection that is kept', async () => {
    const address = `127.0.0.1:${around.ports.stance}`;
    const both =
      forwardAuthRequest(address, certificateHeader('allowed')) +
      forwardAuthRequest(address, certificateHeader('denied'));
    const answers = await send(both);
    expect(answers.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 403']);
  });

  test('is asked so by the deployed configuration', async () => {
    const { http, tls } = parse(await deployed('traefik/wiki.yml')) as {
      http: { routers: Record<string, unknown>; middlewares: Record<string, unknown> };
      tls: { options: unknown };
    };
    expect(http.middlewares).toMatchObject({
      certificate: { passTLSClientCert: { pem: true } },
      'stance-wiki': {
        forwardAuth: {
          address: 'http://127.0.0.1:9180/authorize/wiki',
          trustForwardHeader: true,
          authRequestHeaders: expect.arrayContaining(['X-Forwarded-Tls-Client-Cert']),
          authResponseHeaders: expect.arrayContaining(['X-Stance-Device', 'X-Stance-User', 'X-Stance-Decision']),
        },
      },
    });
    // The certificate first, then Stance, then what keeps the certificate from the application.
    expect(http.routers).toMatchObject({
      wiki: { middlewares: ['nothing-claimed', 'certificate', 'stance-wiki', 'private'] },
      'wiki-live': { middlewares: ['nothing-claimed', 'certificate'] },
    });
    // The first of ORIGINS has what the entry point writes itself.
    const claimed = [...CLAIMS, ...ORIGINS.slice(1)].flatMap((headers) => Object.keys(headers));
    const removed = Object.fromEntries([...claimed, 'Forwarded', 'X-Stance-Resource'].map((header) => [header, '']));
    expect(http.middlewares).toMatchObject({ 'nothing-claimed': { headers: { customRequestHeaders: removed } } });
    expect(tls.options).toMatchObject({ devices: { clientAuth: { clientAuthType: 'VerifyClientCertIfGiven' } } });
  });
});
