import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { temporaryFolder, type TemporaryFolder } from '@stance/testing';
import { stance } from '../fixtures/captured-io.js';

let folder: TemporaryFolder;
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(() => folder.remove());

const generate = (...options: string[]) => stance(['nats-auth', 'generate', '--out', folder.path, ...options]);
const config = () => readFile(join(folder.path, 'nats-auth.conf'), 'utf8');
const seedOf = (user: string) => readFile(join(folder.path, 'users', `${user}.nk`), 'utf8');

describe('nats-auth generate', () => {
  test('writes accounts and a secret for every user, and says what to do with them; needs no server', async () => {
    const { exitCode, stdout, stderr } = await generate('--gateway', 'edge,vpn');
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toContain(`${join(folder.path, 'nats-auth.conf')}: include it in the configuration`);
    for (const user of ['policy-engine', 'audit-trail', 'topology', 'viewer', 'gateway-edge', 'gateway-vpn']) {
      expect(stdout).toContain(user);
      expect(await seedOf(user)).toMatch(/^SU[A-Z2-7]{56}\n$/);
      expect((await stat(join(folder.path, 'users', `${user}.nk`))).mode & 0o777).toBe(0o600);
    }
    for (const account of ['"STANCE"', '"AUDIT"', '"GATEWAY_edge"', '"GATEWAY_vpn"']) {
      expect(await config()).toContain(`${account} {`);
    }
  });

  test('keeps the keys that are there, and gives a new one to who is named until the old one is retired', async () => {
    await generate();
    const [engine, matcher] = [await seedOf('policy-engine'), await seedOf('device-matcher')];
    const users = async () => (await config()).match(/nkey: U/g)?.length ?? 0;
    const before = await users();
    await generate('--rotate', 'policy-engine');
    expect(await seedOf('device-matcher')).toBe(matcher);
    expect(await seedOf('policy-engine')).not.toBe(engine);
    expect(await users()).toBe(before + 1);
    await generate('--retire', 'policy-engine');
    expect(await users()).toBe(before);
  });

  test('writes credentials and JWTs for operator mode', async () => {
    const { exitCode } = await generate('--gateway', 'edge', '--format', 'jwt');
    expect(exitCode).toBe(0);
    expect(await config()).toContain('resolver_preload');
    expect(await readFile(join(folder.path, 'users', 'gateway-edge.creds'), 'utf8')).toContain('BEGIN NATS USER JWT');
  });

  test('limits what accounts may take on disk', async () => {
    await generate('--gateway', 'edge', '--audit-limit', '500GB', '--gateway-limit', '2GB');
    expect(await config()).toContain('jetstream: { max_file: 500000000000 }');
    expect(await config()).toContain('jetstream: { max_file: 2000000000 }');
  });

  test.each([
    ['an unknown user', ['--rotate', 'nobody'], 'there is no user nobody; there are '],
    ['a name twice', ['--gateway', 'edge,edge'], 'names, each once'],
    ['a size that is none', ['--audit-limit', 'much'], 'such as 512MB'],
    ['a format that there is not', ['--format', 'yaml'], 'config, jwt'],
    ['a name that is too long', ['--gateway', 'x'.repeat(300)], 'an id takes at most'],
  ])('refuses %s', async (_what, options, message) => {
    const { exitCode, stderr } = await generate(...options);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(message);
  });

  test('names a seed that is damaged', async () => {
    await generate();
    const file = join(folder.path, 'users', 'audit.nk');
    await writeFile(file, 'nonsense');
    const { exitCode, stderr } = await generate();
    expect(exitCode).toBe(2);
    expect(stderr).toContain(`${file} holds no seed of a NATS user`);
  });
});
