import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { Socket } from 'node:net';
import { join } from 'node:path';

import { afterEach, describe, expect, test } from '@jest/globals';

import { temporaryFolder } from '../temporary-folder.js';
import { PATIENCE_MS } from '../wait-for.js';
import { chooseOrigin, UnknownTestNatsError } from './choose-origin.js';

let close: (() => Promise<void>) | undefined;
afterEach(() => close?.());

/** A daemon that answers the given paths with 200 and everything else with 404, or nothing at all. */
async function daemon(answers: readonly string[] | 'silence'): Promise<string> {
  const folder = await temporaryFolder();
  const sockets = new Set<Socket>();
  const server: Server = createServer((request, response) => {
    if (answers === 'silence') return;
    response.writeHead(answers.includes(request.url ?? '') ? 200 : 404).end('{}');
  });
  server.on('connection', (socket) => sockets.add(socket));
  const socketPath = join(folder.path, 'docker.sock');
  server.listen(socketPath);
  await once(server, 'listening');
  close = async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await folder.remove();
  };
  return `unix://${socketPath}`;
}

const image = 'nats%3A2.15.1';

describe('what runs the server of a test', () => {
  test.each([
    ['NATS_URL before all else', { NATS_URL: 'nats://127.0.0.1:4222', STANCE_TEST_NATS: 'docker' }, 'NATS_URL'],
    ['the binary when asked for', { STANCE_TEST_NATS: 'binary' }, 'binary'],
    ['Docker when asked for', { STANCE_TEST_NATS: 'docker' }, 'docker'],
  ])('is %s', async (_case, environment, origin) => {
    await expect(chooseOrigin(environment)).resolves.toMatchObject({ origin });
  });

  test.each([
    ['Docker when the image is here', ['/_ping', `/images/${image}/json`], 'docker'],
    ['Docker when the registry has the image', ['/_ping', `/distribution/${image}/json`], 'docker'],
    ['the binary when the image is not to be had', ['/_ping'], 'binary'],
    ['the binary when the daemon is ill', [], 'binary'],
  ])('is %s', async (_case, answers, origin) => {
    const environment = { DOCKER_HOST: await daemon(answers) };
    await expect(chooseOrigin(environment, { dockerAnswersWithinMs: PATIENCE_MS })).resolves.toMatchObject({ origin });
  });

  test('is the binary soon when the daemon is silent', async () => {
    const startedAt = performance.now();
    await expect(chooseOrigin({ DOCKER_HOST: await daemon('silence') })).resolves.toEqual({
      origin: 'binary',
      because: 'no Docker daemon answers',
    });
    expect(performance.now() - startedAt).toBeLessThan(10_000);
  });

  test('must be a known word', async () => {
    await expect(chooseOrigin({ STANCE_TEST_NATS: 'podman' })).rejects.toThrow(UnknownTestNatsError);
  });
});
