import { createServer } from 'node:http';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { DecisionChanged, DeviceRecorded } from '@stance/contracts';
import { startSentinelOneTenant, type SentinelOneTenant } from '@stance/simulators';
import { freePort, startTestNats, temporaryFolder, type TestNats } from '@stance/testing';
import { stance } from '../fixtures/captured-io.js';
import { decision, device, FactWriter } from '../fixtures/facts.js';
import { freshTopology } from '../fixtures/fresh-topology.js';

let nats: TestNats;
let tenant: SentinelOneTenant;

beforeAll(async () => {
  nats = await startTestNats();
  const connection = await nats.connect();
  await freshTopology(connection);
  const facts = new FactWriter(connection);
  await facts.write(DeviceRecorded, device({ deviceId: 'laptop-1', hardware: { serialNumber: 'sn-1' } }));
  await facts.write(DeviceRecorded, device({ deviceId: 'laptop-2', hardware: { hostname: 'LT-2' } }));
  await facts.write(DeviceRecorded, device({ deviceId: 'laptop-9', hardware: { serialNumber: 'SN-9' } }));
  await facts.write(DecisionChanged, decision());
});
afterAll(async () => {
  await nats.close();
});
beforeEach(async () => {
  tenant = await startSentinelOneTenant({
    fleet: [
      { id: '101', computerName: 'LT-1', serialNumber: 'SN-1' },
      { id: '102', computerName: 'LT-2', serialNumber: 'SN-2' },
    ],
  });
});
afterEach(async () => {
  await tenant.close();
});

const simulate = (...argv: string[]) =>
  stance(['simulate', '--tenant', tenant.url, ...argv], { env: { NATS_URL: nats.url } });

describe('simulate', () => {
  test.each([
    ['laptop-1', '101', 'a device id, by its serial number'],
    ['laptop-2', '102', 'a device id, by its host name'],
    ['LT-2', '102', 'a computer name'],
    ['sn-2', '102', 'a serial number'],
    ['101', '101', 'an agent id'],
  ])('infect takes %s (agent %s): %s', async (reference, id) => {
    const { exitCode, stdout } = await simulate('infect', reference, '--json');
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ id, infected: true });
    expect(tenant.fleet.list().filter(({ infected }) => infected)).toMatchObject([{ id }]);
  });

  test.each([
    ['clean', { infected: false }],
    ['isolate', { networkStatus: 'disconnected' }],
    ['retire', { isDecommissioned: true }],
  ])('%s does that', async (action, expected) => {
    await simulate('infect', 'laptop-1');
    expect(await simulate(action, 'laptop-1')).toMatchObject({ exitCode: 0 });
    expect(tenant.fleet.get('101')).toMatchObject(expected);
  });

  test('says what to look at next', async () => {
    const { stdout } = await simulate('infect', 'laptop-1');
    expect(stdout).toMatch(/^simulated/);
    expect(stdout).toContain('agent LT-1 of device laptop-1 is now: infected, 1 active threat');
    expect(stdout).toContain('npx stance explain laptop-1 wiki');
    expect(stdout).toContain('npx stance sessions --device laptop-1');
  });

  test('lists the agents with their devices', async () => {
    const { stdout } = await simulate('list', '--json');
    expect(JSON.parse(stdout)).toMatchObject([
      { id: '101', computerName: 'LT-1', deviceId: 'laptop-1' },
      { id: '102', deviceId: null },
    ]);
    expect((await simulate('list', 'lt-2')).stdout).not.toContain('LT-1');
  });

  test.each([
    ['laptop1', /no device and no simulated agent is called laptop1\. Did you mean laptop-1/],
    ['laptop-9', /device laptop-9 has no agent in the simulated tenant/],
  ])('%s is refused with a hint', async (reference, message) => {
    expect(await simulate('infect', reference)).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: expect.stringMatching(message),
    });
    expect(tenant.fleet.list().some(({ infected }) => infected)).toBe(false);
  });

  test('works on agents by name where NATS is out of reach', async () => {
    const env = { NATS_URL: `nats://127.0.0.1:${await freePort()}` };
    const outcome = await stance(['simulate', 'infect', 'LT-1', '--tenant', tenant.url], { env });
    expect(outcome).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('NATS is out of reach') });
    expect(tenant.fleet.get('101').infected).toBe(true);
  });

  test('takes the tenant of the running local stack', async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder.path, '.stance'));
    const run = { natsUrl: nats.url, gatewayUrl: null, simulatorUrl: tenant.url, demo: true, pid: process.pid };
    await writeFile(join(folder.path, '.stance', 'run.json'), JSON.stringify(run));
    expect(await stance(['simulate', 'infect', 'laptop-1'], { cwd: folder.path })).toMatchObject({ exitCode: 0 });
    expect(tenant.fleet.get('101').infected).toBe(true);
    await folder.remove();
  });

  test('refuses an address that is no simulator, and sends it nothing but one GET', async () => {
    const seen: string[] = [];
    const console = createServer((request, response) => {
      seen.push(`${request.method ?? ''} ${request.url ?? ''}`);
      response.writeHead(404).end('{"errors":[]}');
    });
    console.listen(0, '127.0.0.1');
    await once(console, 'listening');
    const address = console.address();
    const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
    expect(await stance(['simulate', 'infect', 'laptop-1', '--tenant', url], { env: { NATS_URL: nats.url } })).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: `${url} is not a simulated tenant (GET /simulator/v1 answered 404); simulations are refused anywhere else\n`,
    });
    expect(seen).toEqual(['GET /simulator/v1']);
    console.closeAllConnections();
    console.close();
  });
});
