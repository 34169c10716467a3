import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  AgentMatched,
  AgentObserved,
  DecisionChanged,
  DeviceRecorded,
  OperatorActed,
  PostureChanged,
  SessionStarted,
} from '@stance/contracts';
import { startTestNats, type TestNats } from '@stance/testing';
import { stance } from '../fixtures/captured-io.js';
import {
  agent,
  decision,
  denied,
  device,
  FactWriter,
  infected,
  linked,
  OBSERVED_AT,
  observed,
  posture,
  started,
} from '../fixtures/facts.js';
import { freshTopology } from '../fixtures/fresh-topology.js';

let nats: TestNats;

beforeAll(async () => {
  nats = await startTestNats();
  const connection = await nats.connect();
  await freshTopology(connection);
  const facts = new FactWriter(connection);
  await facts.write(DeviceRecorded, device());
  await facts.write(DeviceRecorded, device({ deviceId: 'laptop-2' }));
  await facts.write(AgentMatched, agent({ hostname: 'LT-1', attributes: { 'sentinelOne:infected': true } }));
  await facts.write(
    AgentMatched,
    agent({ agentId: '102', state: 'quarantined', device: null, candidates: ['laptop-1'], problem: 'several-agents' }),
  );
  await facts.write(
    AgentMatched,
    agent({
      agentId: '99',
      state: 'unmatched',
      device: null,
      presence: 'gone',
      formerDevice: 'laptop-1',
      clean: false,
    }),
  );
  await facts.write(AgentMatched, agent({ agentId: '200', device: 'laptop-2' }));
  await facts.write(AgentObserved, observed());
  await facts.write(AgentObserved, observed({ agentId: '102', user: '\u202Etwo' }));
  await facts.write(PostureChanged, posture());
  await facts.write(DecisionChanged, decision({ resources: denied }));
  await facts.write(SessionStarted, started());
  await facts.write(OperatorActed, linked({ agentId: '101', device: 'laptop-1' }));
  await facts.write(OperatorActed, linked({ agentId: '200', device: 'laptop-2' }));
});
afterAll(async () => {
  await nats.close();
});

const run = (argv: string[], columns?: number) =>
  stance(['device', ...argv], {
    env: { NATS_URL: nats.url, NO_COLOR: '1' },
    ...(columns !== undefined && { columns }),
  });

describe('device', () => {
  test('is for scripts the whole record of one', async () => {
    const { stdout, stderr, exitCode } = await run(['laptop-1', '--json']);
    expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
    expect(JSON.parse(stdout)).toMatchObject({
      deviceId: 'laptop-1',
      hardware: { serialNumber: 'SN-1' },
      agents: [
        { agentId: '101', relation: 'current', by: 'serial', hostname: 'LT-1' },
        { agentId: '102', relation: 'candidate', problem: 'several-agents' },
        { agentId: '99', relation: 'former', clean: false },
      ],
      attributes: [
        {
          name: 'sentinelOne:infected',
          value: true,
          agentId: '101',
          by: 'serial',
          observedAt: OBSERVED_AT,
          others: [],
        },
      ],
      links: [{ agentId: '101', device: 'laptop-1', by: 'ana', reason: 'new mainboard' }],
      decisions: [{ gateway: 'office', resources: { wiki: { effect: 'deny', reasons: [infected] } } }],
      sessions: [{ sessionId: 's-1' }],
      records: [
        { type: 'dev.stance.agent.observed.v1', data: observed() },
        { data: { agentId: '102', user: '\u202Etwo' } },
      ],
    });
  });

  test('is for people a page with the origin of every value', async () => {
    const { stdout } = await run(['laptop-1']);
    for (const part of ['SN-1', 'wiki: deny', infected.message, 's-1']) expect(stdout).toContain(part);
    expect(stdout).toMatch(/office-console\/101 +its agent +serial, reported +LT-1/);
    expect(stdout).toMatch(/office-console\/102 +may be its agent +serial, reported, several-agents/);
    expect(stdout).toMatch(/office-console\/99 +was its agent \(not clean\)/);
    expect(stdout).toMatch(/sentinelOne:infected +true +office-console\/101 +serial, reported +\d+ d ago +\d+ d ago/);
    expect(stdout).toContain('office-console/101 is linked to laptop-1 by hand, as ana says: new mainboard');
    expect(stdout).not.toContain('office-console/200');
  });

  test('fits a narrow terminal', async () => {
    const { stdout } = await run(['laptop-1'], 72);
    const tables = stdout.split('\n').filter((line) => /^(AGENT|ATTRIBUTE|office-console|sentinelOne)/.test(line));
    expect(tables.length).toBeGreaterThan(4);
    for (const line of tables) expect(line.length).toBeLessThanOrEqual(72);
  });

  test('raw is what was last read of its agents, to be pasted, and says what is missing', async () => {
    const { stdout, stderr, exitCode } = await run(['laptop-1', '--raw']);
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject([{ data: observed() }, { data: { agentId: '102' } }]);
    expect(stdout).toContain(String.raw`"user": "\u202etwo"`);
    expect(stderr).toBe('no record of office-console/99 is kept any more\n');
  });

  test('that is not there is one line with the ids that are close', async () => {
    expect(await run(['laptop1'])).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: 'there is no device laptop1 in the inventory. Did you mean laptop-1 or laptop-2?\n',
    });
  });

  test('an id that cannot be one is wrong usage', async () => {
    expect(await run(['x'.repeat(300)])).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('at most 200') });
  });
});
