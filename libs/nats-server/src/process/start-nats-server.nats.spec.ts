import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import { findNatsServer, type NatsServerBinary } from '../binary/find-nats-server.js';
import { NatsServerExitedError, PortInUseError, StoreInUseError } from './errors.js';
import { isAlive } from './process-alive.js';
import { answersWithJetStream } from './readiness.js';
import type { ServerExit } from './server-process.js';
import { startNatsServer, type NatsServer, type StartNatsServerOptions } from './start-nats-server.js';

let binary: NatsServerBinary;
let storeDir: string;
let started: NatsServer[];
let others: ChildProcess[];

beforeAll(async () => {
  binary = await findNatsServer();
}, 300_000);
beforeEach(async () => {
  storeDir = await mkdtemp(join(tmpdir(), 'start-nats-server-'));
  started = [];
  others = [];
});
afterEach(async () => {
  for (const other of others) other.kill('SIGKILL');
  await Promise.all(started.map((server) => server.kill()));
  await rm(storeDir, { recursive: true, force: true });
});

async function start(options: Partial<StartNatsServerOptions> = {}): Promise<NatsServer> {
  const server = await startNatsServer({ binary, storeDir, ...options });
  started.push(server);
  return server;
}

/** Only failing takes as long. */
const PATIENCE_MS = 30_000;

async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`not so after ${PATIENCE_MS} ms`);
    await sleep(10);
  }
}

describe('startNatsServer', () => {
  test('gives a server with JetStream on a free port, and its log', async () => {
    const lines: string[] = [];
    const logFile = join(storeDir, 'server.log');
    const server = await start({ name: 'tester', onLog: (line) => lines.push(line), logFile });
    expect(server.url).toBe(`nats://127.0.0.1:${server.port}`);
    await expect(answersWithJetStream('127.0.0.1', server.port, PATIENCE_MS)).resolves.toBe(true);
    await server.stop();
    expect(isAlive(server.pid)).toBe(false);
    expect(lines.join('\n')).toMatch(/Server Exiting/);
    await until(() => /Name: +tester/.test(readFileSync(logFile, 'utf8')));
  });

  test('restarts on the same port after a stop, after a kill and while it runs', async () => {
    const server = await start({ syncInterval: 'always' });
    const pids = new Set([server.pid]);
    for (const before of [() => server.stop(), () => server.kill(), () => Promise.resolve()]) {
      await before();
      await server.restart();
      pids.add(server.pid);
      await expect(answersWithJetStream('127.0.0.1', server.port, PATIENCE_MS)).resolves.toBe(true);
    }
    expect(pids.size).toBe(4);
  });

  test('names the port that is in use', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const starting = start({ port });
    await expect(starting).rejects.toThrow(PortInUseError);
    await expect(starting).rejects.toThrow(`Port ${port} on 127.0.0.1 is in use`);
    other.close();
    await expect(start({ port })).resolves.toMatchObject({ port });
  });

  test('refuses a store that a server uses, and takes it after that one is gone', async () => {
    const first = await start();
    await expect(start()).rejects.toThrow(StoreInUseError);
    await first.kill();
    await expect(start()).resolves.toBeDefined();
  });

  test('refuses a store that a server of another process uses', async () => {
    const parent = await startInAnotherProcess();
    const starting = start();
    await expect(starting).rejects.toThrow(StoreInUseError);
    await expect(starting).rejects.toThrow(`in use by process ${parent.serverPid}`);
    parent.kill('SIGKILL');
    await until(() => !isAlive(parent.serverPid));
    await expect(start()).resolves.toBeDefined();
  });

  test('takes a store whose lock names a process that is something else by now', async () => {
    const other = spawn('sleep', ['60'], { stdio: 'ignore' });
    others.push(other);
    await writeFile(join(storeDir, 'nats-server.lock'), String(other.pid));
    await expect(start()).resolves.toBeDefined();
  });

  test('shows the last log lines of a server that ends early', async () => {
    const starting = start({ serverConfig: 'no_such_option: 1' });
    await expect(starting).rejects.toThrow(NatsServerExitedError);
    await expect(starting).rejects.toThrow(/unknown field "no_such_option"/);
  });

  test('keeps its configuration private, as it may hold passwords', async () => {
    await start({ serverConfig: 'authorization { user: a, password: b }' });
    const { mode } = await stat(join(storeDir, 'nats-server.conf'));
    expect(mode & 0o077).toBe(0);
  });

  test('reports an end that nobody asked for, and only that', async () => {
    const exits: ServerExit[] = [];
    const server = await start({ onExit: (exit) => exits.push(exit) });
    await server.kill();
    await server.restart();
    expect(exits).toEqual([]);
    process.kill(server.pid, 'SIGKILL');
    await until(() => exits.length > 0);
    expect(exits).toMatchObject([{ how: 'SIGKILL' }]);
  });

  test.each(['SIGTERM', 'SIGKILL'] as const)('the server does not outlive a parent that ends by %s', async (signal) => {
    const parent = await startInAnotherProcess();
    expect(isAlive(parent.serverPid)).toBe(true);
    parent.kill(signal);
    await until(() => !isAlive(parent.serverPid));
  });
});

/** The part of startNatsServer that matters here, from the built package, in a process that can be killed. */
async function startInAnotherProcess(): Promise<{ serverPid: number; kill: (signal: 'SIGTERM' | 'SIGKILL') => void }> {
  const index = new URL('../../dist/index.js', import.meta.url).href;
  const program = `
    const { startNatsServer } = await import(${JSON.stringify(index)});
    const server = await startNatsServer(${JSON.stringify({ binary, storeDir })});
    console.log(server.pid);
    setInterval(() => {}, 1000);`;
  const parent = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  others.push(parent);
  const line = await new Promise<string>((resolve, reject) => {
    createInterface({ input: parent.stdout }).once('line', resolve);
    parent.once('exit', (code) => reject(new Error(`the other process ended with ${code}`)));
  });
  return { serverPid: Number(line), kill: (signal) => void parent.kill(signal) };
}
