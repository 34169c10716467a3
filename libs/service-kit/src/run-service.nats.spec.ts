import { writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { Module } from '@nestjs/common';
import { AgentObserved, BUCKETS, STREAMS, wireStreamConfig, wireTopology, type DataOf } from '@stance/contracts';
import { applyTopology, EventPublisher, FactTable } from '@stance/jetstream';
import {
  freePort,
  startFaultProxy,
  startTestNats,
  temporaryFolder,
  waitFor,
  watchLease,
  type TestNats,
  PATIENCE_MS,
} from '@stance/testing';
import { ConfigurationInvalid, text } from './configuration.js';
import { createLogger } from './log.js';
import { PortUnavailable } from './health-server.js';
import { StopTimedOut } from './replica.js';
import { configurationProblems, startService, type RunningService } from './run-service.js';
import { defineService, type Runtime, type ServiceParts, type WarmTable } from './service.js';

let nats: TestNats;
let connection: NatsConnection;
const services: RunningService[] = [];
beforeAll(async () => {
  nats = await startTestNats();
  connection = await nats.connect({ maxReconnectAttempts: -1, reconnectTimeWait: 50 });
  await applyTopology(connection);
});
afterEach(async () => {
  await Promise.allSettled(services.splice(0).map((service) => service.stop()));
});
afterAll(() => nats.close());

@Module({})
class EmptyModule {}

interface Options {
  readonly lease?: string;
  readonly build?: (runtime: Runtime) => Partial<ServiceParts>;
}

/** A service of whatever parts a test needs; by default one that does nothing. */
function serviceOf({ lease, build = () => ({}) }: Options = {}) {
  return defineService({
    name: 'device-matcher',
    httpPort: 0,
    settings: { GREETING: text({ default: 'hello', description: 'what is said' }) },
    ...(lease !== undefined && { lease: () => lease }),
    build: (runtime) => ({ module: { module: EmptyModule }, ...build(runtime) }),
  });
}

async function start(options: Options = {}, environment: NodeJS.ProcessEnv = {}): Promise<RunningService> {
  const service = await startService(serviceOf(options), {
    environment: {
      NATS_URL: nats.url,
      LOG_LEVEL: 'silent',
      STANCE_HTTP_PORT: '0',
      STANCE_SHUTDOWN_DEADLINE: '20s',
      ...environment,
    },
  });
  services.push(service);
  return service;
}

const untilState = (service: RunningService, state: string) =>
  waitFor(() => service.state() === state, { what: `the service to be ${state}` });

/** A log whose lines are at hand. */
function recordingLogger() {
  const lines: { level: string; msg: string }[] = [];
  const destination = {
    write: (line: string) => {
      const { level, msg } = JSON.parse(line) as { level: string; msg: string };
      lines.push({ level, msg });
    },
  };
  return { lines, logger: createLogger('device-matcher', 'info', destination) };
}

async function readiness(service: RunningService): Promise<[number, unknown]> {
  const response = await fetch(`${service.url}/readyz`);
  return [response.status, await response.json()];
}

/** A table whose loading is in the test's hand. */
function heldTable(): WarmTable & { release: () => void; calls: string[] } {
  const { promise, resolve } = Promise.withResolvers<void>();
  const calls: string[] = [];
  return {
    calls,
    release: resolve,
    load: async () => {
      calls.push('load');
      await promise;
    },
    caughtUp: async () => void calls.push('caughtUp'),
    stopFollowing: async () => void calls.push('stopFollowing'),
  };
}

const present: DataOf<typeof AgentObserved> = {
  source: 'spec',
  agentId: '1',
  presence: 'present',
  hardware: {},
  attributes: {},
  observedAt: '2026-11-21T08:00:00Z',
};

describe('the life of a service', () => {
  it('is connecting, loading, standby, active, stopped; ready from standby on', async () => {
    const fed = heldTable();
    const followed = heldTable();
    const steps: string[] = [];
    const service = await start({
      lease: 'life',
      build: () => ({
        tables: { fed: [fed], followed: [followed] },
        activate: async () => void steps.push(`activate after ${fed.calls.join()} and ${followed.calls.join()}`),
        deactivate: async () => void steps.push('deactivate'),
        health: () => ({ ready: true, details: { agents: 3 } }),
      }),
    });
    expect(service.state()).toBe('connecting');
    await untilState(service, 'loading');
    expect(await readiness(service)).toEqual([503, { ready: false, state: 'loading', details: { agents: 3 } }]);
    fed.release();
    expect(service.state()).toBe('loading');
    followed.release();
    await service.active;
    expect(steps).toEqual(['activate after load,caughtUp,stopFollowing and load,caughtUp']);
    expect(await readiness(service)).toEqual([200, { ready: true, state: 'active', details: { agents: 3 } }]);
    expect((await fetch(`${service.url}/livez`)).status).toBe(200);
    await service.stop();
    expect(steps.slice(1)).toEqual(['deactivate']);
    expect(service.state()).toBe('stopped');
    await expect(fetch(`${service.url}/livez`)).rejects.toThrow('fetch failed');
    await service.stopped;
  });

  it('has one active replica; the standby is warm, and takes over at once from one that stops', async () => {
    const seen: Record<string, number> = {};
    const replica = (name: string) => ({
      lease: 'two-replicas',
      build: ({ connection: own, publisher }: Runtime) => ({
        tables: {
          followed: [
            new FactTable(own, publisher, AgentObserved, {
              keep: ({ data }) => data,
              only: { source: 'spec' },
              onChange: () => (seen[name] = (seen[name] ?? 0) + 1),
            }),
          ],
        },
      }),
    });
    const first = await start(replica('first'));
    await first.active;
    const second = await start(replica('second'));
    await untilState(second, 'standby');
    expect((await readiness(second))[0]).toBe(200);
    const publisher = new EventPublisher(connection, 'sentinelone-poller', { timeoutMs: PATIENCE_MS });
    await publisher.publish(AgentObserved, present, { id: 'warm', cause: {} });
    await waitFor(() => seen['first'] === 1 && seen['second'] === 1, { what: 'both replicas to see the observation' });
    expect(second.state()).toBe('standby');

    const isGivenBack = await watchLease(connection, 'two-replicas');
    await first.stop();
    await second.active;
    expect(await isGivenBack()).toBe(true);
  });

  it('starts over as a standby, with parts built anew, when its lease is lost', async () => {
    let built = 0;
    let deactivated = 0;
    const service = await start({
      lease: 'lost',
      build: () => ((built += 1), { deactivate: async () => void (deactivated += 1) }),
    });
    await service.active;
    // What another replica's takeover looks like: the key is not as it was left.
    const manager = await jetstreamManager(connection);
    await manager.streams.purge(`KV_${BUCKETS.LEASES.name}`);
    await waitFor(() => deactivated === 1, { what: 'the lost lease to be noticed' });
    await waitFor(() => service.state() === 'active' && built === 2, { what: 'a second stretch of activity' });
    await service.stop();
    expect(deactivated).toBe(2);
  });

  it.each([['with a lease', 'made-anew'] as const, ['without one', undefined] as const])(
    'starts over from what the streams hold when one of them was made anew, %s',
    async (_, lease) => {
      const manager = await jetstreamManager(connection);
      const publisher = new EventPublisher(connection, 'sentinelone-poller', { timeoutMs: PATIENCE_MS });
      const observe = (agentId: string) =>
        publisher.publish(AgentObserved, { ...present, agentId }, { id: `${agentId}:${performance.now()}`, cause: {} });
      await observe('old');
      await observe('older than the new');
      const { logger, lines } = recordingLogger();
      const agents: FactTable<typeof AgentObserved, string>[] = [];
      const service = await startService(
        serviceOf({
          ...(lease !== undefined && { lease }),
          build: (own) => {
            const keep = ({ data }: { data: { agentId: string } }) => data.agentId;
            const table = new FactTable(own.connection, own.publisher, AgentObserved, {
              keep,
              only: { source: 'spec' },
            });
            agents.push(table);
            return { tables: { fed: [table] } };
          },
        }),
        { environment: { NATS_URL: nats.url }, http: false, logger },
      );
      services.push(service);
      await service.active;
      await manager.streams.delete(STREAMS.AGENTS.name);
      await waitFor(() => lines.some(({ msg }) => msg.includes('was deleted')), { what: 'the loss to be told' });
      expect(agents).toHaveLength(1);
      // In one go: it is what the service finds as soon as it looks at the stream.
      await manager.streams.add(wireStreamConfig(STREAMS.AGENTS));
      await observe('new');
      await waitFor(() => service.state() === 'active' && agents.length === 2, { what: 'a second stretch' });
      expect([...(agents.at(-1)?.values() ?? [])]).toEqual(['new']);
      expect(lines).toContainEqual({
        level: 'warn',
        msg: expect.stringMatching(/^the stream STANCE_AGENTS was deleted and made anew.*: starting over/),
      });
    },
  );

  it('waits for all of its streams when they are made anew one by one', async () => {
    const manager = await jetstreamManager(connection);
    let built = 0;
    const service = await start({
      lease: 'one-by-one',
      build: ({ connection: own, publisher }) => {
        built += 1;
        return { tables: { fed: [new FactTable(own, publisher, AgentObserved, { keep: ({ data }) => data })] } };
      },
    });
    await service.active;
    await manager.streams.delete(STREAMS.DEVICES.name);
    await manager.streams.delete(STREAMS.AGENTS.name);
    await manager.streams.add(wireStreamConfig(STREAMS.AGENTS));
    await untilState(service, 'loading');
    expect(built).toBe(1);
    await applyTopology(connection);
    await untilState(service, 'active');
    expect(built).toBe(2);
  });

  it('is up again by itself after the server was away for longer than the lease lives', async () => {
    if (!nats.dedicated) return;
    const table: ServiceParts['tables'][] = [];
    const service = await start({
      lease: 'outage',
      build: ({ connection: own, publisher }) => {
        const tables = { fed: [new FactTable(own, publisher, AgentObserved, { keep: ({ data }) => data })] };
        table.push(tables);
        return { tables };
      },
    });
    await service.active;
    await nats.kill();
    try {
      await waitFor(() => table.length > 1, { what: 'the loss of the lease' });
      expect(service.state()).not.toBe('failed');
    } finally {
      await nats.restart();
    }
    await untilState(service, 'active');
  });

  it('waits for a server that is not up yet', async () => {
    const proxy = await startFaultProxy({ target: nats.url });
    await proxy.refuse();
    const service = await start({}, { NATS_URL: `nats://127.0.0.1:${proxy.port}` });
    expect(await readiness(service)).toEqual([503, { ready: false, state: 'connecting' }]);
    expect(service.state()).toBe('connecting');
    await proxy.resume();
    await service.active;
    await service.stop();
    await proxy.close();
  });

  it('stops while it waits for a server, and closes the connection that still comes about', async () => {
    const port = await freePort();
    const service = await start({}, { NATS_URL: `nats://127.0.0.1:${port}` });
    await service.stop();
    expect(service.state()).toBe('stopped');
    await expect(service.active).rejects.toThrow('device-matcher was stopped before it was active');
    let closed = 0;
    const late = createServer((socket) => {
      const { hostname, port: natsPort } = new URL(nats.url);
      const upstream = connect(Number(natsPort), hostname);
      socket.pipe(upstream).pipe(socket);
      socket.once('close', () => {
        closed += 1;
        upstream.destroy();
      });
    }).listen(port, '127.0.0.1');
    await waitFor(() => closed === 1, { what: 'the late connection to be closed' });
    late.close();
  });

  it('stops while it stands by', async () => {
    await (
      await start({ lease: 'standing-by' })
    ).active;
    const standby = await start({ lease: 'standing-by' }, { STANCE_SHUTDOWN_DEADLINE: '50s' });
    await untilState(standby, 'standby');
    const stoppedAt = performance.now();
    await standby.stop();
    expect(performance.now() - stoppedAt).toBeLessThan(20_000);
    expect(standby.state()).toBe('stopped');
  });

  it('says when it stands by in vain, as its lease cannot be asked for: it is not ready, and the log says what to do', async () => {
    const manager = await jetstreamManager(connection);
    const { logger, lines } = recordingLogger();
    const table = heldTable();
    const definition = serviceOf({ lease: 'in-vain', build: () => ({ tables: { fed: [table] } }) });
    const service = await startService(definition, { environment: { NATS_URL: nats.url }, http: false, logger });
    services.push(service);
    await untilState(service, 'loading');
    await manager.streams.delete(`KV_${BUCKETS.LEASES.name}`);
    table.release();
    const trouble = await waitFor(() => service.health().details?.['lease'], { what: 'the trouble in its health' });
    expect(trouble).toMatch(/lease in-vain cannot be asked for.*stance topology apply/);
    expect(service.health()).toMatchObject({ ready: false, state: 'standby' });
    expect(lines).toContainEqual({ level: 'warn', msg: trouble });
    await applyTopology(connection);
    await service.active;
    expect(service.health()).toEqual({ ready: true, state: 'active' });
  });

  it('stops while it loads', async () => {
    const service = await start({
      build: () => ({
        tables: {
          followed: [
            {
              load: (signal) =>
                new Promise((_, reject) => signal?.addEventListener('abort', () => reject(new Error('stopped')))),
              caughtUp: () => Promise.resolve(),
              stopFollowing: () => Promise.resolve(),
            },
          ],
        },
      }),
    });
    await untilState(service, 'loading');
    await service.stop();
    expect(service.state()).toBe('stopped');
  });

  it('is stopped once, however often it is told to', async () => {
    let deactivated = 0;
    const service = await start({ build: () => ({ deactivate: async () => void (deactivated += 1) }) });
    await service.active;
    await Promise.all([service.stop(), service.stop()]);
    await service.stop();
    expect([deactivated, service.state()]).toEqual([1, 'stopped']);
  });

  it('ends everything else, too, when the end of its work fails', async () => {
    const service = await start({
      lease: 'bad-end',
      build: () => ({ deactivate: () => Promise.reject(new Error('cannot say goodbye')) }),
    });
    await service.active;
    const isGivenBack = await watchLease(connection, 'bad-end');
    await service.stop().catch(() => undefined);
    await (
      await start({ lease: 'bad-end' })
    ).active;
    expect(await isGivenBack()).toBe(true);
  });

  it('is given up at its deadline when its work does not end', async () => {
    const work = Promise.withResolvers<void>();
    const service = await start(
      { build: () => ({ deactivate: () => work.promise }) },
      { STANCE_SHUTDOWN_DEADLINE: '1s' },
    );
    await service.active;
    const stoppedAt = performance.now();
    await expect(service.stop()).rejects.toThrow(StopTimedOut);
    expect(performance.now() - stoppedAt).toBeLessThan(20_000);
    work.resolve();
    expect(service.state()).toBe('failed');
  });
});

describe('a service that fails', () => {
  it('by itself ends for good, with its own reason, and closes what it had', async () => {
    let fail: (error: Error) => void = () => undefined;
    let deactivated = 0;
    const service = await start({
      lease: 'failing',
      build: (runtime) => ((fail = runtime.fail), { deactivate: async () => void (deactivated += 1) }),
    });
    await service.active;
    const isGivenBack = await watchLease(connection, 'failing');
    fail(new Error('its port is taken'));
    await expect(service.stopped).rejects.toThrow('its port is taken');
    expect([service.state(), deactivated]).toEqual(['failed', 1]);
    await expect(fetch(`${service.url}/livez`)).rejects.toThrow('fetch failed');
    await expect(service.stop()).rejects.toThrow('its port is taken');
    expect(service.state()).toBe('failed');
    await (
      await start({ lease: 'failing' })
    ).active;
    expect(await isGivenBack()).toBe(true);
  });

  it('while it becomes active gives its lease back', async () => {
    const isGivenBack = await watchLease(connection, 'failing-early');
    const service = await start({
      lease: 'failing-early',
      build: () => ({ activate: () => Promise.reject(new Error('no port')) }),
    });
    await expect(service.active).rejects.toThrow('no port');
    await expect(service.stopped).rejects.toThrow('no port');
    await (
      await start({ lease: 'failing-early' })
    ).active;
    expect(await isGivenBack()).toBe(true);
  });

  it('for want of its streams says which are missing and what to do', async () => {
    const manager = await jetstreamManager(connection);
    const [missing] = wireTopology().filter(({ name }) => name === 'STANCE_DEVICES');
    await manager.streams.delete('STANCE_DEVICES');
    try {
      const service = await start();
      await expect(service.active).rejects.toThrow(/STANCE_DEVICES: is missing.*stance topology apply/);
      expect(service.state()).toBe('failed');
    } finally {
      expect(missing).toBeDefined();
      await applyTopology(connection);
    }
  });

  it('for want of a port or of a right configuration does not even start', async () => {
    const first = await start();
    await first.active;
    const { port } = new URL(first.url ?? '');
    await expect(start({}, { STANCE_HTTP_PORT: port })).rejects.toThrow(PortUnavailable);
    const wrong = start({}, { NATS_URL: '', STANCE_HTTP_PORT: 'x', LOG_LEVEL: 'loud', STANCE_SHUTDOWN_DEADLINE: '0s' });
    await expect(wrong).rejects.toThrow(ConfigurationInvalid);
    await expect(wrong).rejects.toThrow(
      /4 problems:[^]*NATS_URL[^]*LOG_LEVEL[^]*SHUTDOWN_DEADLINE[^]*STANCE_HTTP_PORT/,
    );
  });

  it('can be asked for its problems without being started', () => {
    expect(configurationProblems(serviceOf(), { NATS_URL: 'nats://localhost' })).toEqual([]);
    expect(configurationProblems(serviceOf(), { LOG_LEVEL: 'loud' })).toEqual([
      expect.stringContaining('NATS_URL is not set'),
      expect.stringContaining('LOG_LEVEL must be one of'),
    ]);
  });

  it.each([
    ['tls://a:4222,nats://b:4222', /^NATS_URL mixes tls:\/\/ with addresses that do not ask for TLS/],
    ['wss://a:443', /^NATS_URL begins with wss:\/\//],
  ])('with the addresses %s it does not start', (address, problem) => {
    expect(configurationProblems(serviceOf(), { NATS_URL: address })).toEqual([expect.stringMatching(problem)]);
  });
});

/** Of a user that no server knows. */
const SEED_OF_ZEROS = `SU${'A'.repeat(54)}EQ`;

describe('a user of NATS without TLS', () => {
  /** Whether a service that has a key warned by the time that it was active. */
  async function warnsAt(host: string): Promise<boolean> {
    const folder = await temporaryFolder();
    const seedFile = join(folder.path, 'user.nk');
    writeFileSync(seedFile, SEED_OF_ZEROS);
    const { lines, logger } = recordingLogger();
    const service = await startService(serviceOf(), {
      environment: { NATS_URL: `nats://${host}:${new URL(nats.url).port}`, NATS_NKEY_SEED_FILE: seedFile },
      logger,
      http: false,
    });
    services.push(service);
    await service.active;
    await folder.remove();
    return lines.some(({ level, msg }) => level === 'warn' && /NATS_URL does not ask for TLS/.test(msg));
  }

  it('is warned of, except on this machine', async () => {
    // An address of this machine that does not look like one.
    expect(await warnsAt('0.0.0.0')).toBe(true);
    expect(await warnsAt('127.0.0.1')).toBe(false);
  });
});
