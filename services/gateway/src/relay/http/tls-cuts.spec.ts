import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { request as httpsRequest } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { afterEach, expect, test } from '@jest/globals';
import { issueDeviceCertificates, temporaryFolder, waitFor } from '@stance/testing';
import { WebSocket, WebSocketServer } from 'ws';
import { DEVICE, INFECTED, Rigs } from './fixtures/rig.js';

const certificates = issueDeviceCertificates([]);
const rigs = new Rigs();
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
  await rigs.stop();
});

async function tlsRig(application: Parameters<Rigs['relay']>[0]) {
  const folder = await temporaryFolder();
  cleanups.push(() => folder.remove());
  const [certificate, key] = [join(folder.path, 'relay.crt'), join(folder.path, 'relay.key')];
  await Promise.all([writeFile(certificate, certificates.server.certificate), writeFile(key, certificates.server.key)]);
  const behind = typeof application === 'function' ? await rigs.application(application) : application;
  const routes = [{ path: '/', resource: 'wiki', upstream: behind?.url ?? '' }];
  return rigs.relay(behind, { relay: { listen: { host: '127.0.0.1', port: 0, tls: { certificate, key } }, routes } });
}

test('a download over TLS is cut while it is being written', async () => {
  const rig = await tlsRig((_request, response) => {
    const fill = () => {
      while (!response.destroyed && response.write(Buffer.alloc(65_536)));
    };
    response.on('drain', fill);
    fill();
  });
  const request = httpsRequest(rig.relay.url, { headers: { [DEVICE]: 'laptop-1' }, ca: certificates.ca });
  request.on('error', () => undefined).end();
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  let bytes = 0;
  response.on('data', (chunk: Buffer) => (bytes += chunk.length));
  await waitFor(() => bytes > 1_000_000, { what: 'the download is under way' });
  expect(rig.revoke('laptop-1')).toBe(1);
  await expect(once(response, 'end')).rejects.toMatchObject({ code: 'ECONNRESET' });
  await waitFor(() => rig.relay.connections === 0, { what: 'nothing is open' });
});

/** A frame. */
const HELLO = Buffer.concat([Buffer.of(0x81, 5), Buffer.from('hello')]);

test.each([
  ['that is between two frames hears why', Buffer.alloc(0), { code: 1008, reason: INFECTED.message }],
  ['that is amid a frame is reset', Buffer.of(0x02, 5, 1), { code: 1006, reason: '' }],
])('a WebSocket over TLS %s', async (_, begun, end) => {
  const server = new WebSocketServer({ noServer: true });
  const application = await rigs.application(
    () => undefined,
    (request, socket) => {
      server.handleUpgrade(request, socket, Buffer.alloc(0), (ws) => {
        ws.on('error', () => undefined);
        socket.write(Buffer.concat([HELLO, begun]));
      });
    },
  );
  const rig = await tlsRig(application);
  const ws = new WebSocket(rig.relay.url.replace('http', 'ws'), {
    headers: { [DEVICE]: 'laptop-1' },
    ca: certificates.ca,
  });
  ws.on('error', () => undefined);
  const closed = once(ws, 'close') as Promise<[number, Buffer]>;
  await once(ws, 'message');
  rig.revoke('laptop-1');
  const [code, reason] = await closed;
  expect({ code, reason: reason.toString() }).toEqual(end);
  await waitFor(() => rig.relay.connections === 0 && application.sockets.size === 0, { what: 'nothing is open' });
});
