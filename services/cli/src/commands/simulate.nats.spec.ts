import { createServer } from 'node:http';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { DecisionChanged, DeviceRecorded } from '@stance/contracts';
import { startSentinelOneTenant, startSentinelOneTenants, type SentinelOneTenant } from '@stance/simulators';
import {
  freePort,
  startTestNats,
  temporaryFolder,
  waitFor,
  type TemporaryFolder,
  type TestNats,
} from '@stance/testing';
import { stance, startStance } from '../fixtures/captured-io.js';
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
    ['decommission', { isDecommissioned: true }],
    ['uninstall', { isUninstalled: true }],
  ])('%s does that', async (action, expected) => {
    await simulate('infect', 'laptop-1');
    expect(await simulate(action, 'laptop-1')).toMatchObject({ exitCode: 0 });
    expect(tenant.fleet.get('101')).toMatchObject(expected);
  });

  test.each([
    ['recommission', ['decommission'], { isDecommissioned: true }, { isDecommissioned: false, isActive: true }],
    ['return', ['silence', '--inactive-after', '0'], { isActive: false }, { isActive: true }],
  ])('%s undoes %j', async (action, [first = '', ...options], meanwhile, expected) => {
    await simulate(first, 'laptop-1', ...options);
    expect(tenant.fleet.get('101')).toMatchObject(meanwhile);
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

  test('options say how: a silent infection, a silence that shows at once', async () => {
    const { updatedAt } = tenant.fleet.get('101');
    await simulate('infect', 'laptop-1', '--silent', '--threat-name', 'dropper.bin');
    expect(tenant.fleet.get('101')).toMatchObject({ infected: true, updatedAt });
    expect(tenant.fleet.threatsOf('101')).toMatchObject([{ threatName: 'dropper.bin' }]);
    expect((await simulate('silence', 'laptop-1', '--inactive-after', '0')).stdout).toContain('inactive');
    expect(tenant.fleet.get('101').isActive).toBe(false);
    expect(await simulate('silence', 'laptop-1', '--inactive-after', 'soon')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('inactiveAfter: expected a length of time'),
    });
  });

  test('re-image, clone and remove name the agents that come of it', async () => {
    const reimaged = await simulate('reimage', 'laptop-1', '--json');
    const fresh = JSON.parse(reimaged.stdout);
    expect(fresh).toMatchObject({ serialNumber: 'SN-1', deviceId: 'laptop-1' });
    expect(tenant.fleet.isSilent('101')).toBe(true);
    expect((await simulate('clone-serial', '102')).stdout).toMatch(/new agent LT-2-clone \(\d+\) is now: clean/);
    expect((await simulate('remove', fresh.id)).stdout).toContain('is gone from the console');
    expect(tenant.fleet.agents.get(fresh.id)).toBeUndefined();
  });

  test('drives the token, the clock, faults and forms', async () => {
    expect((await simulate('expire-token')).stdout).toContain('the token has expired');
    const ask = (token: string) =>
      fetch(`${tenant.url}/web/api/v2.1/system/info`, { headers: { authorization: `ApiToken ${token}` } });
    expect((await ask(tenant.token)).status).toBe(401);
    expect((await simulate('replace-token', 'another')).stdout).toContain('the token is now another');
    expect((await ask('another')).status).toBe(200);
    await simulate('skew-clock', '10m', '--behind');
    expect(tenant.clock.skewMs).toBe(-600_000);
    await simulate('fault', 'server-error', '--path', '/agents', '--times', '2', '--set', 'status=503');
    expect(tenant.faults.pending()).toEqual([
      { kind: 'server-error', path: '/agents', times: 2, status: 503, after: 0 },
    ]);
    await simulate('clear-faults');
    expect(tenant.faults.pending()).toEqual([]);
    expect((await simulate('malform', 'serial-null', 'laptop-1')).stdout).toContain('serial-null: 1 agent');
    expect((await simulate('malform', 'mac-dots', '--share', '1')).stdout).toContain('mac-dots: 2 agents');
    expect(await simulate('malform', 'mac-dot')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('mac-dots'),
    });
    expect(await simulate('fault', 'earthquake')).toMatchObject({ exitCode: 2 });
  });

  test('says in its help what each verb does', async () => {
    const { stdout } = await simulate('--help');
    for (const verb of ['silence', 'reimage', 'clone-serial', 'expire-token', 'skew-clock', 'fault', 'run', 'migrate'])
      expect(stdout).toMatch(new RegExp(`^ {2}${verb}\\b.+\\S`, 'm'));
  });

  describe('with several tenants', () => {
    let tenants: Record<'north' | 'south', SentinelOneTenant>;
    beforeEach(async () => {
      tenants = await startSentinelOneTenants({
        north: { fleet: [{ id: '201', computerName: 'N-1', serialNumber: 'SN-1' }] },
        south: { fleet: [{ id: '301', computerName: 'S-1' }], seed: 2 },
      });
    });
    afterEach(async () => {
      await Promise.all(Object.values(tenants).map((each) => each.close()));
    });

    test('one is addressed by its name, beside that of the local stack', async () => {
      const folder = await temporaryFolder();
      await mkdir(join(folder.path, '.stance'));
      const run = {
        natsUrl: nats.url,
        gatewayUrl: null,
        simulatorUrl: tenants.north.url,
        demo: true,
        pid: process.pid,
      };
      await writeFile(join(folder.path, '.stance', 'run.json'), JSON.stringify(run));
      const here = (...argv: string[]) => stance(['simulate', ...argv], { cwd: folder.path });
      expect(JSON.parse((await here('tenants', '--json')).stdout)).toEqual([
        { name: 'north', url: tenants.north.url },
        { name: 'south', url: tenants.south.url },
      ]);
      expect(await here('infect', 'S-1', '--tenant', 'south')).toMatchObject({ exitCode: 0 });
      expect(tenants.south.fleet.get('301').infected).toBe(true);
      expect(await here('list', '--tenant', 'west')).toMatchObject({
        exitCode: 2,
        stderr: expect.stringContaining('no simulated tenant is called west: there is north, south'),
      });
      await folder.remove();
    });

    test('an agent migrates from one to the other', async () => {
      const outcome = await stance(
        ['simulate', 'migrate', 'laptop-1', '--to', 'south', '--tenant', tenants.north.url, '--json'],
        { env: { NATS_URL: nats.url } },
      );
      expect(JSON.parse(outcome.stdout)).toMatchObject({ tenant: 'south', serialNumber: 'SN-1' });
      expect(tenants.north.fleet.get('201').consoleMigrationStatus).toBe('Migrated');
      expect(tenants.south.fleet.size).toBe(2);
    });
  });

  describe('run', () => {
    const folders: TemporaryFolder[] = [];
    afterEach(async () => {
      for (const folder of folders.splice(0)) await folder.remove();
    });

    async function start(text: string, ...argv: string[]) {
      const folder = await temporaryFolder();
      await writeFile(join(folder.path, 'scenario.yaml'), text);
      folders.push(folder);
      return startStance(['simulate', '--tenant', tenant.url, 'run', 'scenario.yaml', ...argv], {
        cwd: folder.path,
        env: { NATS_URL: nats.url },
      });
    }
    const run = async (text: string, ...argv: string[]) => (await start(text, ...argv)).outcome;

    test('does the steps in their order, each after its wait', async () => {
      const started = performance.now();
      const { exitCode, stdout } = await run(`
- do: infect
  agent: laptop-1
- do: clean
  agent: 101
  after: 80ms
- do: fault
  fault: { kind: hang, path: /threats }
`);
      expect(performance.now() - started).toBeGreaterThanOrEqual(80);
      expect(exitCode).toBe(0);
      expect(stdout).toMatch(
        /infect: agent LT-1 of device laptop-1 is now: infected[\s\S]*clean: agent LT-1[\s\S]*fault/,
      );
      expect(tenant.fleet.threatsOf('101')).toMatchObject([{ incidentStatus: 'resolved' }]);
      expect(tenant.faults.pending()).toMatchObject([{ kind: 'hang' }]);
    });

    test('reads JSON too, and answers with one array', async () => {
      const { stdout } = await run('{"steps": [{"do": "isolate", "agent": "LT-2"}]}', '--json');
      expect(JSON.parse(stdout)).toMatchObject([{ did: 'isolate', line: 1, agent: { id: '102' } }]);
    });

    test.each([
      ['- do: infect\n  agent: 101\n- do: explode\n', /^scenario\.yaml:3: step 2: .*do/],
      ['- do: infect\n  agent: 101\n- do: silence\n  agent: 101\n  inactiveAfter: soon\n', /:3: step 2: inactiveAfter/],
      ['- do: infect\n  agent: 101\n- agent: 101\n', /:3: `do` says/],
      ['- do: infect\n  agent: 101\n- do: clean\n  agent: 101\n  after: later\n', /:3: `after` has to be/],
      ['- do: infect\n  agent: 101\n  agent: 102\n', /:3: Map keys must be unique/],
      ['do: infect', /:1: expected a list of steps/],
    ])('%j is refused before anything happens', async (text, message) => {
      expect(await run(text)).toEqual({ exitCode: 2, stdout: '', stderr: expect.stringMatching(message) });
      expect(tenant.fleet.get('101').infected).toBe(false);
    });

    test('a step that fails is named with its line, and what came before it stays', async () => {
      const outcome = await run('- do: infect\n  agent: laptop-1\n\n- do: clean\n  agent: nobody\n');
      expect(outcome).toMatchObject({
        exitCode: 2,
        stderr: expect.stringMatching(/^scenario\.yaml:4: step 2 \(clean\): no device and no simulated agent/),
      });
      expect(tenant.fleet.get('101').infected).toBe(true);
    });

    test('a step that fails leaves the results of those before it, for scripts too', async () => {
      const { exitCode, stdout } = await run(
        '- do: infect\n  agent: laptop-1\n\n- do: clean\n  agent: nobody\n',
        '--json',
      );
      expect(exitCode).toBe(2);
      expect(JSON.parse(stdout)).toMatchObject([{ did: 'infect', line: 1, agent: { id: '101' } }]);
    });

    const STOPPED = '- do: infect\n  agent: 101\n- do: clean\n  agent: 101\n  after: 1h\n';

    test.each([
      ['for people', [], /infect: agent LT-1/],
      ['for scripts', ['--json'], /^\[\{.*"did":"infect".*\}\]\n$/],
    ])('Ctrl-C ends it with 130 and with what was done, %s', async (_, argv, shown) => {
      const running = await start(STOPPED, ...argv);
      await waitFor(() => tenant.fleet.get('101').infected, { what: 'the first step' });
      running.interrupt();
      expect(await running.outcome).toEqual({
        exitCode: 130,
        stdout: expect.stringMatching(shown),
        stderr: 'interrupted: 1 of 2 steps were done\n',
      });
      expect(tenant.fleet.get('101').infected).toBe(true);
    });

    test.each([
      ['- do: infect\n  agent: 101\n- do: touch\n  tenant: souht\n  agent: 101\n', 'souht'],
      ['- do: infect\n  agent: 101\n- do: migrate\n  agent: 101\n  to: west\n', 'west'],
    ])('%j names a tenant that there is not, and is refused before anything happens', async (text, name) => {
      expect(await run(text)).toEqual({
        exitCode: 2,
        stdout: '',
        stderr: expect.stringMatching(
          new RegExp(`^scenario\\.yaml:3: step 2: no simulated tenant is called ${name}: there is \\S+\\n$`),
        ),
      });
      expect(tenant.fleet.get('101').infected).toBe(false);
    });
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
