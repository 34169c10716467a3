import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { decodeEvent, PolicyActivated, PolicyPublished, subjectOf, type DataOf } from '@stance/contracts';
import { StreamFollower } from '@stance/jetstream';
import { startTestNats, temporaryFolder, type TemporaryFolder, type TestNats } from '@stance/testing';
import { stance } from '../fixtures/captured-io.js';
import { activated, FactWriter } from '../fixtures/facts.js';
import { freshTopology } from '../fixtures/fresh-topology.js';

const VALID = `version: 1
postures:
  healthy:
    - sentinelOne:infected == false
gateways:
  office:
    resources: [wiki]
rules:
  - name: everyone reads the wiki
    resources: [wiki]
    require: [healthy]
`;

let folder: TemporaryFolder;
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(async () => {
  await folder.remove();
});

async function fileOf(text: string): Promise<string> {
  const file = join(folder.path, 'policy.yaml');
  await writeFile(file, text);
  return file;
}

describe('policy check', () => {
  test('needs no server to find a policy valid', async () => {
    const file = await fileOf(VALID);
    expect(await stance(['policy', 'check', file])).toEqual({ exitCode: 0, stdout: `${file}: valid\n`, stderr: '' });
    expect(await stance(['policy', 'check', file, '--json'])).toMatchObject({ exitCode: 0, stdout: '[]\n' });
  });

  test('names file, line and column of what is wrong, with the line', async () => {
    const file = await fileOf(VALID.replace('[healthy]', '[healthey]'));
    const { exitCode, stdout } = await stance(['policy', 'check', file]);
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(new RegExp(`^${file}:11:\\d+: .*healthey`));
    expect(stdout).toContain('  11 |     require: [healthey]');
    const forScripts = await stance(['policy', 'check', file, '--json']);
    expect(JSON.parse(forScripts.stdout)).toMatchObject([
      { file, line: 11, message: expect.stringContaining('healthey') },
    ]);
  });

  test('says that a file cannot be read', async () => {
    expect(await stance(['policy', 'check', '/nowhere.yaml'])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('/nowhere.yaml cannot be read'),
    });
  });
});

describe('policy publish', () => {
  let nats: TestNats;
  let connection: NatsConnection;
  beforeAll(async () => {
    nats = await startTestNats();
    connection = await nats.connect();
    await freshTopology(connection);
  });
  afterAll(async () => {
    await nats.close();
  });

  const publish = async (...options: string[]) =>
    stance(['policy', 'publish', await fileOf(VALID), '--by', 'ana', '--nats', nats.url, ...options]);

  /** An engine that answers every publication in the same way. */
  async function engine(over: Partial<DataOf<typeof PolicyActivated>>): Promise<StreamFollower> {
    const facts = new FactWriter(connection);
    const { state } = await (await jetstreamManager(connection)).streams.info('STANCE_POLICIES');
    return StreamFollower.start(
      connection,
      { stream: 'STANCE_POLICIES', filter: subjectOf(PolicyPublished, {}), from: { sequence: state.last_seq + 1 } },
      (message) => {
        const { revision } = decodeEvent(PolicyPublished, message.data, message.subject).data;
        void facts.write(PolicyActivated, activated({ revision, ...over }));
      },
    );
  }

  test('publishes nothing that is invalid', async () => {
    const file = await fileOf('version: 1\nrules: 7\n');
    const outcome = await stance(['policy', 'publish', file, '--nats', nats.url]);
    expect(outcome).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/policy.yaml:2:.*not published: 1 error/s),
    });
    const { stdout } = await stance(['policy', 'history', '--json', '--nats', nats.url]);
    expect(stdout).toBe('[]\n');
  });

  test('publishes the next revision each time and prints what the engine made of it', async () => {
    const accepting = await engine({});
    expect(await publish()).toMatchObject({ exitCode: 0, stdout: 'revision 1: active\n' });
    const second = await publish('--comment', 'stricter', '--json');
    expect(JSON.parse(second.stdout)).toEqual({ revision: 2, outcome: 'active', errors: [] });
    await accepting.stop();

    const refusing = await engine({ outcome: 'refused', errors: [{ message: 'too strict', line: 4, column: 7 }] });
    const { exitCode, stdout } = await publish();
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/^revision 3: refused[^]*policy.yaml:4:7: too strict\n {2}4 \| {5}- sentinelOne/);
    await refusing.stop();

    const history = await stance(['policy', 'history', '--json', '--nats', nats.url]);
    expect(JSON.parse(history.stdout)).toMatchObject([
      { revision: 3, state: 'refused', publishedBy: 'ana' },
      { revision: 2, state: 'in-force', comment: 'stricter' },
      { revision: 1, state: 'replaced' },
    ]);
  });

  test('two that publish at the same time get a revision each', async () => {
    const accepting = await engine({});
    const outcomes = await Promise.all([publish('--json'), publish('--json'), publish('--json')]);
    const revisions = outcomes.map(({ stdout }) => (JSON.parse(stdout) as { revision: number }).revision);
    expect(new Set(revisions).size).toBe(3);
    await accepting.stop();
  });

  test('says so when no engine answers', async () => {
    expect(await publish('--timeout', '200ms')).toMatchObject({
      exitCode: 3,
      stderr: expect.stringContaining('is policy-engine running?'),
    });
  });
});
