import { spawnSync } from 'node:child_process';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { temporaryFolder, type TemporaryFolder } from '@stance/testing';
import { stance } from '../../fixtures/captured-io.js';
import { HEALTHY_READS_WIKI, withTests } from '../../fixtures/policies.js';

const hasOpenSsh = spawnSync('ssh-keygen', ['-?']).error === undefined;

let folder: TemporaryFolder;
let keys: string;
let policy: string;
beforeEach(async () => {
  folder = await temporaryFolder();
  policy = await fileOf('policy.yaml', HEALTHY_READS_WIKI);
  const { stdout } = await run('keygen', file('ana.key'), '--name', 'ana@example.com');
  keys = await fileOf('policy-keys', stdout);
});
afterEach(async () => {
  await folder.remove();
});

const file = (name: string): string => join(folder.path, name);
const run = (...argv: string[]) =>
  stance(['policy', ...argv], { env: { PATH: process.env['PATH'] ?? '', STANCE_INSTALLATION: 'production' } });

async function fileOf(name: string, text: string): Promise<string> {
  await writeFile(file(name), text);
  return file(name);
}

describe('policy keygen', () => {
  test('makes a private key that nobody else may read, and prints the line for the engine', async () => {
    const { exitCode, stdout, stderr } = await run('keygen', file('key'), '--name', 'ben@example.com');
    expect({ exitCode, stdout }).toEqual({
      exitCode: 0,
      stdout: expect.stringMatching(/^ben@example\.com namespaces="stance-policy" ssh-ed25519 [\w+/]+\n$/),
    });
    expect(stderr).toContain('STANCE_POLICY_KEYS_FILE');
    expect((await stat(file('key'))).mode & 0o777).toBe(0o600);
    expect(await readFile(file('key.pub'), 'utf8')).toMatch(/^ssh-ed25519 [\w+/]+ ben@example\.com\n$/);
    expect(stdout + stderr).not.toContain('PRIVATE KEY');
  });

  test('never writes over a key', async () => {
    const before = await readFile(file('ana.key'), 'utf8');
    expect(await run('keygen', file('ana.key'))).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('EEXIST'),
    });
    expect(await readFile(file('ana.key'), 'utf8')).toBe(before);
  });

  test('takes no name that a file of keys could not hold', async () => {
    expect(await run('keygen', file('key'), '--name', 'ana, security')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('letters, digits'),
    });
  });
});

describe('policy sign, policy verify', () => {
  test('a policy that was signed is verified, and says by whom', async () => {
    expect(await run('sign', policy, '--key', file('ana.key'))).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/policy\.yaml\.sig: the signature of .*policy\.yaml for production as of 20\d\d-/),
    });
    expect(await run('verify', policy, '--keys', keys)).toEqual({
      exitCode: 0,
      stdout: expect.stringMatching(/policy\.yaml: signed by ana@example\.com at 20.* with SHA256:/),
      stderr: '',
    });
    const { stdout } = await stance(['policy', 'verify', policy, '--json'], {
      env: { STANCE_POLICY_KEYS_FILE: keys, STANCE_INSTALLATION: 'production' },
    });
    expect(JSON.parse(stdout)).toMatchObject({ name: policy, verified: true, signer: 'ana@example.com' });
  });

  test('a policy that is wrong is not signed', async () => {
    await writeFile(policy, withTests('allow'));
    expect(await run('sign', policy, '--key', file('ana.key'))).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/test "an infected laptop does not" fails[^]*not signed: 1 error/),
    });
    await expect(stat(`${policy}.sig`)).rejects.toThrow('ENOENT');
  });

  test('a policy that was changed since is another document', async () => {
    await run('sign', policy, '--key', file('ana.key'));
    await writeFile(policy, `${HEALTHY_READS_WIKI}# changed\n`);
    expect(await run('verify', policy, '--keys', keys)).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('policy.yaml.sig is the signature of another document'),
    });
  });

  test('a signature by a stranger is not verified', async () => {
    await run('keygen', file('eve.key'), '--name', 'eve');
    await run('sign', policy, '--key', file('eve.key'), '--out', file('eve.sig'));
    const { exitCode, stdout } = await run('verify', policy, '--keys', keys, '--signature', file('eve.sig'));
    expect({ exitCode, stdout }).toEqual({
      exitCode: 1,
      stdout: expect.stringMatching(/policy\.yaml: not verified: it is signed by the key SHA256:.* not among those/),
    });
  });

  test('a signature counts in the installation that it is for, and in no other', async () => {
    expect(await run('sign', policy, '--key', file('ana.key'), '--for', 'staging')).toMatchObject({ exitCode: 0 });
    expect(await readFile(`${policy}.sig`, 'utf8')).toMatch(/^stance policy statement 1\nfor: staging\nsha256: /);
    expect(await run('verify', policy, '--keys', keys, '--for', 'staging')).toMatchObject({ exitCode: 0 });
    expect(await run('verify', policy, '--keys', keys)).toMatchObject({
      exitCode: 1,
      stdout: expect.stringContaining('it is signed for the installation staging, and this one is production'),
    });
    expect(await run('publish', policy, '--signature', `${policy}.sig`)).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('is a signature for the installation staging, not for production'),
    });
  });

  test.each([
    ['sign', '--key', 'ana.key'],
    ['verify', '--keys', 'policy-keys'],
  ])('%s has to know for which installation', async (command, option, name) => {
    expect(await stance(['policy', command, policy, option, file(name)])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('say with --for, or STANCE_INSTALLATION, for which installation'),
    });
    await expect(stat(`${policy}.sig`)).rejects.toThrow('ENOENT');
  });

  test.each<[string, () => Promise<string[]>, RegExp]>([
    ['the key is not there', async () => ['sign', policy, '--key', file('none')], /none cannot be read: .*ENOENT/],
    ['there is no signature', async () => ['verify', policy, '--keys', keys], /policy\.yaml\.sig cannot be read/],
    [
      'the signature is something else',
      async () => ['verify', policy, '--keys', keys, '--signature', policy],
      /cannot be used: it is not of the form/,
    ],
    [
      'the installation has no name that it could have',
      async () => ['sign', policy, '--key', file('ana.key'), '--for', 'our own'],
      /takes 1 to 100 letters, digits and \. _ -, such as production, not "our own"/,
    ],
    ['nobody says which keys count', async () => ['verify', policy], /say with --keys, or STANCE_POLICY_KEYS_FILE/],
    ['the keys are none', async () => ['verify', policy, '--keys', policy], /has problems: line 1: it has to be/],
    [
      'a signature is made and given',
      async () => ['publish', policy, '--key', 'a', '--signature', 'b'],
      /give one of them/,
    ],
    ['a signature has no file', async () => ['verify', '--keys', keys, '--signature', 'b'], /name the file too/],
  ])('say what to do where %s', async (_, argv, said) => {
    expect(await run(...(await argv()))).toMatchObject({
      exitCode: 2,
      stdout: '',
      stderr: expect.stringMatching(said),
    });
  });

  (hasOpenSsh ? describe : describe.skip)(
    `with OpenSSH${hasOpenSsh ? '' : ' (skipped: ssh-keygen is not here)'}`,
    () => {
      const sshKeygen = (...options: string[]) => spawnSync('ssh-keygen', ['-q', '-N', '', ...options]).status;

      test('take a key that ssh-keygen made', async () => {
        expect(sshKeygen('-t', 'ed25519', '-C', 'ben', '-f', file('ben'))).toBe(0);
        const [type, key] = (await readFile(file('ben.pub'), 'utf8')).split(' ');
        await writeFile(keys, `ben ${type} ${key}\n`);
        await run('sign', policy, '--key', file('ben'));
        expect(await run('verify', policy, '--keys', keys)).toMatchObject({
          stdout: expect.stringContaining('signed by ben at'),
        });
      });

      test('leave a key that is not at hand to ssh-keygen', async () => {
        expect(sshKeygen('-t', 'ed25519', '-f', file('ben'))).toBe(0);
        await writeFile(keys, `ben ${(await readFile(file('ben.pub'), 'utf8')).split(' ').slice(0, 2).join(' ')}\n`);
        // By its public key it finds the private one beside it, or in an agent.
        expect(await run('sign', policy, '--key', file('ben.pub'))).toMatchObject({ exitCode: 0 });
        expect(await run('verify', policy, '--keys', keys)).toMatchObject({ exitCode: 0 });
      });

      test('refuse a key of another type, with those that are taken', async () => {
        expect(sshKeygen('-t', 'ecdsa', '-f', file('ecdsa'))).toBe(0);
        expect(await run('sign', policy, '--key', file('ecdsa'))).toMatchObject({
          exitCode: 2,
          stderr: expect.stringMatching(/"ecdsa-sha2-nistp256" is not taken: use ssh-ed25519 or sk-ssh-ed25519/),
        });
      });
    },
  );

  test('say that a key which is not at hand needs OpenSSH', async () => {
    await writeFile(file('protected'), 'a key of another kind\n');
    const options = { env: { PATH: folder.path, STANCE_INSTALLATION: 'production' } };
    expect(await stance(['policy', 'sign', policy, '--key', file('protected')], options)).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('needs `ssh-keygen` of OpenSSH, which does not run'),
    });
  });
});
