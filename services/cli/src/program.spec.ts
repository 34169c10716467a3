import { execFile } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { freePort, temporaryFolder } from '@stance/testing';
import { stance } from './fixtures/captured-io.js';

const run = promisify(execFile);

describe('the command line', () => {
  test('help names every command and every exit code', async () => {
    const { exitCode, stdout } = await stance(['--help']);
    expect(exitCode).toBe(0);
    const commands = [
      'status',
      'sources',
      'devices',
      'device',
      'unmatched',
      'match',
      'sessions',
      'explain',
      'watch',
      'policy',
    ];
    for (const command of [...commands, 'hold', 'audit', 'topology', 'simulate'])
      expect(stdout).toContain(`  ${command} `);
    expect(stdout).toMatch(/0 +done[^]*1 +a negative[^]*2 +wrong usage[^]*3 +NATS/);
  });

  test.each([
    [['sesions'], /unknown command 'sesions'[^]*Did you mean sessions/],
    [['sessions', '--state', 'closed'], /Allowed choices are open, revoked, ended/],
    [['watch', '--count', 'many'], /whole number from 1/],
    [['watch', '--for', '10'], /duration such as/],
    [['device'], /missing required argument 'id'/],
    [[], /Usage: stance/],
  ])('%j is wrong usage', async (argv, message) => {
    expect(await stance(argv)).toEqual({ exitCode: 2, stdout: '', stderr: expect.stringMatching(message) });
  });

  test('a server that does not answer is one line, at once', async () => {
    const url = `nats://127.0.0.1:${await freePort()}`;
    const { exitCode, stdout, stderr } = await stance(['status', '--nats', url]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 3, stdout: '' });
    expect(stderr).toMatch(/^no NATS server answers at nats:\/\/127.0.0.1:\d+ .*\n$/);
  });

  test('credentials in an address are told to nobody', async () => {
    const url = `nats://ana:secret@127.0.0.1:${await freePort()}`;
    const { exitCode, stderr } = await stance(['status', '--debug', '--nats', url]);
    expect(exitCode).toBe(3);
    expect(stderr).not.toContain('secret');
  });

  test('a credentials file that is not there is named', async () => {
    const env = { NATS_URL: 'nats://127.0.0.1:1', NATS_CREDS_FILE: '/nowhere.creds' };
    expect(await stance(['status'], { env })).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: 'NATS_CREDS_FILE: /nowhere.creds cannot be read\n',
    });
  });

  test('the local stack gets no credentials of the environment', async () => {
    const folder = await temporaryFolder();
    const running = { natsUrl: `nats://127.0.0.1:${await freePort()}`, demo: true, pid: process.pid };
    writeFileSync(join(folder.path, 'run.json'), JSON.stringify(running), { mode: 0o644 });
    const env = { STANCE_DATA_DIR: folder.path, NATS_CREDS_FILE: '/nowhere.creds' };
    const { exitCode, stderr } = await stance(['status'], { env });
    expect(exitCode).toBe(3);
    expect(stderr).toMatch(/^NATS_CREDS_FILE: not used for the local stack at .*\nno NATS server answers at .*\n$/);
    await folder.remove();
  });

  test('a key that is used over a network without TLS is warned of; addresses that mix both are refused', async () => {
    const env = { NATS_NKEY_SEED_FILE: '/nowhere.nk' };
    expect((await stance(['status', '--nats', 'nats://nats.invalid:4222'], { env })).stderr).toMatch(
      /^nats:\/\/nats.invalid:4222 does not ask for TLS: .*\nNATS_NKEY_SEED_FILE: \/nowhere.nk cannot be read\n$/,
    );
    expect(await stance(['status', '--nats', 'tls://a:4222,b:4222'])).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: expect.stringMatching(/^the NATS address tls:\/\/a:4222,b:4222 mixes tls:\/\/ with/),
    });
  });

  test('without a server and a running stack it says how to start one', async () => {
    const folder = await temporaryFolder();
    expect(await stance(['status'], { env: { STANCE_DATA_DIR: folder.path } })).toEqual({
      exitCode: 3,
      stdout: '',
      stderr: expect.stringContaining('the local stack is not running (start it with npm start)'),
    });
    await folder.remove();
  });
});

describe('bin/stance.mjs', () => {
  const bin = join(import.meta.dirname, '..', 'bin', 'stance.mjs');

  test('says what to do when nothing is built', async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder.path, 'bin'));
    const copy = join(folder.path, 'bin', 'stance.mjs');
    await copyFile(bin, copy);
    await expect(run(process.execPath, [copy])).rejects.toMatchObject({
      code: 2,
      stderr: 'stance is not built yet: run `npm run build` or `npm start` first\n',
    });
    await folder.remove();
  });

  test('hands the arguments over and exits with what comes back', async () => {
    const folder = await temporaryFolder();
    for (const name of ['bin', 'dist']) await mkdir(join(folder.path, name));
    const copy = join(folder.path, 'bin', 'stance.mjs');
    await copyFile(bin, copy);
    await writeFile(join(folder.path, 'dist', 'main.js'), 'export const main = async (argv) => argv.length;\n');
    await writeFile(join(folder.path, 'package.json'), '{"type":"module"}');
    await expect(run(process.execPath, [copy, 'a', 'b', 'c'])).rejects.toMatchObject({ code: 3 });
    await folder.remove();
    expect(existsSync(copy)).toBe(false);
  });
});
