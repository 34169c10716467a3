import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { NatsConnection } from '@nats-io/transport-node';
import { PolicyActivated, PolicyPublished } from '@stance/contracts';
import { ServiceProcess, startTestNats, temporaryFolder, type TemporaryFolder, type TestNats } from '@stance/testing';
import { stance } from '../../fixtures/captured-io.js';
import { activated, FactWriter, published } from '../../fixtures/facts.js';
import { freshTopology } from '../../fixtures/fresh-topology.js';
import { HEALTHY_READS_WIKI } from '../../fixtures/policies.js';

const named = (name: string): string => HEALTHY_READS_WIKI.replace('everyone reads the wiki', name);
const A = named('first');
const B = named('second');
const FORGED = named('forged');

let folder: TemporaryFolder;
let nats: TestNats;
let connection: NatsConnection;
let engine: ServiceProcess;
beforeEach(async () => {
  folder = await temporaryFolder();
  nats = await startTestNats();
  connection = await nats.connect();
  await freshTopology(connection);
  const keys = await Promise.all(['ana', 'ben'].map(keygen));
  await writeFile(file('policy-keys'), keys.join(''));
});
afterEach(async () => {
  await engine.stop();
  await nats.close();
  await folder.remove();
});

const file = (name: string): string => join(folder.path, name);

async function keygen(name: string): Promise<string> {
  return (await stance(['policy', 'keygen', file(`${name}.key`), '--name', name])).stdout;
}

/** What the engine and whoever signs are told. */
const signing = () => ({ STANCE_POLICY_KEYS_FILE: file('policy-keys'), STANCE_INSTALLATION: 'production' });

/** Runs a command of `stance policy`, where the public keys are known. */
const run = (...argv: string[]) => stance(['policy', ...argv, '--nats', nats.url], { env: signing() });
const json = async (...argv: string[]): Promise<unknown> => JSON.parse((await run(...argv, '--json')).stdout);

async function startEngine(environment: NodeJS.ProcessEnv = signing()): Promise<void> {
  engine = ServiceProcess.start('policy-engine', { NATS_URL: nats.url, ...environment });
  await engine.reached('active');
}

async function publish(document: string, ...options: string[]) {
  await writeFile(file('policy.yaml'), document);
  return run('publish', file('policy.yaml'), '--by', 'someone', ...options);
}

const by = (name: string): string[] => ['--key', file(`${name}.key`)];

describe('where the engine knows the keys of the policy admins', () => {
  test('a policy is published with a signature made now or before, and history says whose', async () => {
    await startEngine();
    expect(await publish(A)).toMatchObject({
      exitCode: 1,
      stdout: expect.stringMatching(
        /^revision 1: refused[^]*it is not signed; only what a policy admin signed comes into force/,
      ),
    });
    expect(await publish(A, ...by('ana'))).toMatchObject({ exitCode: 0, stdout: 'revision 2: active\n' });
    await writeFile(file('policy.yaml'), B);
    await run('sign', file('policy.yaml'), ...by('ben'));
    expect(await publish(B, '--signature', file('policy.yaml.sig'))).toMatchObject({ stdout: 'revision 3: active\n' });
    expect((await run('history')).stdout).toMatch(
      / BY +SIGNED BY +COMMENT[^]* in-force .* someone +ben [^]* someone +ana [^]* refused .* someone +- +it is not signed/,
    );
    expect(await json('history')).toMatchObject([
      { revision: 3, state: 'in-force', isSigned: true, signer: 'ben' },
      { revision: 2, state: 'replaced', isSigned: true, signer: 'ana' },
      { revision: 1, state: 'refused', isSigned: false },
    ]);
    expect(await run('verify')).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/^revision 3: signed by ben at /),
    });
  });

  test('what was signed for another installation does not come into force', async () => {
    await startEngine();
    expect(await publish(A, ...by('ana'), '--for', 'staging')).toMatchObject({
      exitCode: 1,
      stdout: expect.stringContaining('it is signed for the installation staging, and this one is production'),
    });
  });

  test('rollback signs anew what an admin had signed, and nothing else', async () => {
    await startEngine();
    await publish(A, ...by('ana'));
    await publish(B, ...by('ana'));
    expect(await run('rollback')).toMatchObject({ exitCode: 1, stdout: expect.stringContaining('it is not signed') });
    expect(await run('rollback', ...by('ben'))).toMatchObject({
      exitCode: 0,
      stdout: 'revision 4: active (the document of revision 1)\n',
    });
    expect(await json('history')).toMatchObject([{ revision: 4, state: 'in-force', signer: 'ben' }, {}, {}, {}]);

    const facts = new FactWriter(connection);
    await facts.write(PolicyPublished, published({ revision: 5, document: FORGED }));
    await facts.write(PolicyActivated, activated({ revision: 5 }));
    await facts.write(PolicyActivated, activated({ revision: 6 }));
    expect(await run('rollback', '5', ...by('ben'))).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(/^revision 5 is not signed anew without a look at it: it is not signed/),
    });
  });

  test('history tells what the log claims from what is in force', async () => {
    await startEngine();
    await publish(A, ...by('ana'));
    await engine.stop();
    const facts = new FactWriter(connection);
    await facts.write(PolicyPublished, published({ revision: 2, document: FORGED }));
    await facts.write(PolicyActivated, activated({ revision: 2 }));
    await startEngine();
    expect(
      await engine.logged(
        'the log says that revision 2 came into force, but it is not signed; only what a policy admin signed comes into force: see `stance policy sign`: it does not count, revision 1 stays in force. Find out who wrote it, then publish a policy that is signed: `stance policy publish <file> --key <key>`',
      ),
    ).toMatchObject({ revision: 2 });
    expect(await json('history')).toMatchObject([
      { revision: 2, state: 'unverified' },
      { revision: 1, state: 'in-force', signer: 'ana' },
    ]);
    expect(await run('verify')).toMatchObject({
      exitCode: 1,
      stdout: expect.stringContaining('revision 2: not verified'),
    });
    expect(await publish(B, ...by('ben'))).toMatchObject({ exitCode: 0, stdout: 'revision 3: active\n' });
    expect(await json('history')).toMatchObject([{ revision: 3, state: 'in-force' }, {}, { state: 'replaced' }]);
  });
});

test('where it knows none, a policy may be signed all the same: so keys are configured without a gap', async () => {
  await startEngine({});
  await publish(A);
  expect(await run('verify')).toMatchObject({
    exitCode: 1,
    stdout: expect.stringContaining('revision 1: not verified: it is not signed'),
  });
  expect(await publish(A, ...by('ana'))).toMatchObject({ exitCode: 0 });
  expect(await run('verify')).toMatchObject({
    exitCode: 0,
    stdout: expect.stringContaining('revision 2: signed by ana'),
  });
  expect((await run('history')).stdout).toMatch(/ someone +not verified /);
  await engine.stop();
  await startEngine();
  expect(await json('history')).toMatchObject([{ revision: 2, state: 'in-force' }, {}]);
});
