import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { STREAMS } from '@stance/contracts';
import { applyTopology } from '@stance/jetstream';
import { ConfigurationInvalid, createLogger, PortUnavailable, type Logger } from '@stance/service-kit';
import { startSentinelOneTenant, type SentinelOneTenant } from '@stance/simulators';
import {
  ServiceProcess,
  startTestNats,
  temporaryFolder,
  waitFor,
  type TemporaryFolder,
  type TestNats,
} from '@stance/testing';
import { startAll, type AllServices } from './start-all.js';

let nats: TestNats;
let connection: NatsConnection;
let tenant: SentinelOneTenant;
let folder: TemporaryFolder;
const running: AllServices[] = [];
beforeAll(async () => {
  nats = await startTestNats();
  connection = await nats.connect();
  await applyTopology(connection);
  tenant = await startSentinelOneTenant({ fleet: 3 });
  folder = await temporaryFolder();
});
afterEach(async () => {
  await Promise.allSettled(running.splice(0).map((all) => all.stop()));
});
afterAll(async () => {
  await tenant.close();
  await nats.close();
  await folder.remove();
});

const NAMES = [
  'audit',
  'policy-engine',
  'posture-store',
  'device-matcher',
  'config-sync',
  'gateway',
  'sentinelone-poller',
];
const silent = (service: string): Logger => createLogger(service, 'silent');

async function environment(overrides: NodeJS.ProcessEnv = {}, gatewayPort = 0): Promise<NodeJS.ProcessEnv> {
  const gateway = join(folder.path, `gateway-${gatewayPort}.yaml`);
  await writeFile(
    gateway,
    `name: edge\nlisten: { port: ${gatewayPort} }\ntrustedProxies: [127.0.0.1/32]\ndevice: { header: {} }\n`,
  );
  const devices = join(folder.path, 'devices.yaml');
  await writeFile(devices, 'devices:\n  - deviceId: d1\n    serialNumber: SN1\n');
  const policy = join(folder.path, 'policy.yaml');
  await writeFile(policy, 'version: 1\ngateways:\n  edge:\n    resources: [wiki]\nrules: []\n');
  return {
    NATS_URL: nats.url,
    STANCE_HTTP_PORT: '0',
    SENTINELONE_URL: tenant.url,
    SENTINELONE_API_TOKEN: tenant.token,
    STANCE_GATEWAY_FILE: gateway,
    STANCE_DEVICES_FILE: devices,
    STANCE_POLICY_FILE: policy,
    ...overrides,
  };
}

async function start(given?: NodeJS.ProcessEnv): Promise<AllServices> {
  const all = await startAll(given ?? (await environment()), silent);
  running.push(all);
  return all;
}

const statesOf = (all: AllServices) => all.services.map((service) => service.state());

async function readiness(all: AllServices) {
  const response = await fetch(`${all.url}/readyz`);
  return { status: response.status, health: (await response.json()) as { state: string; details: object } };
}

/** A port that somebody else listens on. */
async function takenPort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, close: () => server.close() };
}

describe('all services in one process', () => {
  it('become active together, ready as one, and stop together', async () => {
    const all = await start();
    expect(await readiness(all)).toMatchObject({ status: 503, health: { ready: false, state: 'not ready' } });
    await all.active;
    expect(all.services.map(({ name }) => name)).toEqual(NAMES);
    expect(new Set(statesOf(all))).toEqual(new Set(['active']));
    // The gateway is ready once it has heard of the policy engine.
    const { health } = await waitFor(
      async () => {
        const look = await readiness(all);
        return look.status === 200 && look;
      },
      { what: '/readyz to be 200' },
    );
    expect(health).toMatchObject({ ready: true, state: 'ready' });
    expect(Object.keys(health.details)).toEqual(NAMES);
    expect((await fetch(`${all.url}/livez`)).status).toBe(200);
    expect((await fetch(`${all.url}/metrics`)).status).toBe(200);
    await all.stop();
    await all.stopped;
    expect(new Set(statesOf(all))).toEqual(new Set(['stopped']));
    await expect(fetch(`${all.url}/livez`)).rejects.toThrow('fetch failed');
  });

  it('name the problems of all of them at once, before any is started', async () => {
    const { consumers } = await jetstreamManager(connection);
    const readers = async () => (await consumers.list(STREAMS.AUDIT.name).next()).map(({ name }) => name);
    const before = await readers();
    const wrong = startAll(
      {
        SENTINELONE_URL: 'ftp://console',
        STANCE_GATEWAY_MAX_SILENCE: '1s',
        STANCE_HTTP_PORT: '-1',
        STANCE_SHUTDOWN_DEADLINE: 'soon',
      },
      silent,
    );
    const error = await wrong.catch((failure: unknown) => failure);
    expect(error).toBeInstanceOf(ConfigurationInvalid);
    const { problems } = error as ConfigurationInvalid;
    expect(problems.map((problem) => problem.split(' ')[0] ?? '').toSorted()).toEqual([
      'NATS_URL',
      'SENTINELONE_API_TOKEN',
      'SENTINELONE_URL',
      'STANCE_GATEWAY_FILE',
      'STANCE_GATEWAY_MAX_SILENCE',
      'STANCE_HTTP_PORT',
      'STANCE_SHUTDOWN_DEADLINE',
    ]);
    // Those of the test before may be on their way out.
    expect((await readers()).filter((name) => !before.includes(name))).toEqual([]);
  });

  it('all stop when one of them fails, for its reason', async () => {
    const taken = await takenPort();
    const all = await start(await environment({}, taken.port));
    await expect(all.stopped).rejects.toThrow(`port ${taken.port}`);
    await expect(all.active).rejects.toThrow(`port ${taken.port}`);
    expect(statesOf(all).filter((state) => state !== 'stopped')).toEqual(['failed']);
    await expect(fetch(`${all.url}/livez`)).rejects.toThrow('fetch failed');
    taken.close();
  });

  it('start none when their port is taken', async () => {
    const taken = await takenPort();
    await expect(start(await environment({ STANCE_HTTP_PORT: String(taken.port) }))).rejects.toThrow(PortUnavailable);
    taken.close();
  });
});

describe('the process', () => {
  it('names every problem and exits with 2', async () => {
    const process = ServiceProcess.start('all-in-one', { STANCE_HTTP_PORT: 'x' });
    expect(await process.ended()).toBe(2);
    expect(process.errors).toMatch(/^stance: the configuration has \d problems:\n( {2}- .*\n)+$/);
  });

  it('says in one line which streams are missing and exits with 1', async () => {
    const empty = await startTestNats();
    const process = ServiceProcess.start('all-in-one', await environment({ NATS_URL: empty.url }));
    expect(await process.ended()).toBe(1);
    expect(process.errors).toMatch(/^stance: the streams are not as Stance needs them: .*stance topology apply.*\n$/);
    // Those of the service that looked first.
    expect(process.errors).toMatch(/: STANCE_[A-Z]+: is missing;/);
    await empty.close();
  });
});
