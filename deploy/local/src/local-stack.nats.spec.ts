import { once } from 'node:events';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { jetstreamManager } from '@nats-io/jetstream';
import { OperatorActed, STREAMS } from '@stance/contracts';
import { applyTopology, connectToNats, EventPublisher } from '@stance/jetstream';
import { startNatsServer } from '@stance/nats-server';
import type { Running } from '@stance/service-kit';
import { startSentinelOneTenant, startSentinelOneTenants } from '@stance/simulators';
import { temporaryFolder, type TemporaryFolder } from '@stance/testing';
import { adoptUnaccounted } from './accounts.js';
import { VISITS } from './demo.js';
import { startLocalStack } from './local-stack.js';

let folder: TemporaryFolder;
const running: Running[] = [];
beforeEach(async () => {
  folder = await temporaryFolder();
  await writeFile(join(folder.path, 'gateway.yaml'), gatewayFile());
});
afterEach(async () => {
  for (const stack of running.splice(0)) await stack.stop();
  await folder.remove();
});

/** The sample gateway on any free port. */
const gatewayFile = (port = 0) => `name: edge
listen: { host: 127.0.0.1, port: ${port} }
trustedProxies: [127.0.0.1/32]
device: { header: {} }
user: { header: {} }
`;

interface RunFile {
  natsUrl: string;
  usersFolder: string;
  gatewayUrl: string;
  simulatorUrl: string | null;
  demo: boolean;
  pid: number;
}
const runFile = async () => JSON.parse(await readFile(join(folder.path, '.stance', 'run.json'), 'utf8')) as RunFile;

async function start(environment: NodeJS.ProcessEnv = {}) {
  const lines: string[] = [];
  const write = (line: string) => void lines.push(line);
  const stack = await startLocalStack(
    {
      STANCE_NATS_PORT: '0',
      STANCE_HTTP_PORT: '0',
      STANCE_GATEWAY_FILE: join(folder.path, 'gateway.yaml'),
      ...environment,
    },
    folder.path,
    { step: write, note: write, say: write, problem: write },
  );
  running.push(stack);
  return { stack, lines };
}

async function stopLast(): Promise<void> {
  await running.pop()?.stop();
}

async function messagesIn(stream: string): Promise<number> {
  const { natsUrl: url, usersFolder } = await runFile();
  const connection = await connectToNats({ url, name: 'spec', nkeySeedFile: join(usersFolder, 'viewer.nk') });
  try {
    return (await (await jetstreamManager(connection)).streams.info(stream)).state.messages;
  } finally {
    await connection.close();
  }
}

async function takenPort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, close: () => server.close() };
}

describe('the local stack in demo mode', () => {
  it('says when it is ready, where everything is and what to try, and goes on from its data', async () => {
    const { lines } = await start({ SENTINELONE_URL: '' });
    expect(lines[0]).toMatch(/^Demo mode: .* No real system is read/);
    const ready = lines.findIndex((line) => line.startsWith('stance is ready'));
    const told = lines.slice(ready).join('\n');
    expect(lines[ready]).toMatch(/^stance is ready \(\d+\.\d s\), in demo mode: everything is simulated$/);
    expect(lines).toContain(`${VISITS.length} of ${VISITS.length} sample sessions open`);
    const record = await runFile();
    expect(record).toEqual({
      natsUrl: expect.stringMatching(/^nats:\/\/127\.0\.0\.1:\d+$/),
      usersFolder: join(folder.path, '.stance', 'demo', 'nats-auth', 'users'),
      gatewayUrl: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      simulatorUrl: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      demo: true,
      pid: process.pid,
    });
    for (const address of [record.natsUrl, record.gatewayUrl, record.simulatorUrl]) expect(told).toContain(address);
    expect(told.match(/npx stance /g)).toHaveLength(3);
    const [observed, sessions] = [await messagesIn(STREAMS.AGENTS.name), await messagesIn(STREAMS.SESSIONS.name)];
    expect(observed).toBe(48);
    expect(sessions).toBeGreaterThanOrEqual(VISITS.length);

    await stopLast();
    await expect(runFile()).rejects.toThrow('ENOENT');
    await expect(fetch(`${record.gatewayUrl}/authorize/wiki`)).rejects.toThrow('fetch failed');

    const again = await start();
    expect(again.lines.some((line) => line.startsWith('stance is ready'))).toBe(true);
    expect(again.lines).toContain('streams: 0 created, 0 updated');
    expect(await messagesIn(STREAMS.SESSIONS.name)).toBeGreaterThanOrEqual(sessions);
  }, 60_000);
});

describe('the local stack over the data of a server without accounts', () => {
  it('takes them over: what was recorded is there, and audit goes on after its last record', async () => {
    const storeDir = join(folder.path, '.stance', 'demo', 'nats');
    const before = await startNatsServer({ storeDir });
    const connection = await connectToNats({ url: before.url, name: 'spec' });
    await applyTopology(connection);
    const publisher = new EventPublisher(connection, 'cli');
    const data = { kind: 'hold-released', targetId: 'edge', by: 'kim', reason: 'it was a mistake' } as const;
    await publisher.publish(OperatorActed, data, { id: 'before', cause: {} });
    await connection.close();
    await before.stop();

    const { lines } = await start();
    expect(lines).toContain('the data from before there were accounts is taken over');
    expect(lines.some((line) => line.startsWith('stance is ready'))).toBe(true);
    expect(await messagesIn(STREAMS.OPERATIONS.name)).toBe(1);
  }, 60_000);

  it('takes them over once', async () => {
    const storeDir = join(folder.path, 'nats');
    const of = (account: string, stream: string) => join(storeDir, 'jetstream', account, 'streams', stream);
    for (const stream of [STREAMS.AUDIT.name, STREAMS.AGENTS.name]) await mkdir(of('$G', stream), { recursive: true });
    expect(adoptUnaccounted(storeDir)).toBe(true);
    expect(await readdir(join(storeDir, 'jetstream'))).toEqual(['AUDIT', 'STANCE']);
    expect(await readdir(of('AUDIT', '.'))).toEqual([STREAMS.AUDIT.name]);
    expect(await readdir(of('STANCE', '.'))).toEqual([STREAMS.AGENTS.name]);
    expect(adoptUnaccounted(storeDir)).toBe(false);
  });
});

describe('the local stack with a real console', () => {
  it('that refuses the token says so once, and ends', async () => {
    const tenant = await startSentinelOneTenant({ fleet: 3 });
    const devices = join(folder.path, 'devices.csv');
    await writeFile(devices, 'deviceId,owner\nd1,kim@example.com\n');
    const policy = join(folder.path, 'policy.yaml');
    await writeFile(policy, 'version: 1\ngateways:\n  edge:\n    resources: [wiki]\nrules: []\n');
    const environment = {
      SENTINELONE_URL: tenant.url,
      SENTINELONE_API_TOKEN: 'a-wrong-token',
      STANCE_DEVICES_FILE: devices,
      STANCE_POLICY_FILE: policy,
    };
    const error = await start(environment).catch((failure: unknown) => failure);
    expect(error).toMatchObject({ name: 'ConsoleRefused' });
    const { message } = error as Error;
    expect(message).toMatch(/^the console http:\S+ cannot be read: .*401.*Create a new token/);
    expect(message).not.toContain('a-wrong-token');
    await expect(runFile()).rejects.toThrow('ENOENT');
    await tenant.close();
  }, 60_000);

  it('that refuses the token keeps no other console from being read', async () => {
    const tenants = await startSentinelOneTenants({ north: { fleet: 3 }, south: { fleet: 4 } });
    const sources = join(folder.path, 'consoles.yaml');
    const entry = (name: string, url: string, token: string) => ({ name, url, token });
    const { north, south } = tenants;
    const consoles = [entry('north', north.url, 'a-wrong-token'), entry('south', south.url, south.token)];
    await writeFile(sources, JSON.stringify({ sources: consoles }));
    const devices = join(folder.path, 'devices.csv');
    await writeFile(devices, 'deviceId,owner\nd1,kim@example.com\n');
    const policy = join(folder.path, 'policy.yaml');
    await writeFile(policy, 'version: 1\ngateways:\n  edge:\n    resources: [wiki]\nrules: []\n');
    const environment = { STANCE_SOURCES_FILE: sources, STANCE_DEVICES_FILE: devices, STANCE_POLICY_FILE: policy };
    const { lines } = await start(environment);
    expect(lines).toEqual(expect.arrayContaining(['4 agents read', expect.stringMatching(/cannot be read: .*401/)]));
    expect(lines.join('\n')).not.toContain('a-wrong-token');
    await stopLast();
    await Promise.all([north.close(), south.close()]);
  }, 60_000);

  it('that is not fully configured names everything that is missing', async () => {
    await expect(start({ SENTINELONE_URL: 'tenant.sentinelone.net' })).rejects.toThrow(
      /SENTINELONE_API_TOKEN is not set/,
    );
  }, 60_000);
});

describe('a port in use', () => {
  it.each([
    ['the embedded NATS server', 'STANCE_NATS_PORT'],
    ['the health server', 'STANCE_HTTP_PORT'],
  ])(
    'of %s is named, with what to do',
    async (_, name) => {
      const taken = await takenPort();
      await expect(start({ [name]: String(taken.port) })).rejects.toThrow(
        new RegExp(`port ${taken.port}.*in use`, 'i'),
      );
      taken.close();
    },
    60_000,
  );

  it('of the gateway is named, with what to do', async () => {
    const taken = await takenPort();
    await writeFile(join(folder.path, 'gateway.yaml'), gatewayFile(taken.port));
    await expect(start()).rejects.toThrow(`port ${taken.port}`);
    taken.close();
  }, 60_000);
});
