import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';

import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { AgentMatched, AgentObserved, BUCKETS, STREAMS } from '@stance/contracts';
import {
  ServiceProcess,
  startFaultProxy,
  startTestNats,
  temporaryFolder,
  waitFor,
  type TemporaryFolder,
} from '@stance/testing';

import { factsOf, settled } from './facts.js';
import { writeConfiguration } from './files.js';
import { connectWithStreams, Stack } from './stack.js';

const SERVICES = [
  'sentinelone-poller',
  'device-matcher',
  'posture-store',
  'policy-engine',
  'audit',
  'config-sync',
  'gateway',
];

let folder: TemporaryFolder;
let configuration: NodeJS.ProcessEnv;
let stack: Stack;

beforeAll(async () => {
  folder = await temporaryFolder();
  configuration = await writeConfiguration(folder.path, 1);
  stack = await Stack.start();
}, 60_000);

afterAll(async () => {
  await stack?.close();
  await folder?.remove();
});

const started: ServiceProcess[] = [];
afterEach(async () => {
  // Not killed: the next would have to wait for what a lease has left.
  await Promise.all(started.splice(0).map((service) => service.stop()));
});

/** A process with nothing but these settings. */
function start(name: string, environment: NodeJS.ProcessEnv): ServiceProcess {
  const service = ServiceProcess.start(name, environment);
  started.push(service);
  return service;
}

/** Everything wrong that every service can be told. */
const WRONG = { LOG_LEVEL: 'loud', STANCE_SHUTDOWN_DEADLINE: 'soon' };
const WRONG_FOR_ALL = [
  'NATS_URL is not set',
  'LOG_LEVEL must be one of',
  'STANCE_SHUTDOWN_DEADLINE must be a duration',
];
const WRONG_POLLER = {
  SENTINELONE_URL: 'not a console',
  SENTINELONE_POLL_INTERVAL: '1ms',
  SENTINELONE_SWEEP_INTERVAL: '1',
  SENTINELONE_RETIREMENT_LIMIT: '101',
};
const POLLER_PROBLEMS = [
  'SENTINELONE_URL ',
  'SENTINELONE_API_TOKEN is not set, nor is SENTINELONE_API_TOKEN_FILE',
  'SENTINELONE_POLL_INTERVAL must be from',
  'SENTINELONE_SWEEP_INTERVAL must be a duration',
  'SENTINELONE_RETIREMENT_LIMIT must be a whole number from 1 to 100',
];

describe('a wrong configuration is told as a whole, with exit code 2', () => {
  const ofService: Record<string, [NodeJS.ProcessEnv, string[]]> = {
    'sentinelone-poller': [WRONG_POLLER, POLLER_PROBLEMS],
    'config-sync': [
      { STANCE_DEVICES_FILE: 'devices.txt', STANCE_RETIREMENT_LIMIT: '10' },
      ['STANCE_DEVICES_FILE must end in', 'STANCE_RETIREMENT_LIMIT must be a share'],
    ],
    gateway: [
      { STANCE_GATEWAY_FILE: '/nowhere/gateway.yaml', STANCE_GATEWAY_MAX_SILENCE: '1s' },
      ['STANCE_GATEWAY_FILE ', 'STANCE_GATEWAY_MAX_SILENCE must be from'],
    ],
  };

  test.each(SERVICES)('%s', async (name) => {
    const [environment, problems] = ofService[name] ?? [{}, []];
    const service = start(name, { ...WRONG, STANCE_HTTP_PORT: '99999', ...environment });
    await expect(service.ended()).resolves.toBe(2);
    for (const problem of [...WRONG_FOR_ALL, 'STANCE_HTTP_PORT must be', ...problems]) {
      expect(service.errors).toContain(`  - ${problem}`);
    }
    expect(service.errors).not.toMatch(/ {4}at /);
  });

  test('all of them in one process', async () => {
    const all = Object.values(ofService);
    const environment = Object.assign({}, ...all.map(([wrong]) => wrong)) as NodeJS.ProcessEnv;
    const service = start('all-in-one', { ...WRONG, STANCE_HTTP_PORT: '99999', ...environment });
    await expect(service.ended()).resolves.toBe(2);
    for (const problem of [...WRONG_FOR_ALL, 'STANCE_HTTP_PORT must be', ...all.flatMap(([, problems]) => problems)]) {
      expect(service.errors).toContain(`  - ${problem}`);
      // Told once, however many services share it.
      expect(service.errors.split(`  - ${problem}`)).toHaveLength(2);
    }
  });

  test('config-sync with nothing to sync, before it waits for anything', async () => {
    const service = start('config-sync', { NATS_URL: 'nats://127.0.0.1:1' });
    await expect(service.ended()).resolves.toBe(2);
    expect(service.errors).toContain('neither STANCE_DEVICES_FILE nor STANCE_POLICY_FILE is set');
  });
});

describe('a port that is in use is one clear message, with exit code 1', () => {
  let occupant: Server;
  let port: number;

  beforeAll(async () => {
    occupant = createServer().listen(0, '127.0.0.1');
    await once(occupant, 'listening');
    port = (occupant.address() as AddressInfo).port;
  });
  afterAll(() => void occupant?.close());

  const needed = () => ({
    NATS_URL: stack.nats.url,
    SENTINELONE_URL: stack.tenant.url,
    SENTINELONE_API_TOKEN: stack.tenant.token,
    ...configuration,
  });

  test.each([...SERVICES, 'all-in-one'])('%s', async (name) => {
    const service = start(name, { ...needed(), STANCE_HTTP_PORT: String(port) });
    await expect(service.ended()).resolves.toBe(1);
    expect(service.errors.trim().split('\n')).toEqual([
      expect.stringMatching(
        new RegExp(`port ${port} on 127\\.0\\.0\\.1 is in use by another process: set STANCE_HTTP_PORT`),
      ),
    ]);
  });
});

describe('starting and stopping', () => {
  // A server of NATS_URL is not ours to stop.
  (process.env['NATS_URL'] === undefined ? describe : describe.skip)('before the server', () => {
    test('a service that starts before NATS waits for it, and becomes active', async () => {
      const nats = await startTestNats();
      const connection = await connectWithStreams(nats);
      await connection.close();
      await nats.stop();
      const service = start('device-matcher', { NATS_URL: nats.url });
      try {
        await service.logged('listening');
        const readyz = await fetch(`${service.url}/readyz`);
        expect(readyz.status).toBe(503);
        await expect(readyz.json()).resolves.toMatchObject({ ready: false, state: 'connecting' });
        await nats.restart();
        await service.reached('active');
      } finally {
        await service.kill();
        await nats.close();
      }
    });
  });

  test('SIGTERM with work under way ends with 0 within the deadline, and nothing is lost', async () => {
    const count = 3_000;
    const publisher = stack.publisher('sentinelone-poller');
    const observed = Array.from({ length: count }, (_, index) =>
      publisher.publish(
        AgentObserved,
        {
          source: 'load',
          agentId: `a${index}`,
          presence: 'present',
          hardware: { serialNumber: `LOAD-${index}` },
          attributes: {},
          observedAt: new Date().toISOString(),
        },
        { id: `e2e:load:${index}`, cause: {} },
      ),
    );
    await Promise.all(observed);
    const matched = () => stack.lastSequence(STREAMS.MATCHES);
    // Through this process: while it stands still, the matcher does not get ahead of it.
    const link = await startFaultProxy({ target: stack.nats.url });
    const matcher = stack.spawn('device-matcher', {
      NATS_URL: `nats://127.0.0.1:${link.port}`,
      STANCE_SHUTDOWN_DEADLINE: '20s',
    });
    await waitFor(async () => (await matched()) > 0, { what: 'the first match', intervalMs: 1 });
    const stoppedAt = performance.now();
    await expect(matcher.stop()).resolves.toBe(0);
    await link.close();
    expect(performance.now() - stoppedAt).toBeLessThan(20_000);
    expect(await matched()).toBeLessThan(count);

    await stack.run(['device-matcher', 'audit']);
    await settled(stack);
    const registers = await factsOf(stack, AgentMatched, { only: { source: 'load' } });
    expect(registers).toHaveLength(count);
    expect(new Set(registers.map(({ data }) => data.agentId)).size).toBe(count);
  }, 120_000);

  describe('two replicas', () => {
    interface LeaseValue {
      readonly holder?: string;
    }

    /** One that is active and one that waits for its turn. */
    async function pair(): Promise<[ServiceProcess, ServiceProcess]> {
      const active = stack.spawn('posture-store');
      await active.reached('active');
      const standby = stack.spawn('posture-store');
      await standby.reached('standby');
      started.push(active, standby);
      return [active, standby];
    }

    test('one is active, and the other stands by and says so', async () => {
      const [active, standby] = await pair();
      const states = await Promise.all(
        [active, standby].map(
          async ({ url }) => ((await (await fetch(`${url}/readyz`)).json()) as { state: string }).state,
        ),
      );
      expect(states).toEqual(['active', 'standby']);
    });

    test('SIGTERM hands over before the lease would have ended', async () => {
      const [active, standby] = await pair();
      const lease = `$KV.${BUCKETS.LEASES.name}.posture-store`;
      const held = await stack.manager.streams.getMessage(`KV_${BUCKETS.LEASES.name}`, { last_by_subj: lease });
      const { holder } = held?.json<LeaseValue>() ?? {};
      const replacedByOthers: number[] = [];
      const renewals = stack.connection.subscribe(lease, {
        callback: (_error, message) => {
          if (message.data.length === 0 || message.json<LeaseValue>().holder === holder) return;
          replacedByOthers.push(Number(message.headers?.get('Nats-Expected-Last-Subject-Sequence')));
        },
      });
      const stopped = active.stop();
      await standby.reached('active');
      await stack.connection.flush();
      renewals.unsubscribe();
      await expect(stopped).resolves.toBe(0);
      // One that has run out leaves nothing to replace; the first renewal comes only a second after it was taken.
      expect(replacedByOthers.filter((sequence) => sequence > 0)).not.toEqual([]);
    });

    test('kill -9 hands over soon after the lease has ended', async () => {
      const [active, standby] = await pair();
      await active.kill();
      await expect(standby.reached('active', 15_000)).resolves.toBeUndefined();
    });
  });
});
