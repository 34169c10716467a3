import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { issueDeviceCertificates, type KeyedCertificate } from './certificates.js';

const certificates = issueDeviceCertificates(['laptop-1']);

describe('certificates of tests', () => {
  const { server, ca } = certificates;
  const listener = createServer({ cert: server.certificate, key: server.key, ca, requestCert: true }, (socket) => {
    socket.end(String(socket.authorized));
  });
  listener.on('tlsClientError', () => undefined);

  beforeAll(async () => {
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
  });
  afterAll(() => {
    listener.close();
  });

  function handshake({ certificate, key }: KeyedCertificate): Promise<boolean> {
    const { port } = listener.address() as AddressInfo;
    const socket = connect({ port, host: '127.0.0.1', ca, cert: certificate, key });
    return new Promise((resolve) => {
      socket.once('data', (answer: Buffer) => resolve(answer.toString() === 'true'));
      // A refused certificate ends the connection, with an alert or without.
      socket.once('error', () => resolve(false)).once('close', () => resolve(false));
    });
  }

  test.each([
    ["a device's", certificates.of('laptop-1'), true],
    ['one of another authority', certificates.wrongAuthority('laptop-1'), false],
    ['one that expired', certificates.expired('laptop-1'), false],
    ['one that is not valid yet', certificates.notYetValid('laptop-1'), false],
    ["a server's", certificates.server, false],
  ])('are what TLS takes them for: %s', async (_case, certificate, isAccepted) => {
    expect(await handshake(certificate)).toBe(isAccepted);
  });

  test('name their device', () => {
    const { subjectAltName, subject } = new X509Certificate(certificates.of('laptop-1').certificate);
    expect([subjectAltName, subject]).toEqual(['URI:urn:stance:device:laptop-1', 'CN=laptop-1']);
  });
});
