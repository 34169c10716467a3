import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ListUnmatched, matchProblem } from '@stance/contracts';
import { startTestNats, type TestNats } from '@stance/testing';
import { answering } from '../fixtures/answering.js';
import { stance } from '../fixtures/captured-io.js';
import { agent } from '../fixtures/facts.js';
import { freshTopology } from '../fixtures/fresh-topology.js';
import type { UnmatchedAgent } from '../records/unmatched.js';

let nats: TestNats;

const { attributes: _, ...bare } = agent({ state: 'unmatched', device: null });
const { by: _by, trust: _trust, ...unmatched } = bare;
const similar = [{ deviceId: 'laptop-2', agreesOn: ['hostname', 'macAddress'] }];
const agents = [
  { ...unmatched, agentId: '1', problem: 'no-device', hostname: '=cmd', similar, lastSeenAt: '2026-01-05T09:59:00Z' },
  { ...unmatched, agentId: '2', problem: 'no-device', hostname: 'LT-2', serialNumber: 'SN-2', similar: [] },
  { ...unmatched, agentId: '3', state: 'quarantined', problem: 'several-devices', candidates: ['a', 'b'], similar: [] },
  { ...unmatched, agentId: '4', similar: [] },
] as const;
const devices = [
  { deviceId: 'laptop-7', serialNumber: 'SN-7', sharesKeyWith: [] },
  { deviceId: 'laptop-8', problem: 'several-devices', sharesKeyWith: ['laptop-9'] },
  { deviceId: 'laptop-9', problem: 'several-devices', sharesKeyWith: ['laptop-8'] },
] as const;

beforeAll(async () => {
  nats = await startTestNats();
  const connection = await nats.connect();
  await freshTopology(connection);
  await answering(connection, ListUnmatched, (input) => {
    const first = (input as { after?: string }).after === undefined;
    const page = { total: agents.length, next: first ? 'page-2' : null };
    return first
      ? { ...page, agents: agents.slice(0, 2), devices: devices.slice(0, 2) }
      : { ...page, agents: agents.slice(2), devices: devices.slice(1) };
  });
});
afterAll(async () => {
  await nats.close();
});

const run = (argv: string[], columns?: number) =>
  stance(['unmatched', ...argv], {
    env: { NATS_URL: nats.url, NO_COLOR: '1' },
    ...(columns !== undefined && { columns }),
  });

describe('unmatched', () => {
  test('counts by reason first, then says of each what would match it', async () => {
    const { stdout, exitCode } = await run([]);
    expect(exitCode).toBe(0);
    expect(stdout.split('\n').slice(0, 7)).toEqual([
      '4 agents belong to no device for certain:',
      '        2  no-device',
      '        1  no-reason',
      '        1  several-devices',
      '3 enrolled devices have no agent:',
      '        2  several-devices',
      '        1  no-agent',
    ]);
    expect(stdout).toMatch(
      /\nno-device \(2 agents\)\nNo enrolled device has what the agent reports\.\nWhat would match them: Enrol the device/,
    );
    expect(stdout).toMatch(/\noffice-console\/1 +=cmd +- +\d+ d ago +- +laptop-2 \(host name, MAC address\)\n/);
    expect(stdout).toMatch(/\noffice-console\/3 .* a, b +-\n/);
    expect(stdout).toMatch(/several-devices \(2 devices\)\n.*\nWhat would.*\n.*\nlaptop-8 +- +- +laptop-9\n/);
  });

  test('fits a narrow terminal', async () => {
    const { stdout } = await run([], 60);
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(60);
  });

  test.each([
    [[], ['1', '2', '3', '4']],
    [
      ['--group', 'no-device'],
      ['1', '2'],
    ],
    [['--group', 'no-reason'], ['4']],
    [['--group', 'superseded'], []],
  ])('%j for scripts is a list of agents under the names of the events', async (argv, ids) => {
    const { stdout, stderr } = await run([...argv, '--json']);
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toEqual(agents.filter(({ agentId }) => ids.includes(agentId)));
  });

  test('devices for scripts, of a group where one is wanted', async () => {
    expect(JSON.parse((await run(['--devices', '--json'])).stdout)).toEqual(devices);
    const shared = await run(['--devices', '--group', 'several-devices', '--json']);
    expect(JSON.parse(shared.stdout)).toEqual(devices.slice(1));
  });

  test('one group is shown alone and whole', async () => {
    const { stdout } = await run(['--group', 'no-device']);
    expect(stdout).toMatch(/^\nno-device \(2 agents\)/);
    expect(stdout).not.toContain('several-devices');
    expect((await run(['--group', 'superseded'])).stdout).toBe('Nothing has this reason.\n');
  });

  test('a group that there is not is wrong usage', async () => {
    expect(await run(['--group', 'bad-luck'])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('Allowed choices are no-serial'),
    });
  });

  test('CSV has a line per agent, and no cell that a spreadsheet computes', async () => {
    const { stdout } = await run(['--csv']);
    const lines = stdout.split('\r\n');
    expect(lines[0]).toMatch(/^source,agentId,state,problem,remedy,hostname,serialNumber,/);
    expect(lines).toHaveLength(agents.length + 2);
    expect(lines[1]).toMatch(/^office-console,1,unmatched,no-device,"Enrol .*",'=cmd,,/);
    expect(lines[1]).toContain('"laptop-2 (host name, MAC address)"');
    expect(lines[3]).toContain(',a; b,');
  });

  test('CSV has a line per device where those are wanted', async () => {
    const { stdout } = await run(['--csv', '--devices', '--group', 'several-devices']);
    expect(stdout).toMatch(/^deviceId,problem,remedy,hostname,serialNumber,sharesKeyWith\r\nlaptop-8,several-devices,/);
    expect(stdout).toMatch(/,laptop-9\r\nlaptop-9,.*,laptop-8\r\n$/);
  });

  test('CSV and JSON at once are wrong usage', async () => {
    expect(await run(['--csv', '--json'])).toMatchObject({ exitCode: 2, stdout: '' });
  });

  test.each([...matchProblem.options])('every reason can be asked for: %s', async (problem) => {
    expect(await run(['--group', problem])).toMatchObject({ exitCode: 0, stderr: '' });
  });
});

test('large groups are cut, with the way to the rest', async () => {
  const own = await startTestNats();
  try {
    const connection = await own.connect();
    await freshTopology(connection);
    const many = Array.from({ length: 25 }, (_each, index): UnmatchedAgent => ({
      ...unmatched,
      agentId: `${index}`,
      problem: 'no-device',
      similar: [],
    }));
    await answering(connection, ListUnmatched, () => ({ agents: many, devices: [], total: 25, next: null }));
    const { stdout } = await stance(['unmatched', '--nats', own.url]);
    expect(stdout).toContain('Every enrolled device has an agent.');
    expect(stdout.match(/^office-console\//gm)).toHaveLength(20);
    expect(stdout).toContain('and 5 more: stance unmatched --group no-device');
    const whole = await stance(['unmatched', '--group', 'no-device', '--nats', own.url]);
    expect(whole.stdout.match(/^office-console\//gm)).toHaveLength(25);
  } finally {
    await own.close();
  }
});
