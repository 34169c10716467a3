import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { NatsConnection } from '@nats-io/transport-node';
import { PlanPolicy, type PolicyPlan } from '@stance/contracts';
import { RequestFailed } from '@stance/jetstream';
import { startTestNats, temporaryFolder, type TemporaryFolder, type TestNats } from '@stance/testing';
import { answering } from '../../fixtures/answering.js';
import { stance } from '../../fixtures/captured-io.js';
import { HEALTHY_READS_WIKI } from '../../fixtures/policies.js';

let nats: TestNats;
let connection: NatsConnection;
let folder: TemporaryFolder;
let stops: (() => void)[];
beforeAll(async () => {
  nats = await startTestNats();
  connection = await nats.connect();
});
afterAll(() => nats.close());
beforeEach(async () => {
  stops = [];
  folder = await temporaryFolder();
});
afterEach(async () => {
  for (const stop of stops) stop();
  await folder.remove();
});

const LOSES: PolicyPlan = {
  errors: [],
  mode: 'enforce',
  baseRevision: 3,
  plannedAt: '2026-01-05T10:00:00.000Z',
  devices: 40,
  totals: {
    lose: 25,
    gain: 0,
    warn: 0,
    clear: 0,
    report: 0,
    unchanged: 15,
    people: 25,
    openSessions: 12,
    revocations: 5,
  },
  groups: [
    {
      gateway: 'office',
      resource: 'wiki',
      change: 'lose',
      from: 'allow',
      to: 'deny',
      cause: { code: 'condition-false', rule: 'staff', condition: 'sentinelOne:infected == false' },
      devices: 25,
      sessions: 5,
    },
  ],
  changes: Array.from({ length: 25 }, (_, index) => ({
    deviceId: `laptop-${index}`,
    changes: [{ gateway: 'office', resource: 'wiki', change: 'lose', from: 'allow', to: 'deny' }],
    reasons: [],
    sessions: [],
  })),
  truncated: false,
};

/** An engine that answers so; what it is asked. */
async function engineAnswering(plan: () => PolicyPlan): Promise<unknown[]> {
  const asked: unknown[] = [];
  stops.push(
    await answering(connection, PlanPolicy, (input) => {
      asked.push(input);
      return plan();
    }),
  );
  return asked;
}

async function plan(options: readonly string[] = [], document = HEALTHY_READS_WIKI) {
  const file = join(folder.path, 'policy.yaml');
  await writeFile(file, document);
  return stance(['policy', 'plan', file, '--nats', nats.url, ...options]);
}

describe('policy plan', () => {
  test('asks the engine, and tells the counts first, then the groups, then devices', async () => {
    const asked = await engineAnswering(() => LOSES);
    const { exitCode, stdout, stderr } = await plan();
    expect([exitCode, stderr, asked]).toEqual([0, '', [{ document: HEALTHY_READS_WIKI }]]);
    expect(stdout).toMatch(/^Compared with revision 3: 25 devices .*\n\nCHANGE .*\n.* staff .*\n\nDEVICE /);
    expect(stdout.match(/^laptop-/gm)).toHaveLength(20);
    expect((await plan(['--all'])).stdout.match(/^laptop-/gm)).toHaveLength(25);
  });

  test('prints the plan as it is for scripts', async () => {
    await engineAnswering(() => LOSES);
    const { exitCode, stdout, stderr } = await plan(['--json']);
    expect([exitCode, stderr, JSON.parse(stdout)]).toEqual([0, '', LOSES]);
  });

  test.each([
    ['5', 0, ''],
    ['4', 1, 'more than --max-revocations allows: 5, not 4\n'],
  ])('exits by --max-revocations %s with %i', async (limit, exitCode, stderr) => {
    await engineAnswering(() => LOSES);
    const outcome = await plan(['--max-revocations', limit]);
    expect(outcome).toMatchObject({ exitCode, stderr, stdout: expect.stringContaining('5 of 12 open sessions') });
    expect((await plan(['--max-revocations', limit, '--json'])).exitCode).toBe(exitCode);
  });

  test('of a policy that could not come into force is what is wrong with it, and where', async () => {
    await engineAnswering(() => ({
      ...LOSES,
      errors: [{ message: 'there is no posture healthey', line: 11, column: 15 }, { message: 'test "t" fails' }],
    }));
    const { exitCode, stdout, stderr } = await plan();
    expect([exitCode, stderr]).toEqual([1, 'no plan: 2 errors\n']);
    expect(stdout).toMatch(/policy.yaml:11:15: there is no posture healthey\n[^]*policy.yaml: test "t" fails\n$/);
    expect(stdout).not.toContain('Compared with');
    expect((await plan(['--json'])).exitCode).toBe(1);
  });

  test('says what keeps the engine from it', async () => {
    await engineAnswering(() => {
      throw new RequestFailed('not-ready', 'another plan is being made');
    });
    expect(await plan()).toEqual({ exitCode: 3, stdout: '', stderr: 'another plan is being made\n' });
  });

  test('says so where no engine answers, a file cannot be read, or is too large to be sent', async () => {
    expect(await plan()).toMatchObject({
      exitCode: 3,
      stderr: expect.stringContaining('policy-engine does not answer'),
    });
    expect(await stance(['policy', 'plan', '/nowhere.yaml', '--nats', nats.url])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('/nowhere.yaml cannot be read'),
    });
    expect(await plan([], '#'.repeat(1_100_000))).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(/^the policy takes 1,100,0\d\d bytes/),
    });
  });
});
