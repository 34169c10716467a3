import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { NatsConnection } from '@nats-io/transport-node';
import { GetEngineStatus, PlanPolicy, PolicyPublished, type EngineStatus } from '@stance/contracts';
import { startTestNats, temporaryFolder, waitFor, type TemporaryFolder, type TestNats } from '@stance/testing';
import { answering } from '../../fixtures/answering.js';
import { startStance, stance } from '../../fixtures/captured-io.js';
import { FactWriter, published } from '../../fixtures/facts.js';
import { freshTopology } from '../../fixtures/fresh-topology.js';
import { HEALTHY_READS_WIKI, withTests } from '../../fixtures/policies.js';
import { engineSaying, engineStatus, planOf } from '../../fixtures/policy-engine.js';

let folder: TemporaryFolder;
let nats: TestNats;
let connection: NatsConnection;
/** What was started besides. */
let stops: (() => unknown)[];
beforeEach(async () => {
  stops = [];
  folder = await temporaryFolder();
  nats = await startTestNats();
  connection = await nats.connect();
  await freshTopology(connection);
});
afterEach(async () => {
  for (const stop of stops) await stop();
  await nats.close();
  await folder.remove();
});

async function fileOf(text: string): Promise<string> {
  const file = join(folder.path, 'policy.yaml');
  await writeFile(file, text);
  return file;
}

async function publish(options: readonly string[] = [], document = HEALTHY_READS_WIKI) {
  return stance(['policy', 'publish', await fileOf(document), '--by', 'ana', '--nats', nats.url, ...options]);
}

async function json(...argv: string[]): Promise<unknown> {
  return JSON.parse((await stance([...argv, '--json', '--nats', nats.url])).stdout);
}

async function engine(over: Parameters<typeof engineSaying>[1] = {}): Promise<void> {
  const follower = await engineSaying(connection, over);
  stops.push(() => follower.stop());
}

describe('policy publish', () => {
  test.each([
    ['of a wrong form', 'version: 1\nrules: 7\n', /policy.yaml:2:.*not published: 1 error/s],
    [
      'whose own test fails',
      withTests('allow'),
      /policy.yaml:16:5: test "an infected laptop does not" fails.*not published: 1 error/s,
    ],
  ])('publishes nothing %s', async (_, document, said) => {
    expect(await publish([], document)).toEqual({ exitCode: 1, stdout: '', stderr: expect.stringMatching(said) });
    expect(JSON.parse((await publish(['--json'], document)).stdout)).toMatchObject({
      revision: null,
      outcome: 'invalid',
      errors: [{ message: expect.any(String) }],
    });
    expect(await json('policy', 'history')).toEqual([]);
  });

  test('publishes the next revision each time and prints what the engine made of it', async () => {
    const accepting = await engineSaying(connection);
    expect(await publish()).toEqual({
      exitCode: 0,
      stdout: 'revision 1: active\n',
      stderr: expect.stringContaining('see `stance status`'),
    });
    const second = await publish(['--comment', 'stricter', '--json']);
    expect(second.stderr).toBe('');
    expect(JSON.parse(second.stdout)).toEqual({ revision: 2, outcome: 'active', mode: 'enforce', errors: [] });
    await accepting.stop();

    const refusing = await engineSaying(connection, {
      outcome: 'refused',
      errors: [{ message: 'too strict', line: 4, column: 7 }],
    });
    const { exitCode, stdout } = await publish();
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/^revision 3: refused[^]*policy.yaml:4:7: too strict\n {2}4 \| {5}- sentinelOne/);
    await refusing.stop();

    expect(await json('policy', 'history')).toMatchObject([
      { revision: 3, state: 'refused', publishedBy: 'ana' },
      { revision: 2, state: 'in-force', mode: 'enforce', comment: 'stricter' },
      { revision: 1, state: 'replaced' },
    ]);
  });

  test('says of a policy in report mode that it runs beside the one in force', async () => {
    await engine({ mode: 'report' });
    const { exitCode, stdout } = await publish(
      [],
      HEALTHY_READS_WIKI.replace('version: 1', 'version: 1\nmode: report'),
    );
    expect({ exitCode, stdout }).toEqual({
      exitCode: 0,
      stdout: expect.stringMatching(/^revision 1: active in report mode: it runs beside the policy in force/),
    });
    expect(await json('policy', 'history')).toMatchObject([{ revision: 1, state: 'reporting', mode: 'report' }]);
  });

  test('two that publish at the same time get a revision each', async () => {
    await engine();
    const outcomes = await Promise.all([publish(['--json']), publish(['--json']), publish(['--json'])]);
    const revisions = outcomes.map(({ stdout }) => (JSON.parse(stdout) as { revision: number }).revision);
    expect(new Set(revisions).size).toBe(3);
  });

  test('says so when no engine answers', async () => {
    expect(await publish(['--timeout', '200ms'])).toMatchObject({
      exitCode: 3,
      stderr: expect.stringContaining('is policy-engine running?'),
    });
  });
});

describe('policy publish --max-revocations', () => {
  test('publishes what the plan says revokes no more', async () => {
    await engine();
    const asked: unknown[] = [];
    const planning = (input: unknown) => {
      asked.push(input);
      return planOf(20);
    };
    stops.push(await answering(connection, PlanPolicy, planning));
    expect(await publish(['--max-revocations', '20'])).toMatchObject({ exitCode: 0, stdout: 'revision 1: active\n' });
    expect(asked).toEqual([{ document: HEALTHY_READS_WIKI }]);
  });

  test('refuses what would revoke more, with the counts', async () => {
    stops.push(await answering(connection, PlanPolicy, () => planOf(21)));
    expect(await publish(['--max-revocations', '20'])).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: expect.stringMatching(
        /^not published: .*would revoke 21 of 40 open sessions.*allows 20\. Devices: 12 would lose something \(9 people\), 2 be warned, 1 gain;/,
      ),
    });
    const forScripts = await publish(['--max-revocations', '20', '--json']);
    expect(forScripts.exitCode).toBe(1);
    expect(JSON.parse(forScripts.stdout)).toEqual({
      revision: null,
      outcome: 'too-many-revocations',
      errors: [],
      plan: { baseRevision: 0, ...planOf(21).totals },
    });
    expect(await json('policy', 'history')).toEqual([]);
  });

  test('publishes nothing that the engine finds wrong', async () => {
    const errors = [{ message: 'maxAge is too short', line: 1, column: 1 }];
    stops.push(await answering(connection, PlanPolicy, () => planOf(0, { errors })));
    expect(await publish(['--max-revocations', '20'])).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/policy.yaml:1:1: maxAge is too short[^]*not published/),
    });
    expect(await json('policy', 'history')).toEqual([]);
  });

  test('publishes nothing when somebody else published after the plan was made', async () => {
    await engine();
    await publish();
    const facts = new FactWriter(connection);
    const planning = async () => {
      await facts.write(PolicyPublished, published({ revision: 2 }));
      return planOf(0, { baseRevision: 1 });
    };
    stops.push(await answering(connection, PlanPolicy, planning));
    expect(await publish(['--max-revocations', '20'])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(/published a policy after revision 1, so nothing was published/),
    });
    expect(await json('policy', 'history')).toMatchObject([{ revision: 2 }, { revision: 1 }]);
  });

  test.each([
    ['the newest publication is undecided', false, 0, /revision 1 is published, but the engine has said nothing/],
    [
      'the plan compares with another policy than the one in force',
      true,
      7,
      /compared with revision 7, but revision 1/,
    ],
  ])('publishes nothing while %s', async (_, isDecided, baseRevision, said) => {
    if (isDecided) await engine();
    await publish(['--timeout', isDecided ? '10s' : '100ms']);
    stops.push(await answering(connection, PlanPolicy, () => planOf(0, { baseRevision })));
    expect(await publish(['--max-revocations', '20'])).toMatchObject({
      exitCode: 3,
      stderr: expect.stringMatching(said),
    });
    expect(await json('policy', 'history')).toHaveLength(1);
  });

  test('has nothing to limit for a policy in report mode', async () => {
    await engine({ mode: 'report' });
    const document = HEALTHY_READS_WIKI.replace('version: 1', 'version: 1\nmode: report');
    expect(await publish(['--max-revocations', '0'], document)).toMatchObject({
      exitCode: 0,
      stderr: expect.stringContaining('limits nothing'),
    });
  });
});

describe('policy publish --wait', () => {
  const review = (reviewed: number) => ({ reviewed, total: 1_000, startedAt: '2026-01-05T10:00:00.000Z' });

  /** The engine's answers, one after the other; the last one from then on. */
  async function statusIs(...answers: Partial<EngineStatus>[]): Promise<void> {
    const left = [...answers];
    const next = () => engineStatus(left.length > 1 ? left.shift() : left[0]);
    stops.push(await answering(connection, GetEngineStatus, next));
  }

  test('tells how far the review is until every device was decided about', async () => {
    await engine();
    // The first answer still speaks of the revision before.
    await statusIs({ policyRevision: 0 }, { review: review(40) }, { review: review(90) }, { review: review(700) }, {});
    expect(await publish(['--wait'])).toEqual({
      exitCode: 0,
      stdout: 'revision 1: active\nevery device has been decided about by it\n',
      stderr: 'reviewing 1,000 devices: 40 done\nreviewing 1,000 devices: 700 done\n',
    });
  });

  test('waits for one in report mode too, and tells scripts once, at the end', async () => {
    await engine({ mode: 'report' });
    await statusIs(
      { policyRevision: 0, reportingRevision: 1, review: review(1) },
      { policyRevision: 0, reportingRevision: 1 },
    );
    const { stdout, stderr } = await publish(['--wait', '--json']);
    expect(JSON.parse(stdout)).toEqual({ revision: 1, outcome: 'active', mode: 'report', errors: [], reviewed: true });
    expect(stderr).toBe('');
  });

  test('ends when a later revision takes its place', async () => {
    await engine();
    await statusIs({ review: review(1) }, { policyRevision: 2, review: review(1) });
    expect(await publish(['--wait'])).toMatchObject({
      exitCode: 0,
      stderr: expect.stringContaining('a later revision took its place'),
    });
  });

  test('says that the revision is active where the engine stops answering', async () => {
    await engine();
    expect(await publish(['--wait'])).toMatchObject({
      exitCode: 3,
      stdout: 'revision 1: active\n',
      stderr: expect.stringContaining('revision 1 is active, but policy-engine no longer answers'),
    });
  });

  test('ends with Ctrl-C, and the review goes on', async () => {
    await engine();
    await statusIs({ review: review(1) });
    const argv = ['policy', 'publish', await fileOf(HEALTHY_READS_WIKI), '--wait', '--nats', nats.url];
    const running = startStance(argv);
    await waitFor(() => running.stderr().includes('reviewing'), { what: 'the review is told of' });
    running.interrupt();
    expect(await running.outcome).toMatchObject({
      exitCode: 130,
      stdout: 'revision 1: active\n',
      stderr: expect.stringContaining('goes on in the background'),
    });
  });
});
