import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { startSentinelOneTenant, startSentinelOneTenants } from '../sentinelone/tenant.js';
import { closeTenants, call, tenantWith } from '../sentinelone/tenant.fixture.js';
import { AGENT_ACTIONS } from './protocol.js';
import { NotASimulator, SimulatorClient, SimulatorRefused } from './simulator-client.js';

afterEach(closeTenants);

describe('the control API', () => {
  test('says that it is a simulator', async () => {
    const tenant = await tenantWith({ fleet: 7 });
    expect(await (await fetch(`${tenant.url}/simulator/v1`)).json()).toEqual({
      simulator: 'sentinelone',
      version: '1',
      agents: 7,
      name: 'simulated',
      tenants: [{ name: 'simulated', url: tenant.url }],
    });
  });

  test.each([
    ['infect', { infected: true, activeThreats: 1 }],
    ['clean', { infected: false, activeThreats: 0 }],
    ['isolate', { networkStatus: 'disconnected' }],
    ['reconnect', { networkStatus: 'connected' }],
    ['retire', { isDecommissioned: true, isActive: false }],
    ['uninstall', { isUninstalled: true, isActive: false }],
  ] as const)('%s answers with the agent afterwards, by id, name or serial number', async (action, expected) => {
    const tenant = await tenantWith();
    const client = await SimulatorClient.connect(tenant.url);
    const [first, second, third] = tenant.fleet.list();
    const references = [first?.id, second?.computerName, third?.serialNumber];
    for (const reference of references) expect(await client.act(reference ?? '', action)).toMatchObject(expected);
    expect(tenant.fleet.get(second?.id ?? '')).toMatchObject(expected);
  });

  test('a serial number with blanks is a reference like any other', async () => {
    const serialNumber = 'VMware-56 4d 2f 8c 11 9a 4e 20-b1 0c 6a 77 23 9d 5e 41';
    const tenant = await tenantWith({ fleet: [{ id: '1', serialNumber }] });
    expect(await (await SimulatorClient.connect(tenant.url)).agent(serialNumber)).toMatchObject({
      id: '1',
      serialNumber,
    });
  });

  test('lists agents by part of a name, with the count of all that fit', async () => {
    const tenant = await tenantWith({
      fleet: [
        { id: '1', computerName: 'LT-1' },
        { id: '2', computerName: 'lt-2' },
        { id: '3', computerName: 'srv', serialNumber: null, lastLoggedInUserName: 'root' },
      ],
    });
    const client = await SimulatorClient.connect(tenant.url);
    expect((await client.agents('lt-')).agents.map(({ id }) => id)).toEqual(['1', '2']);
    expect(await client.agents('', 1)).toMatchObject({ agents: [{ id: '1' }], total: 3 });
    expect((await client.agents('srv')).agents).toMatchObject([{ serialNumber: null }]);
  });

  test.each([
    ['nobody', 'infect', 404, 'unknown-agent'],
    ['same', 'infect', 409, 'ambiguous-agent'],
    ['1', 'explode', 404, 'unknown-action'],
  ])('%s/%s is refused with %i %s as JSON', async (reference, action, status, code) => {
    const tenant = await tenantWith({
      fleet: [
        { id: '1', computerName: 'same' },
        { id: '2', computerName: 'same' },
      ],
    });
    const answer = await fetch(`${tenant.url}/simulator/v1/agents/${reference}/${action}`, { method: 'POST' });
    expect(answer.status).toBe(status);
    expect(await answer.json()).toMatchObject({ error: { code, message: expect.any(String) } });
  });

  test.each([
    ['GET', '/nothing'],
    ['GET', '/agents/1/infect'],
    ['POST', '/agents'],
    ['DELETE', ''],
  ])('%s %s is not there', async (method, path) => {
    const tenant = await tenantWith({ fleet: [{ id: '1' }] });
    expect((await fetch(`${tenant.url}/simulator/v1${path}`, { method })).status).toBe(404);
    expect(tenant.fleet.get('1').infected).toBe(false);
  });

  test('scripts faults, lists them and takes them back', async () => {
    const tenant = await tenantWith();
    const client = await SimulatorClient.connect(tenant.url);
    await client.scriptFaults({ kind: 'server-error', status: 503, path: '/agents' }, { kind: 'hang', times: 4 });
    expect((await call(tenant, '/agents')).status).toBe(503);
    expect(await client.faults()).toEqual([{ kind: 'hang', times: 4, after: 0 }]);
    await client.clearFaults();
    expect(await client.faults()).toEqual([]);
    expect((await call(tenant, '/agents')).status).toBe(200);
  });

  test.each([
    '{"faults":[{"kind":"earthquake"}]}',
    '{"faults":[{"kind":"hang","times":0}]}',
    '{"faults":[{"kind":"hang","tims":1}]}',
    '{',
    '[]',
  ])('refuses %s as a fault', async (body) => {
    const tenant = await tenantWith();
    const answer = await fetch(`${tenant.url}/simulator/v1/faults`, { method: 'POST', body });
    expect(answer.status).toBe(400);
    expect(tenant.faults.pending()).toEqual([]);
  });

  test.each([
    ['a web page', { origin: 'https://example.com' }],
    ['a rebound name', { host: 'attacker.example:80' }],
  ])('refuses %s', async (_case, headers: Record<string, string>) => {
    const tenant = await tenantWith({ fleet: [{ id: '1' }] });
    const status = await new Promise((resolve, reject) => {
      const path = '/simulator/v1/agents/1/infect';
      const sent = httpRequest({ host: '127.0.0.1', port: tenant.port, method: 'POST', path, headers }, (answer) =>
        resolve(answer.resume().statusCode),
      );
      sent.once('error', reject).end();
    });
    expect(status).toBe(403);
    expect(tenant.fleet.get('1').infected).toBe(false);
  });
});

describe('SimulatorClient', () => {
  test.each([
    ['another service', 200, '{"status":"ok"}'],
    ['a console', 404, '{"errors":[{"code":4040010,"title":"Resource not found"}]}'],
    ['a page of HTML', 200, '<html></html>'],
    ['another simulator', 200, '{"simulator":"other","version":"1","agents":1}'],
  ])('refuses %s and sends it nothing but one GET', async (_case, status, body) => {
    const seen: string[] = [];
    const server = createServer((request, response) => {
      seen.push(`${request.method ?? ''} ${request.url ?? ''}`);
      response.writeHead(status).end(body);
    });
    const address = await new Promise<AddressInfo>((resolve, reject) => {
      server.listen(0, '127.0.0.1', () => {
        const bound = server.address();
        if (bound === null || typeof bound === 'string') reject(new Error('no port'));
        else resolve(bound);
      });
    });
    try {
      await expect(SimulatorClient.connect(`http://127.0.0.1:${address.port}`)).rejects.toThrow(NotASimulator);
      expect(seen).toEqual(['GET /simulator/v1']);
    } finally {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  });

  test('refuses an address where nothing answers, and text that is no address', async () => {
    const tenant = await tenantWith();
    const gone = await startSentinelOneTenant();
    await gone.close();
    await expect(SimulatorClient.connect(gone.url)).rejects.toThrow(NotASimulator);
    await expect(SimulatorClient.connect('tenant')).rejects.toThrow(/not a URL/);
    await expect(SimulatorClient.connect(`${tenant.url}/web/api/`)).resolves.toBeInstanceOf(SimulatorClient);
  });

  test('says why the simulator refused', async () => {
    const tenant = await tenantWith();
    const client = await SimulatorClient.connect(tenant.url);
    const attempt = client.act('nobody', 'infect');
    await expect(attempt).rejects.toThrow(SimulatorRefused);
    await expect(attempt).rejects.toMatchObject({
      status: 404,
      code: 'unknown-agent',
      message: expect.stringContaining('nobody'),
    });
  });
});

describe('steps', () => {
  test.each([
    [
      { do: 'infect', agent: 'LT-1', silent: true },
      { infected: true, updatedAt: '2026-01-01T00:00:00.000000Z' },
    ],
    [{ do: 'silence', agent: 'LT-1', inactiveAfter: 0 }, { isActive: false }],
    [{ do: 'uninstall', agent: 'LT-1' }, { isUninstalled: true }],
    [{ do: 'distort', agent: 'LT-1', fields: { firewallEnabled: 'True' } }, { id: '1' }],
  ] as const)('%j shows in the agent afterwards', async (step, expected) => {
    const tenant = await tenantWith({
      fleet: [{ id: '1', computerName: 'LT-1', updatedAt: '2026-01-01T00:00:00.000000Z' }],
    });
    const [outcome] = await (await SimulatorClient.connect(tenant.url)).perform(step);
    expect(outcome).toMatchObject({ did: step.do, agent: expected });
    expect(tenant.fleet.get('1')).toMatchObject(expected);
  });

  test('re-image, clone, decommission, recommission and remove in one go', async () => {
    const tenant = await tenantWith({ fleet: [{ id: '1', computerName: 'LT-1', serialNumber: 'S1' }] });
    const client = await SimulatorClient.connect(tenant.url);
    const outcomes = await client.perform(
      { do: 'reimage', agent: '1' },
      { do: 'clone-serial', agent: '1' },
      { do: 'decommission', agent: '1' },
      { do: 'recommission', agent: '1' },
      { do: 'remove', agent: '1' },
    );
    expect(outcomes.map(({ agent }) => agent?.serialNumber)).toEqual(['S1', 'S1', 'S1', 'S1', 'S1']);
    expect(tenant.fleet.list().map(({ id }) => id)).toEqual([outcomes[0]?.agent?.id, outcomes[1]?.agent?.id]);
  });

  test('tokens, the clock, forms and faults', async () => {
    const tenant = await tenantWith({ fleet: 10 });
    const client = await SimulatorClient.connect(tenant.url);
    await client.perform({ do: 'expire-token' });
    expect((await call(tenant, '/agents')).status).toBe(401);
    const [replaced] = await client.perform({ do: 'replace-token', token: 'next' });
    expect([replaced?.token, tenant.token]).toEqual(['next', 'next']);
    await client.perform({ do: 'skew-clock', by: '-2h' }, { do: 'fault', fault: { kind: 'hang', path: '/threats' } });
    expect(tenant.clock.skewMs).toBe(-7_200_000);
    expect(tenant.faults.pending()).toMatchObject([{ kind: 'hang' }]);
    const [malformed] = await client.perform(
      { do: 'malform', form: 'serial-null', share: 0.5 },
      { do: 'clear-faults' },
    );
    expect(malformed?.ids?.length).toBeGreaterThan(0);
    expect(tenant.faults.pending()).toEqual([]);
  });

  test('a migration by the name of the other tenant', async () => {
    const tenants = await startSentinelOneTenants({ north: { fleet: 2 }, south: { fleet: 1, seed: 9 } });
    try {
      const client = await SimulatorClient.connect(tenants.north.url);
      expect((await client.identity()).tenants.map(({ name }) => name)).toEqual(['north', 'south']);
      const agent = tenants.north.fleet.list()[0]?.id ?? '';
      const [outcome] = await client.perform({ do: 'migrate', agent, to: 'south' });
      expect(outcome).toMatchObject({ tenant: 'south' });
      expect(tenants.south.fleet.get(outcome?.agent?.id ?? '').consoleMigrationStatus).toBe('N/A');
      await expect(client.perform({ do: 'migrate', agent, to: 'west' })).rejects.toMatchObject({
        code: 'unknown-tenant',
      });
    } finally {
      await Promise.all(Object.values(tenants).map((tenant) => tenant.close()));
    }
  });

  test('a malformed step is named and none is done', async () => {
    const tenant = await tenantWith({ fleet: [{ id: '1' }] });
    const steps = [
      { do: 'infect', agent: '1' },
      { do: 'explode' },
      { do: 'silence', agent: '1', inactiveAfter: 'soon' },
    ];
    const post = async (path: string) => {
      const answer = await fetch(`${tenant.url}/simulator/v1${path}`, {
        method: 'POST',
        body: JSON.stringify({ steps }),
      });
      return { status: answer.status, body: await answer.json() };
    };
    expect(await post('/steps')).toMatchObject({ status: 400, body: { error: { step: 1, code: 'bad-request' } } });
    expect(tenant.fleet.get('1').infected).toBe(false);
    expect(await post('/steps/check')).toMatchObject({
      status: 200,
      body: {
        problems: [{ step: 1 }, { step: 2, message: expect.stringContaining('inactiveAfter: expected a length') }],
      },
    });
  });

  test.each(AGENT_ACTIONS)('%s needs nothing but its agent', async (action) => {
    const tenant = await tenantWith({ fleet: [{ id: '1', computerName: 'LT-1' }] });
    const client = await SimulatorClient.connect(tenant.url);
    expect((await client.act('LT-1', action)).computerName).toContain('LT-1');
    const [again] = tenant.fleet.agents.get('1') === undefined ? [] : await client.perform({ do: action, agent: '1' });
    expect(again?.did ?? 'remove').toBe(action);
  });

  test('an action of an agent takes the fields of its step as a body', async () => {
    const tenant = await tenantWith({ fleet: [{ id: '1' }] });
    const act = (body: string) => fetch(`${tenant.url}/simulator/v1/agents/1/silence`, { method: 'POST', body });
    expect((await act('{"inactiveAfter":"0"}')).status).toBe(200);
    expect(tenant.fleet.get('1').isActive).toBe(false);
    expect((await act('{"inactiveafter":"0"}')).status).toBe(400);
  });
});
