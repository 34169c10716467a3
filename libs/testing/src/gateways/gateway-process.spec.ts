import { access } from 'node:fs/promises';
import { describe, expect, test } from '@jest/globals';
import { freePort } from '../free-port.js';
import { waitFor } from '../wait-for.js';
import { GatewayNotStarted, GatewayProcess } from './gateway-process.js';

const SERVER = `
  const { readFileSync } = require('node:fs');
  console.log('this is', readFileSync('conf/name', 'utf8'), process.env.GREETING);
  if (process.env.STUBBORN) process.on('SIGTERM', () => {});
  require('node:net').createServer(() => {}).listen(Number(process.env.PORT), '127.0.0.1');
`;

async function start(environment: NodeJS.ProcessEnv = {}, code = SERVER): Promise<GatewayProcess> {
  const port = await freePort();
  return GatewayProcess.start({
    binary: process.execPath,
    arguments: ['-e', code],
    files: { 'conf/name': 'one' },
    environment: { PORT: String(port), ...environment },
    ports: [port],
  });
}

describe('a gateway process', () => {
  test('runs on its files and environment, and leaves nothing behind', async () => {
    const gateway = await start({ GREETING: 'hello' });
    expect(gateway.running).toBe(true);
    expect(gateway.log).toContain('this is one hello');
    await gateway.stop();
    expect(gateway.running).toBe(false);
    await expect(access(gateway.folder.path)).rejects.toThrow(/ENOENT/);
  });

  test('is ended by force when it does not end in order', async () => {
    const gateway = await start({ STUBBORN: 'yes' });
    await gateway.stop({ withinMs: 200 });
    expect(gateway.running).toBe(false);
  });

  test('is over although a process that it has started outlives it and holds its pipes', async () => {
    const gateway = await start(
      {},
      `${SERVER}
      const stays = ['-e', 'setInterval(() => {}, 1_000)'];
      console.log('worker', require('node:child_process').spawn(process.execPath, stays, { stdio: 'inherit' }).pid);`,
    );
    const [, worker] = await waitFor(() => /worker (\d+)\n/.exec(gateway.log), { what: 'the worker to be named' });
    try {
      await gateway.stop({ withinMs: 200 });
      expect(gateway.running).toBe(false);
    } finally {
      process.kill(Number(worker), 'SIGKILL');
    }
  });

  test('that ends at once is an error with what it said', async () => {
    const starting = start({}, 'console.error("unknown directive"); process.exit(1)');
    await expect(starting).rejects.toThrow(GatewayNotStarted);
    await expect(starting).rejects.toThrow(/unknown directive/);
  });

  test('that is no program is an error', async () => {
    const start = { binary: '/nowhere/nginx', arguments: [], files: {}, ports: [await freePort()] };
    await expect(GatewayProcess.start(start)).rejects.toThrow(/ENOENT/);
  });
});
