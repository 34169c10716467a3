import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { findNatsServer } from '@stance/nats-server';
import { usersOf, type Estate } from './accounts.js';
import { AUTH_FORMATS, UnusableAuthFolder, writeAuthFolder } from './folder.js';
import { userKeyOf } from './keys.js';

const ESTATE: Estate = { gateways: ['edge', 'EU west. 1'], sources: ['acme'], limits: { audit: 1 << 30, gateway: 1 << 20 } };

let folder: string;
beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'stance-auth-')), 'nats');
});
afterEach(() => rmSync(join(folder, '..'), { recursive: true, force: true }));

const modeOf = (path: string) => statSync(path).mode & 0o777;
const seedOf = (user: string) => join(folder, 'users', `${user}.nk`);
const publicKeyOf = (file: string) => userKeyOf(readFileSync(file, 'utf8')).publicKey;

/** Whether a nats-server takes the configuration; rejects with what it says otherwise. */
async function checkByServer(included: string): Promise<void> {
  const { path } = await findNatsServer();
  const config = join(folder, 'nats-server.conf');
  writeFileSync(config, `port: -1\njetstream { store_dir: ${JSON.stringify(join(folder, 'store'))} }\ninclude "${included}"\n`);
  await promisify(execFile)(path, ['-t', '-c', config]);
}

describe.each(AUTH_FORMATS)('a folder of the format %s', (format) => {
  test('holds credentials of every user, and a configuration that nats-server takes', async () => {
    const { serverConfig, credentials } = await writeAuthFolder(folder, ESTATE, { format });
    expect([...credentials.keys()]).toEqual(usersOf(ESTATE));
    for (const file of credentials.values()) expect(readFileSync(file, 'utf8')).toMatch(/^SU[A-Z2-7]{56}$/m);
    await expect(checkByServer('nats-auth.conf')).resolves.toBeUndefined();
    expect(serverConfig).toBe(join(folder, 'nats-auth.conf'));
  });

  test('can be read by its owner alone', async () => {
    await writeAuthFolder(folder, ESTATE, { format });
    expect([folder, join(folder, 'users')].map(modeOf)).toEqual([0o700, 0o700]);
    const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    expect(files.length).toBeGreaterThan(usersOf(ESTATE).length);
    for (const { parentPath, name } of files) expect([name, modeOf(join(parentPath, name))]).toEqual([name, 0o600]);
  });

  test('keeps its keys when it is written again, also for more gateways', async () => {
    const { credentials } = await writeAuthFolder(folder, ESTATE, { format });
    const before = new Map([...credentials.keys()].map((user) => [user, readFileSync(seedOf(user), 'utf8')]));
    const more = { ...ESTATE, gateways: [...ESTATE.gateways, 'vpn'] };
    await writeAuthFolder(folder, more, { format });
    for (const [user, seed] of before) expect(readFileSync(seedOf(user), 'utf8')).toBe(seed);
    expect(existsSync(seedOf('gateway-vpn'))).toBe(true);
  });

  test('names a user that there is not', async () => {
    const writing = writeAuthFolder(folder, ESTATE, { format, rotate: ['gateway-nowhere'] });
    await expect(writing).rejects.toThrow(UnusableAuthFolder);
    await expect(writing).rejects.toThrow(/there is no user gateway-nowhere; there are .*gateway-edge/);
    await expect(writeAuthFolder(folder, ESTATE, { format, retire: ['nobody'] })).rejects.toThrow('no user nobody');
  });

  test('names a seed that is none, and touches nothing', async () => {
    await writeAuthFolder(folder, ESTATE, { format });
    const config = readFileSync(join(folder, 'nats-auth.conf'), 'utf8');
    writeFileSync(seedOf('viewer'), 'damaged');
    await expect(writeAuthFolder(folder, ESTATE, { format })).rejects.toThrow(
      `${seedOf('viewer')} holds no seed of a NATS user`,
    );
    expect(readFileSync(join(folder, 'nats-auth.conf'), 'utf8')).toBe(config);
    expect(readFileSync(seedOf('viewer'), 'utf8')).toBe('damaged');
  });
});

describe('a key that is rotated', () => {
  test('has the one before beside it until that is retired', async () => {
    await writeAuthFolder(folder, ESTATE);
    const before = publicKeyOf(seedOf('viewer'));
    const other = publicKeyOf(seedOf('operator'));

    const { serverConfig } = await writeAuthFolder(folder, ESTATE, { rotate: ['viewer'] });
    const after = publicKeyOf(seedOf('viewer'));
    expect(after).not.toBe(before);
    expect(publicKeyOf(seedOf('operator'))).toBe(other);
    expect(keysIn(serverConfig)).toEqual(expect.arrayContaining([before, after]));

    await writeAuthFolder(folder, ESTATE);
    expect(keysIn(serverConfig)).toEqual(expect.arrayContaining([before, after]));

    await writeAuthFolder(folder, ESTATE, { retire: ['viewer'] });
    expect(keysIn(serverConfig)).toContain(after);
    expect(keysIn(serverConfig)).not.toContain(before);
    expect(existsSync(join(folder, 'users', 'viewer.previous.nk'))).toBe(false);
    await expect(checkByServer('nats-auth.conf')).resolves.toBeUndefined();
  });

  test('is answered on inboxes of its own as long as it is let in', async () => {
    await writeAuthFolder(folder, ESTATE);
    const before = publicKeyOf(seedOf('viewer'));
    const { serverConfig } = await writeAuthFolder(folder, ESTATE, { rotate: ['viewer'] });
    expect(readFileSync(serverConfig, 'utf8')).toContain(`_INBOX.${before.slice(0, 20)}.>`);
  });

  test('was no key before the first time', async () => {
    await writeAuthFolder(folder, ESTATE, { rotate: ['viewer'] });
    expect(existsSync(join(folder, 'users', 'viewer.previous.nk'))).toBe(false);
  });
});

describe('who signs in operator mode', () => {
  test('stays the same when the folder is written again, so that what was given out stays valid', async () => {
    await writeAuthFolder(folder, ESTATE, { format: 'jwt' });
    const before = readFileSync(join(folder, 'signing.json'), 'utf8');
    await writeAuthFolder(folder, ESTATE, { format: 'jwt' });
    expect(readFileSync(join(folder, 'signing.json'), 'utf8')).toBe(before);
  });

  test.each([
    ['cannot be read', '{', 'cannot be read'],
    ['does not say who', '{}', 'does not hold the seeds'],
  ])('is named by its file where that %s', async (_what, text, message) => {
    await writeAuthFolder(folder, ESTATE, { format: 'jwt' });
    const file = join(folder, 'signing.json');
    writeFileSync(file, text);
    await expect(writeAuthFolder(folder, ESTATE, { format: 'jwt' })).rejects.toThrow(`${file} ${message}`);
    expect(readFileSync(file, 'utf8')).toBe(text);
  });
});

function keysIn(file: string): string[] {
  return readFileSync(file, 'utf8').match(/\bU[A-Z2-7]{55}\b/g) ?? [];
}
