import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
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
const changesOf = async (...options: string[]) => {
  const { exitCode, stdout, stderr } = await generate(...options, '--json');
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  return (JSON.parse(stdout) as { changes: string[] }).changes;
};
/** Of every file in the folder. */
const contents = async () => {
  const files = await readdir(folder.path, { recursive: true, withFileTypes: true });
  const read = files
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .toSorted()
    .map(async (file) => [relative(folder.path, file), await readFile(file, 'utf8')] as const);
  return Object.fromEntries(await Promise.all(read));
};

describe('nats-auth generate', () => {
  test('writes accounts and a secret for every user, and says what to do with them; needs no server', async () => {
    const { exitCode, stdout, stderr } = await generate('--gateways', 'edge,vpn');
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
    const { exitCode } = await generate('--gateways', 'edge', '--format', 'jwt');
    expect(exitCode).toBe(0);
    expect(await config()).toContain('resolver_preload');
    expect(await readFile(join(folder.path, 'users', 'gateway-edge.creds'), 'utf8')).toContain('BEGIN NATS USER JWT');
  });

  test('keeps all that is not named, and says what was changed', async () => {
    const all = ['--gateways', 'vpn,edge', '--sources', 'europe', '--audit-limit', '5GB', '--gateway-limit', '1GB'];
    const first = await changesOf(...all);
    expect(first).toEqual([
      'gateway edge: added',
      'gateway vpn: added',
      'source europe: added',
      'limit of the audit trail: 5000000000 bytes, before none',
      'limit of a gateway: 1000000000 bytes, before none',
    ]);
    const before = await contents();
    expect(await changesOf()).toEqual([]);
    expect((await generate()).stdout).toContain('\nnothing was changed\n');
    expect(await changesOf('--gateways', 'edge')).toEqual([]);
    expect(await contents()).toEqual(before);

    expect(await changesOf('--rotate', 'viewer')).toEqual(['user viewer: has a new key']);
    for (const kept of ['"GATEWAY_edge"', '"GATEWAY_vpn"', '# sentinelone-poller-europe', '5000000000', '1000000000'])
      expect(await config()).toContain(kept);
    expect(await changesOf('--remove-sources', 'europe', '--audit-limit', 'none')).toEqual([
      'source europe: removed',
      'limit of the audit trail: none, before 5000000000 bytes',
    ]);
    expect(await config()).toContain('# sentinelone-poller\n');
    expect(await config()).not.toContain('5000000000');
  });

  test('stays in operator mode, and says what is to be done there', async () => {
    expect((await generate('--gateways', 'edge')).stdout).toContain('reload.\n');
    await generate('--format', 'jwt');
    const { stdout } = await generate();
    expect(stdout).toContain("another operator's JWT has to be restarted once");
    expect(stdout).toContain('accounts: STANCE, AUDIT, AUDITORS, GATEWAY_edge, SYS\nnothing was changed\n');
    expect(await config()).toContain('resolver_preload');
  });

  test('a gateway that is taken out is not let in again by its old key', async () => {
    await generate('--gateways', 'edge,vpn');
    const [edge, vpn] = [await seedOf('gateway-edge'), await seedOf('gateway-vpn')];
    expect(await changesOf('--remove-gateways', 'vpn')).toEqual(['gateway vpn: removed']);
    expect(await config()).not.toContain('GATEWAY_vpn');
    await generate('--gateways', 'vpn');
    expect(await seedOf('gateway-vpn')).not.toBe(vpn);
    expect(await seedOf('gateway-edge')).toBe(edge);
  });

  test('leaves a folder of others alone', async () => {
    await writeFile(join(folder.path, 'nats-server.conf'), 'port: 4222');
    const { exitCode, stderr } = await generate('--gateways', 'edge');
    expect(exitCode).toBe(2);
    expect(stderr).toContain(`${folder.path} holds files of others (nats-server.conf)`);
    expect(Object.keys(await contents())).toEqual(['nats-server.conf']);
  });

  test('limits what accounts may take on disk', async () => {
    await generate('--gateways', 'edge', '--audit-limit', '500GB', '--gateway-limit', '2GB');
    expect(await config()).toContain('jetstream: { max_file: 500000000000 }');
    expect(await config()).toContain('jetstream: { max_file: 2000000000 }');
  });

  test.each([
    ['an unknown user', ['--rotate', 'nobody'], 'there is no user nobody; there are '],
    ['a name twice', ['--gateways', 'edge,edge'], 'names, each once'],
    ['a name to be added and removed', ['--gateways', 'edge', '--remove-gateways', 'edge'], 'name it once'],
    ['a gateway to remove that there is not', ['--remove-gateways', 'edge'], 'there is no gateway edge to remove'],
    ['names that differ in case alone', ['--gateways', 'edge,Edge'], 'gateways Edge and edge cannot be told apart'],
    ['a size that is none', ['--audit-limit', 'much'], 'such as 512MB'],
    ['a format that there is not', ['--format', 'yaml'], 'config, jwt'],
    ['a name that is too long', ['--gateways', 'x'.repeat(300)], 'an id takes at most'],
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
