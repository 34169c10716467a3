import { userInfo } from 'node:os';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { NatsConnection } from '@nats-io/transport-node';
import { AgentMatched, DeviceRecorded, OperatorActed, PostureChanged, type DataOf } from '@stance/contracts';
import { startTestNats, waitFor, type TestNats } from '@stance/testing';
import { stance, startStance } from '../fixtures/captured-io.js';
import { agent, device, FactWriter, linked, posture, unlinked } from '../fixtures/facts.js';
import { freshTopology } from '../fixtures/fresh-topology.js';
import { readLog } from '../read-table.js';

type Register = DataOf<typeof AgentMatched>;
type Act = DataOf<typeof OperatorActed>;

let nats: TestNats;
let connection: NatsConnection;
let facts: FactWriter;

const unmatched = agent({
  agentId: '102',
  state: 'unmatched',
  device: null,
  problem: 'no-device',
  hostname: 'LT-2',
  serialNumber: 'SN-2',
});

beforeAll(async () => {
  nats = await startTestNats();
  connection = await nats.connect();
});
afterAll(async () => {
  await nats.close();
});

/** An agent without a device, two devices, and one agent each that must not be linked. */
async function fresh(): Promise<void> {
  await freshTopology(connection);
  facts = new FactWriter(connection);
  for (const deviceId of ['laptop-1', 'laptop-2']) await facts.write(DeviceRecorded, device({ deviceId }));
  await facts.write(DeviceRecorded, device({ deviceId: 'server-9', state: 'retired' }));
  await facts.write(AgentMatched, agent());
  await facts.write(AgentMatched, unmatched);
  await facts.write(AgentMatched, agent({ agentId: '109', presence: 'gone', goneReason: 'uninstalled' }));
  await facts.write(PostureChanged, posture());
}

const subscriptions: { unsubscribe(): void }[] = [];
afterEach(() => {
  for (const subscription of subscriptions.splice(0)) subscription.unsubscribe();
});

/** Stands in for the matcher: writes a register for what a person did. */
async function matcher(registerAfter: (act: Act) => Register): Promise<void> {
  const subscription = connection.subscribe('stance.operator.acted.v1.>', {
    callback: (_error, message) => void facts.write(AgentMatched, registerAfter(message.json<{ data: Act }>().data)),
  });
  subscriptions.push(subscription);
  await connection.flush();
}

const follow = ({ kind, details }: Act): Register =>
  kind === 'manual-link'
    ? agent({ ...unmatched, state: 'matched', device: details?.['device'] ?? null, by: 'manual', trust: 'verified' })
    : unmatched;

const run = (...argv: string[]) => stance(['match', ...argv], { env: { NATS_URL: nats.url } });
const start = (...argv: string[]) => startStance(['match', ...argv], { env: { NATS_URL: nats.url } });

const acts = async () => (await readLog(connection, OperatorActed)).events.map(({ data }) => data);

/** Until a command under way has recorded what was said: what the matcher writes from then on is its answer. */
async function untilRecorded(count: number): Promise<void> {
  await waitFor(async () => (await acts()).length === count, { what: 'the command to record what was said' });
}

describe('match link', () => {
  test('records who says so and why, waits for the matcher and shows the register', async () => {
    await fresh();
    await matcher(follow);
    const words = ['--reason', 'new mainboard', '--by', 'ana', '--until', '30d'];
    const { exitCode, stdout, stderr } = await run('link', 'office-console/102', 'laptop-2', ...words);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toMatch(/^Now: office-console\/102 is unmatched \(no-device\) \(LT-2, serial number SN-2\)\n/);
    expect(stdout).toMatch(/To be: the agent of laptop-2, of one@example.com, as ana says, until 20/);
    expect(stdout).toMatch(/office-console\/102 is matched to laptop-2 \(manual, verified\)\n$/);
    const until = expect.stringMatching(/^20\d\d-.*Z$/);
    expect(await acts()).toEqual([{ ...linked(), until }]);
  });

  test('records the user of the system where nobody is named, and is one object for scripts', async () => {
    await fresh();
    await matcher(follow);
    const { stdout, exitCode } = await run('link', '102', 'laptop-2', '--reason', 'why', '--json');
    const by = userInfo().username;
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      source: 'office-console',
      agentId: '102',
      device: 'laptop-2',
      by,
      reason: 'why',
      followed: true,
      register: { state: 'matched', by: 'manual' },
    });
    expect(await acts()).toMatchObject([{ by, targetId: 'office-console/102' }]);
  });

  test('says which agent of the device it goes before', async () => {
    await fresh();
    await matcher(follow);
    const { stdout } = await run('link', '102', 'laptop-1', '--reason', 'why');
    expect(stdout).toContain('laptop-1 has the agent office-console/101 (by serial) now: the link goes before it');
  });

  test('exits with 1 and the reason where the matcher writes something else', async () => {
    await fresh();
    await matcher(() => ({ ...unmatched, state: 'quarantined', candidates: ['laptop-2'], problem: 'several-agents' }));
    const outcome = await run('link', '102', 'laptop-2', '--reason', 'why', '--timeout', '3s');
    expect(outcome).toMatchObject({ exitCode: 1, stderr: '' });
    expect(outcome.stdout).toMatch(
      /the matcher does not follow yet:\n.*quarantined \(several-agents\); may be laptop-2/,
    );
    expect(outcome.stdout).toContain('Several agents claim one device');
  });

  test('says that nothing had to change where a link holds already, and records the new one', async () => {
    await fresh();
    await facts.write(OperatorActed, linked());
    await facts.write(AgentMatched, follow(linked()));
    const words = ['102', 'laptop-2', '--reason', 'for longer', '--until', '30d'];
    const { exitCode, stdout } = await run('link', ...words);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/recorded; nothing had to change:\noffice-console\/102 is matched to laptop-2 \(manual/);
    expect(await acts()).toMatchObject([{ reason: 'new mainboard' }, { reason: 'for longer' }]);
    const { stdout: json } = await run('link', ...words, '--json');
    expect(JSON.parse(json)).toMatchObject({ followed: true, register: { device: 'laptop-2' } });
  });

  test('waits for the matcher where a link was taken back that its register still shows', async () => {
    await fresh();
    await facts.write(OperatorActed, linked());
    await facts.write(AgentMatched, follow(linked()));
    await facts.write(OperatorActed, unlinked());
    const running = start('link', '102', 'laptop-2', '--reason', 'why');
    await untilRecorded(3);
    await facts.write(AgentMatched, { ...follow(linked()), trust: 'reported' });
    const { exitCode, stdout } = await running.outcome;
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/laptop-2, of .*\noffice-console\/102 is matched to laptop-2 \(manual, reported\)\n$/);
  });

  test('exits with 3 where the matcher says nothing, and what was said is recorded', async () => {
    await fresh();
    const { exitCode, stderr } = await run('link', '102', 'laptop-2', '--reason', 'why', '--timeout', '100ms');
    expect(exitCode).toBe(3);
    expect(stderr).toMatch(/^it is recorded, but device-matcher has not acted on it within 100 ms \(.*no-device\)/);
    expect(await acts()).toHaveLength(1);
  });

  test.each([
    [['102', 'laptop2'], /there is no device laptop2 in the inventory\. Did you mean laptop-2 or laptop-1\?/],
    [['102', 'server-9'], /server-9 is retired from the inventory: enrol it again/],
    [['office-console/103', 'laptop-2'], /no agent office-console\/103\. Did you mean office-console\/101/],
    [['lt-2', 'laptop-2'], /there is no agent lt-2\. Did you mean office-console\/102\?/],
    [['office/', 'laptop-2'], /there is no agent office\/: see `stance unmatched`/],
    [['109', 'laptop-2'], /office-console\/109 is gone from its console \(uninstalled\): link it once it is back/],
    [['102', 'laptop-2', '--until', 'soon'], /duration such as 8h or 30d/],
    [['102', 'laptop-2', '--by', ' '], /It takes 1 to 1,000 characters/],
  ])('%j is refused before anything is recorded', async (argv, message) => {
    await fresh();
    const outcome = await run('link', ...argv, '--reason', 'why');
    expect(outcome).toMatchObject({ exitCode: 2, stdout: '', stderr: expect.stringMatching(message) });
    expect(await acts()).toEqual([]);
  });

  test('needs a reason', async () => {
    expect(await run('link', '102', 'laptop-2')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('--reason'),
    });
  });

  test('an agent id that two sources have needs its source', async () => {
    await fresh();
    await facts.write(AgentMatched, { ...unmatched, source: 'plant-console' });
    const { exitCode, stderr } = await run('link', '102', 'laptop-2', '--reason', 'why');
    expect({ exitCode, stderr }).toEqual({
      exitCode: 2,
      stderr: 'several sources have an agent 102: say office-console/102 or plant-console/102\n',
    });
  });
});

describe('match unlink', () => {
  test('takes the link back and shows what the keys make of the agent', async () => {
    await fresh();
    await facts.write(OperatorActed, linked());
    await facts.write(AgentMatched, follow(linked()));
    await matcher(follow);
    const { exitCode, stdout } = await run('unlink', '102', '--reason', 'board is back', '--by', 'ben');
    expect(exitCode).toBe(0);
    expect(stdout).toContain('Now: office-console/102 is linked to laptop-2, as ana says: new mainboard');
    expect(stdout).toMatch(/office-console\/102 is unmatched \(no-device\)\n {2}No enrolled device has/);
    expect((await acts()).at(-1)).toEqual({ ...unlinked(), by: 'ben', reason: 'board is back' });
  });

  test('waits for what the matcher makes of it, also where it did not follow the link', async () => {
    await fresh();
    await facts.write(OperatorActed, linked());
    const running = start('unlink', '102', '--reason', 'why');
    await untilRecorded(2);
    await facts.write(AgentMatched, { ...unmatched, state: 'matched', device: 'laptop-1', by: 'uuid' });
    const { exitCode, stdout } = await running.outcome;
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/office-console\/102 is matched to laptop-1 \(uuid/);
  });

  test('what is not linked is not unlinked', async () => {
    await fresh();
    await facts.write(OperatorActed, linked());
    expect(await run('unlink', 'office-console/120', '--reason', 'why')).toMatchObject({
      exitCode: 2,
      stderr: 'no link of office-console/120 is in force. Did you mean office-console/102?\n',
    });
  });
});

describe('match list', () => {
  test('shows the links in force and whether the matcher follows them', async () => {
    await fresh();
    await facts.write(OperatorActed, linked());
    await facts.write(OperatorActed, linked({ agentId: '101', device: 'laptop-1' }));
    await facts.write(OperatorActed, linked({ agentId: '103' }));
    await facts.write(OperatorActed, unlinked('103'));
    await facts.write(AgentMatched, agent({ by: 'manual' }));
    const { stdout } = await run('list', '--json');
    expect(JSON.parse(stdout)).toMatchObject([
      { agentId: '101', device: 'laptop-1', by: 'ana', reason: 'new mainboard', followed: true },
      { agentId: '102', device: 'laptop-2', followed: false, register: { problem: 'no-device' } },
    ]);
    const table = (await run('list')).stdout;
    expect(table).toMatch(/office-console\/101 +laptop-1 +ana +new mainboard .* unlinked +yes\n/);
    expect(table).toMatch(/office-console\/102 +laptop-2 +ana +new mainboard .* not yet: no-device\n/);
  });

  test('says so where there is none', async () => {
    await fresh();
    expect(await run('list')).toMatchObject({ exitCode: 0, stdout: 'No agent is linked by hand.\n' });
  });
});
