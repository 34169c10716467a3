import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { NatsConnection } from '@nats-io/transport-node';
import { GetEngineStatus, PlanPolicy, PolicyActivated, PolicyPublished, type DataOf } from '@stance/contracts';
import { startTestNats, type TestNats } from '@stance/testing';
import { answering } from '../../fixtures/answering.js';
import { stance } from '../../fixtures/captured-io.js';
import { activated, FactWriter, published } from '../../fixtures/facts.js';
import { freshTopology } from '../../fixtures/fresh-topology.js';
import { HEALTHY_READS_WIKI, withTests } from '../../fixtures/policies.js';
import { engineSaying, engineStatus, planOf } from '../../fixtures/policy-engine.js';

let nats: TestNats;
let connection: NatsConnection;
let facts: FactWriter;
let stops: (() => unknown)[];
beforeEach(async () => {
  stops = [];
  nats = await startTestNats();
  connection = await nats.connect();
  await freshTopology(connection);
  facts = new FactWriter(connection);
});
afterEach(async () => {
  for (const stop of stops) await stop();
  await nats.close();
});

const run = (...argv: string[]) => stance(['policy', ...argv, '--nats', nats.url]);
const json = async (...argv: string[]): Promise<unknown> => JSON.parse((await run(...argv, '--json')).stdout);

type Said = Partial<DataOf<typeof PolicyActivated>> | 'nothing';

/** Publishes a revision, of which the engine then says something. */
async function revision(number: number, document: string, said: Said = {}): Promise<void> {
  const sha256 = createHash('sha256').update(document).digest('hex');
  await facts.write(PolicyPublished, published({ revision: number, document, sha256 }));
  if (said !== 'nothing') await facts.write(PolicyActivated, activated({ revision: number, ...said }));
}

const named = (name: string): string => HEALTHY_READS_WIKI.replace('everyone reads the wiki', name);
const A = named('first');
const B = named('second');
const C = named('third');

async function engine(): Promise<void> {
  const follower = await engineSaying(connection);
  stops.push(() => follower.stop());
}

describe('policy history', () => {
  test('marks a revision in force that the engine no longer loads, and says why', async () => {
    await revision(1, A);
    await revision(2, B);
    const broken = { policyRevision: 2, policyLoads: false, policyErrors: [{ message: 'no such attribute', line: 4 }] };
    stops.push(await answering(connection, GetEngineStatus, () => engineStatus(broken)));
    expect((await run('history')).stdout).toMatch(/\n +2 +in-force, no longer loads .* no such attribute /);
    expect(await json('history')).toMatchObject([
      { revision: 2, state: 'in-force', loads: false, errors: [{ message: 'no such attribute', line: 4 }] },
      { revision: 1, state: 'replaced', errors: [] },
    ]);
  });

  test('says nothing of that where the engine does not answer, or loads it', async () => {
    await revision(1, A);
    expect((await run('history')).stdout).not.toContain('loads');
    stops.push(await answering(connection, GetEngineStatus, () => engineStatus()));
    expect(await json('history')).toEqual([expect.not.objectContaining({ loads: false })]);
  });
});

describe('policy show', () => {
  beforeEach(async () => {
    await revision(1, A);
    await revision(2, B);
    await revision(3, C, { outcome: 'refused', errors: [{ message: 'no' }] });
  });

  test('prints the document in force to the byte', async () => {
    expect(await run('show')).toEqual({ exitCode: 0, stdout: B, stderr: '' });
  });

  test('prints that of any revision, one that was refused too', async () => {
    expect((await run('show', '1')).stdout).toBe(A);
    expect(await json('show', '3')).toMatchObject({ revision: 3, state: 'refused', document: C });
  });

  test('says which revisions there are', async () => {
    expect(await run('show', '4')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('there is no revision 4: there are 1 to 3'),
    });
  });

  test('makes what a terminal would obey visible', async () => {
    await revision(4, `# \u001b[2J\n${A}`);
    const { stdout } = await stance(['policy', 'show', '4', '--nats', nats.url], { columns: 80 });
    expect(stdout).toMatch(/^# �\[2J\nversion: 1\n/);
    expect((await run('show', '4')).stdout).toContain('\u001b');
  });
});

describe('policy rollback', () => {
  test('publishes the document that was in force before, as a new revision', async () => {
    await revision(1, A);
    await revision(2, B);
    await revision(3, C, { outcome: 'refused' });
    await engine();
    expect(await run('rollback', '--by', 'ana')).toMatchObject({
      exitCode: 0,
      stdout: 'revision 4: active (the document of revision 1)\n',
    });
    expect(await json('history')).toMatchObject([
      { revision: 4, state: 'in-force', publishedBy: 'ana', comment: 'rollback to 1' },
      { revision: 3, state: 'refused' },
      { revision: 2, state: 'replaced' },
      { revision: 1, state: 'replaced' },
    ]);
    expect((await run('show')).stdout).toBe(A);
  });

  test('once more goes further back, never forward to what was rolled back', async () => {
    await revision(4, A);
    await revision(5, B);
    await revision(6, C);
    await engine();
    expect(await json('rollback')).toMatchObject({ revision: 7, restored: 5 });
    expect(await json('rollback', '--comment', 'further')).toMatchObject({ revision: 8, restored: 4 });
    expect((await run('show')).stdout).toBe(A);
    expect(await json('history')).toMatchObject([{ comment: 'rollback to 4: further' }, { revision: 7 }, {}, {}, {}]);
    expect(await run('rollback')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(
        /^no policy was in force before revision 4, whose document revision 8 has, so there is nothing to roll back to/,
      ),
    });
  });

  test('says not to run it again while the engine says nothing of it', async () => {
    await revision(1, A);
    await revision(2, B);
    expect(await run('rollback', '--timeout', '100ms')).toMatchObject({
      exitCode: 3,
      stderr: expect.stringMatching(/Do not run this again before `stance policy history` tells .* revision 3/),
    });
  });

  test('passes over the same document and over those in report mode', async () => {
    await revision(1, A);
    await revision(2, B);
    await revision(3, C, { mode: 'report' });
    await revision(4, B);
    await engine();
    expect(await json('rollback')).toMatchObject({ revision: 5, restored: 1, outcome: 'active', mode: 'enforce' });
  });

  test('goes to the revision that is named', async () => {
    await revision(1, A);
    await revision(2, B);
    await revision(3, C);
    await engine();
    expect(await json('rollback', '1')).toMatchObject({ revision: 4, restored: 1 });
  });

  test('checks and tests the document again', async () => {
    await revision(1, withTests('allow'));
    await revision(2, B);
    expect(await run('rollback')).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/^revision 1:16:5: test "an infected laptop does not" fails[^]*not published/),
    });
    expect(await json('history')).toHaveLength(2);
  });

  test('refuses to revoke more sessions than it may', async () => {
    await revision(1, A);
    await revision(2, B);
    stops.push(await answering(connection, PlanPolicy, () => planOf(5, { baseRevision: 2 })));
    expect(await run('rollback', '--max-revocations', '4')).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/^not published: against revision 2, revision 1 would revoke 5 of 40/),
    });
    expect(await json('history')).toHaveLength(2);
  });

  test('publishes nothing when somebody else published meanwhile', async () => {
    await revision(1, A);
    await revision(2, B);
    const planning = async () => {
      await revision(3, C);
      return planOf(0, { baseRevision: 2 });
    };
    stops.push(await answering(connection, PlanPolicy, planning));
    expect(await run('rollback', '--max-revocations', '4')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('after revision 2, so nothing was published'),
    });
  });

  test.each<[string, () => Promise<void>, string[], RegExp]>([
    ['no policy is in force', async () => revision(1, A, 'nothing'), [], /no policy is in force/],
    [
      'none was in force before',
      async () => revision(1, A),
      [],
      /no policy was in force before revision 1, so there is nothing/,
    ],
    ['there is no such revision', async () => revision(1, A), ['7'], /no revision 7: there are 1 to 1/],
    ['it is in force', async () => revision(1, A), ['1'], /revision 1 is in force already/],
  ])('says that %s', async (_, arrange, argv, said) => {
    await arrange();
    expect(await run('rollback', ...argv)).toEqual({ exitCode: 2, stdout: '', stderr: expect.stringMatching(said) });
  });

  test.each<[string, Said, RegExp]>([
    [
      'was refused',
      { outcome: 'refused', errors: [{ message: 'no such attribute' }] },
      /revision 2 was refused by the engine \(no such attribute\)/,
    ],
    ['only ran in report mode', { mode: 'report' }, /revision 2 only ran in report mode/],
    ['is undecided', 'nothing', /revision 2 has no word of the engine yet/],
  ])('goes to no revision that %s', async (_, said, message) => {
    await revision(1, A);
    await revision(2, B, said);
    await revision(3, C);
    expect(await run('rollback', '2')).toMatchObject({ exitCode: 2, stderr: expect.stringMatching(message) });
  });
});
