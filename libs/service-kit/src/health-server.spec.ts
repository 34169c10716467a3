import { createServer } from 'node:http';
import { afterEach, describe, expect, it } from '@jest/globals';
import { listen, PortUnavailable, startHealthServer, type Health, type HealthServer } from './health-server.js';

const servers: HealthServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

async function start(options: { port?: number; host?: string; health?: () => Health } = {}): Promise<HealthServer> {
  const server = await startHealthServer({
    host: '127.0.0.1',
    port: 0,
    health: () => ({ ready: true, state: 'active' }),
    metrics: (_request, response) => response.end('stance_messages_settled_total 1\n'),
    ...options,
  });
  servers.push(server);
  return server;
}

describe('the health server', () => {
  it('is live for as long as it answers, ready or not', async () => {
    const { url } = await start({ health: () => ({ ready: false, state: 'loading' }) });
    const response = await fetch(`${url}/livez`);
    expect([response.status, await response.json()]).toEqual([200, { status: 'live' }]);
  });

  it('says whether the service is ready, and why', async () => {
    let health: Health = { ready: false, state: 'loading' };
    const { url } = await start({ health: () => health });
    const look = async () => {
      const response = await fetch(`${url}/readyz?verbose`);
      return [response.status, await response.json()];
    };
    expect(await look()).toEqual([503, health]);
    health = { ready: true, state: 'active', details: { source: { state: 'ok' } } };
    expect(await look()).toEqual([200, health]);
  });

  it('gives the metrics, and says what else there is', async () => {
    const { url } = await start();
    expect(await (await fetch(`${url}/metrics`)).text()).toBe('stance_messages_settled_total 1\n');
    const other = await fetch(`${url}/elsewhere`);
    expect([other.status, await other.json()]).toEqual([404, { error: 'there is /livez, /readyz and /metrics' }]);
  });

  it('says which port is taken and what to do', async () => {
    const { url } = await start();
    const port = Number(new URL(url).port);
    const second = start({ port });
    await expect(second).rejects.toThrow(PortUnavailable);
    await expect(second).rejects.toThrow(
      `port ${port} on 127.0.0.1 is in use by another process: set STANCE_HTTP_PORT to another one, or stop what uses it`,
    );
  });

  it('says what is wrong with an address that is not this machine', async () => {
    // TEST-NET-1 belongs to nobody.
    await expect(listen(createServer(), '192.0.2.1', 0)).rejects.toThrow(/cannot be used \(.*EADDRNOTAVAIL/);
  });

  it('has an address that can be asked with IPv6 as well', async () => {
    const { url } = await start({ host: '::1' });
    expect((await fetch(`${url}/livez`)).status).toBe(200);
  });

  it('closes at once, with a connection open, and frees its port', async () => {
    const server = await start();
    await fetch(`${server.url}/livez`);
    await server.close();
    expect((await start({ port: Number(new URL(server.url).port) })).url).toBe(server.url);
  });
});
