import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { newUserKey } from '@stance/nkeys';
import { temporaryFolder, type TemporaryFolder } from '@stance/testing';
import { UnusableAddress } from './addresses.js';
import { connectToNats, exposesCredentials, NatsUnreachable } from './connection.js';

/** What whoever stands in the way answers with: no TLS, and the challenge of the real server. */
const GREETING = 'INFO {"server_id":"X","version":"2.15.1","proto":1,"headers":true,"max_payload":1048576,';
const CHALLENGE = `${GREETING}"auth_required":true,"nonce":"8vJYbWKzqNQsXbg"}\r\n`;

let folder: TemporaryFolder;
let impostor: Server;
let received: string;
let port: number;
let nkeySeedFile: string;

beforeEach(async () => {
  folder = await temporaryFolder();
  nkeySeedFile = join(folder.path, 'user.nk');
  writeFileSync(nkeySeedFile, newUserKey().seed);
  received = '';
  impostor = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (data) => {
      received += data.toString();
      // It has what it came for.
      socket.end("-ERR 'Authorization Violation'\r\n");
    });
    socket.write(CHALLENGE);
  });
  impostor.listen(0, '127.0.0.1');
  await once(impostor, 'listening');
  ({ port } = impostor.address() as AddressInfo);
});

afterEach(async () => {
  impostor.close();
  await folder.remove();
});

const connectTo = (url: string) => connectToNats({ url, name: 'spec', nkeySeedFile, waitForServer: false });

describe('a connection by tls://', () => {
  it('signs nothing for a server without TLS', async () => {
    const connecting = connectTo(`tls://127.0.0.1:${port}`);
    await expect(connecting).rejects.toThrow(NatsUnreachable);
    await expect(connecting).rejects.toThrow(/does not support 'tls'/);
    expect(received).toBe('');
  });

  it('is what keeps the signature: by nats:// the same server gets it', async () => {
    await expect(connectTo(`nats://127.0.0.1:${port}`)).rejects.toThrow(NatsUnreachable);
    expect(received).toMatch(/^CONNECT .*"sig":"/);
  });

  it('is not mixed with others', async () => {
    await expect(connectTo(`tls://127.0.0.1:${port},nats://127.0.0.1:${port}`)).rejects.toThrow(UnusableAddress);
    expect(received).toBe('');
  });
});

describe('credentials are exposed', () => {
  const nkey = { nkeySeedFile: 'user.nk' };
  it.each([
    [true, { url: 'nats://nats:4222', ...nkey }],
    [true, { url: 'nats://127.0.0.1,nats:4222', credsFile: 'user.creds' }],
    [false, { url: 'nats://nats:4222' }],
    [false, { url: 'nats://127.0.0.1:4222', ...nkey }],
    [false, { url: 'tls://nats:4222', ...nkey }],
    [false, { url: 'nats://nats:4222', ...nkey, tls: { caFile: 'ca.pem' } }],
  ])('%j with %j', (exposed, options) => {
    expect(exposesCredentials(options)).toBe(exposed);
  });
});
