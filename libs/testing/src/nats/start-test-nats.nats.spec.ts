import { afterEach, describe, expect, test } from '@jest/globals';

import { startFaultProxy } from '../fault-proxy.js';
import { PATIENCE_MS, waitFor } from '../wait-for.js';
import { SharedServerError, SharedServerOptionsError, startTestNats, type TestNats } from './start-test-nats.js';

const shared = process.env['NATS_URL'];
const started: TestNats[] = [];

afterEach(async () => {
  if (shared === undefined) delete process.env['NATS_URL'];
  else process.env['NATS_URL'] = shared;
  await Promise.all(started.splice(0).map((nats) => nats.close()));
});

async function start(): Promise<TestNats> {
  const nats = await startTestNats();
  started.push(nats);
  return nats;
}

describe('startTestNats', () => {
  test('gives a modern server with JetStream, and connections that end with it', async () => {
    const nats = await start();
    const connection = await nats.connect();
    expect(connection.info?.jetstream).toBe(true);
    const reply = await connection.request('$JS.API.INFO', '', { timeout: PATIENCE_MS });
    expect(reply.json()).toMatchObject({ streams: 0 });
    await nats.close();
    expect(connection.isClosed()).toBe(true);
  });

  test('a server of NATS_URL is used as it is and never stopped', async () => {
    const own = await start();
    process.env['NATS_URL'] = own.url;
    const nats = await start();
    expect(nats).toMatchObject({ url: own.url, dedicated: false, origin: 'NATS_URL' });
    await expect(nats.kill()).rejects.toThrow(SharedServerError);
    await expect(nats.stop()).rejects.toThrow(SharedServerError);
    await expect(nats.restart()).rejects.toThrow(SharedServerError);
    await expect(startTestNats({ serverConfig: 'max_connections: 5' })).rejects.toThrow(SharedServerOptionsError);
    await nats.close();
    await expect(own.connect()).resolves.toBeDefined();
  });

  test('a client reconnects through the fault proxy after a cut', async () => {
    const nats = await start();
    const proxy = await startFaultProxy({ target: nats.url });
    const connection = await nats.connect({ servers: `nats://127.0.0.1:${proxy.port}`, reconnectTimeWait: 20 });
    const reconnected = (async () => {
      for await (const status of connection.status()) if (status.type === 'reconnect') return true;
      return false;
    })();
    proxy.cut();
    await expect(reconnected).resolves.toBe(true);
    await connection.close();
    await proxy.close();
  });
});

(shared === undefined ? describe : describe.skip)('a server of the file’s own', () => {
  test('keeps the data over a kill and a restart on the same address', async () => {
    const nats = await start();
    expect(nats.dedicated).toBe(true);
    const connection = await nats.connect({ reconnectTimeWait: 50, maxReconnectAttempts: -1 });
    const config = { name: 'KEPT', subjects: ['kept.>'], storage: 'file' };
    await connection.request('$JS.API.STREAM.CREATE.KEPT', JSON.stringify(config), { timeout: PATIENCE_MS });
    await connection.request('kept.one', 'payload', { timeout: PATIENCE_MS });
    await nats.kill();
    await nats.restart();
    const info = await waitFor(() => connection.request('$JS.API.STREAM.INFO.KEPT', '', { timeout: 500 }), {
      what: 'the client is connected again',
    });
    expect(info.json()).toMatchObject({ state: { messages: 1 } });
  });

  test('two servers know nothing of each other', async () => {
    const [one, other] = await Promise.all([start(), start()]);
    expect(one.url).not.toBe(other.url);
  });
});
