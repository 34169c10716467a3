import { execFile } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { findNatsServer } from '@stance/nats-server';
import { userKeyOf } from '@stance/nkeys';
import type { Estate } from './accounts/account-plan.js';
import { usersOf } from './accounts/accounts.js';
import { UnusableAuthFolder } from './errors.js';
import { changeAuthFolder, writeAuthFolder } from './folder.js';
import { AUTH_FORMATS } from './format.js';

const ESTATE: Estate = { gateways: ['edge'], sources: ['s1.example'], limits: { audit: 1 << 30, gateway: 1 << 20 } };

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
  writeFileSync(
    config,
    `port: -1\njetstream { store_dir: ${JSON.stringify(join(folder, 'store'))} }\ninclude "${included}"\n`,
  );
  await promisify(execFile)(path, ['-t', '-c', config]);
}

describe.each(AUTH_FORMATS)('a folder of the format %s', (format) => {
  test('holds what its owner alone can read, and keeps its keys when it is written again', async () => {
    const { serverConfig, credentials } = await writeAuthFolder(folder, ESTATE, { format });
    expect(serverConfig).toBe(join(folder, 'nats-auth.conf'));
    expect([...credentials.keys()]).toEqual(usersOf(ESTATE));
    for (const file of credentials.values()) expect(readFileSync(file, 'utf8')).toMatch(/^SU[A-Z2-7]{56}$/m);
    await expect(checkByServer('nats-auth.conf')).resolves.toBeUndefined();

    expect([folder, join(folder, 'users')].map(modeOf)).toEqual([0o700, 0o700]);
    for (const file of filesIn(folder)) expect([file, modeOf(file)]).toEqual([file, 0o600]);

    const seeds = new Map(usersOf(ESTATE).map((user) => [user, readFileSync(seedOf(user), 'utf8')]));
    const signing = contentOf(join(folder, 'signing.json'));
    await writeAuthFolder(folder, { ...ESTATE, gateways: [...ESTATE.gateways, 'vpn'] }, { format });
    for (const [user, seed] of seeds) expect(readFileSync(seedOf(user), 'utf8')).toBe(seed);
    expect(existsSync(seedOf('gateway-vpn'))).toBe(true);
    // Who signs stays the same, so that what was given out stays valid.
    expect(signersIn(contentOf(join(folder, 'signing.json')))).toMatchObject(signersIn(signing));
  });

  test('takes back the keys of whoever is left out, for good', async () => {
    const { changes } = await writeAuthFolder(folder, { ...ESTATE, gateways: ['edge', 'vpn'] }, { format });
    expect(changes).toContain('gateway vpn: added');
    const users = ['gateway-vpn', 'sentinelone-poller-s1=2Eexample'];
    const before = users.map((user) => publicKeyOf(seedOf(user)));
    const after = await writeAuthFolder(folder, { ...ESTATE, sources: [] }, { format });
    expect(after.changes).toEqual(['gateway vpn: removed', 'source s1.example: removed']);
    expect(after.accounts).not.toContain('GATEWAY_vpn');
    expect(filesIn(join(folder, 'users')).filter((file) => users.some((user) => file.includes(`${user}.`)))).toEqual(
      [],
    );
    expect(readdirSync(join(folder, 'removed')).toSorted()).toEqual(
      users.map((user, at) => `${user}.${before[at] ?? ''}.nk`),
    );
    expect(modeOf(join(folder, 'removed'))).toBe(0o700);
    expect(revokedIn(folder)).toEqual(Object.fromEntries(users.map((user, at) => [user, [before[at]]])));

    const again = await writeAuthFolder(folder, { ...ESTATE, gateways: ['edge', 'vpn'] }, { format });
    expect(publicKeyOf(seedOf('gateway-vpn'))).not.toBe(before[0]);
    await expect(checkByServer('nats-auth.conf')).resolves.toBeUndefined();
    const config = readFileSync(again.serverConfig, 'utf8');
    expect(config).not.toContain(before[0]);
    // Whatever was signed for them: no account takes it.
    const signedAccounts = format === 'jwt' ? again.accounts : [];
    expect(revocationsIn(config)).toEqual(signedAccounts.map(() => revokedNow()));
  });

  test('names a user that there is not', async () => {
    const writing = writeAuthFolder(folder, ESTATE, { format, rotate: ['gateway-nowhere'] });
    await expect(writing).rejects.toThrow(UnusableAuthFolder);
    await expect(writing).rejects.toThrow(/there is no user gateway-nowhere; there are .*gateway-edge/);
    await expect(writeAuthFolder(folder, ESTATE, { format, retire: ['nobody'] })).rejects.toThrow('no user nobody');
    expect(existsSync(folder)).toBe(false);
  });

  test('names a seed that is none, and leaves it and the configuration as they are', async () => {
    mkdirSync(join(folder, 'users'), { recursive: true });
    writeFileSync(join(folder, 'nats-auth.conf'), 'as it was');
    writeFileSync(seedOf('viewer'), 'damaged');
    await expect(writeAuthFolder(folder, ESTATE, { format })).rejects.toThrow(
      `${seedOf('viewer')} holds no seed of a NATS user`,
    );
    expect(readFileSync(join(folder, 'nats-auth.conf'), 'utf8')).toBe('as it was');
    expect(readFileSync(seedOf('viewer'), 'utf8')).toBe('damaged');
  });
});

test("a folder that is somebody else's is neither taken nor closed to others", async () => {
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  chmodSync(folder, 0o755);
  const { changes } = await changeAuthFolder(folder, { addGateways: ['edge'] });
  expect(changes).toEqual(['gateway edge: added']);
  expect([folder, join(folder, 'users')].map(modeOf)).toEqual([0o755, 0o700]);
  // What is put beside an estate that is there is nobody's business.
  writeFileSync(join(folder, 'notes.md'), '');
  expect(await changeAuthFolder(folder, {})).toMatchObject({ changes: [] });
  rmSync(join(folder, 'estate.json'));
  await expect(changeAuthFolder(folder, {})).rejects.toThrow(`${folder} has keys of gateway-edge, but no estate.json`);
  await expect(changeAuthFolder(folder, { addGateways: ['edge'] })).rejects.toThrow('holds files of others (notes.md)');
});

test.each([
  ['{', 'cannot be read'],
  ['{"format":"config","gateways":"edge","sources":[],"limits":{}}', 'does not say which gateways'],
  ['{"format":"config","gateways":[],"sources":[],"limits":{"audit":"much"}}', 'does not say which gateways'],
])('an estate that is damaged is named, and left as it is: %s', async (text, message) => {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'estate.json');
  writeFileSync(file, text);
  await expect(changeAuthFolder(folder, {})).rejects.toThrow(`${file} ${message}`);
  expect(readFileSync(file, 'utf8')).toBe(text);
  expect(readdirSync(folder)).toEqual(['estate.json']);
});

test('a key that is rotated is let in, and answered, beside the new one until it is retired', async () => {
  const estate = { gateways: [] };
  await writeAuthFolder(folder, estate, { rotate: ['viewer'] });
  // There was none before the first.
  expect(existsSync(join(folder, 'users', 'viewer.previous.nk'))).toBe(false);
  const before = publicKeyOf(seedOf('viewer'));
  const other = publicKeyOf(seedOf('operator'));

  const { serverConfig } = await writeAuthFolder(folder, estate, { rotate: ['viewer'] });
  const after = publicKeyOf(seedOf('viewer'));
  expect(after).not.toBe(before);
  expect(publicKeyOf(seedOf('operator'))).toBe(other);
  expect(keysIn(serverConfig)).toEqual(expect.arrayContaining([before, after]));
  expect(readFileSync(serverConfig, 'utf8')).toContain(`_INBOX.${before.slice(0, 20)}.>`);

  await writeAuthFolder(folder, estate, { retire: ['viewer'] });
  expect(keysIn(serverConfig)).toContain(after);
  expect(keysIn(serverConfig)).not.toContain(before);
  expect(existsSync(join(folder, 'users', 'viewer.previous.nk'))).toBe(false);
});

test('of three keys two are let in', async () => {
  const estate = { gateways: [] };
  const keys: string[] = [];
  for (const rotate of [[], ['viewer'], ['viewer']]) {
    await writeAuthFolder(folder, estate, { rotate });
    keys.push(publicKeyOf(seedOf('viewer')));
  }
  const admitted = keysIn(join(folder, 'nats-auth.conf'));
  expect(keys.map((key) => admitted.includes(key))).toEqual([false, true, true]);
  expect(revokedIn(folder)).toEqual({ viewer: [keys[0]] });
});

test('who was taken back stays so, whoever else is, until the file that says so is damaged', async () => {
  const estate = { gateways: [] };
  const file = join(folder, 'revoked.json');
  await writeAuthFolder(folder, estate, { format: 'jwt' });
  for (const user of ['viewer', 'audit'])
    await writeAuthFolder(folder, estate, { format: 'jwt', rotate: [user], retire: [user] });
  expect(Object.keys(revokedIn(folder))).toEqual(['viewer', 'audit']);
  writeFileSync(file, '{');
  await expect(writeAuthFolder(folder, estate, { format: 'jwt' })).rejects.toThrow(
    `${file} cannot be read: restore it`,
  );
});

test.each([
  ['cannot be read', '{', 'cannot be read'],
  ['does not say who', '{}', 'does not hold the seeds'],
])('a file of who signs that %s is named, and left as it is', async (_what, text, message) => {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'signing.json');
  writeFileSync(file, text);
  await expect(writeAuthFolder(folder, ESTATE, { format: 'jwt' })).rejects.toThrow(`${file} ${message}`);
  expect(readFileSync(file, 'utf8')).toBe(text);
});

function filesIn(path: string): string[] {
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== 'nats-server.conf')
    .map(({ parentPath, name }) => join(parentPath, name));
}

function contentOf(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8') : '{}';
}

function signersIn(text: string): Record<string, unknown> {
  return JSON.parse(text) as Record<string, unknown>;
}

/** The keys of each user that are revoked. */
function revokedIn(path: string): Record<string, string[]> {
  const revoked = JSON.parse(readFileSync(join(path, 'revoked.json'), 'utf8')) as Record<string, object>;
  return Object.fromEntries(Object.entries(revoked).map(([user, keys]) => [user, Object.keys(keys)]));
}

/** All keys that are revoked. */
function revokedNow(): string[] {
  return Object.values(revokedIn(folder)).flat().toSorted();
}

/** The keys that each account of an operator revokes. */
function revocationsIn(config: string): string[][] {
  const jwts = config.match(/(?<=: )ey[\w-]+\.[\w-]+(?=\.)/g) ?? [];
  const claims = jwts.map((jwt) => JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString()) as Claims);
  return claims
    .filter(({ nats }) => nats.type === 'account')
    .map(({ nats }) => Object.keys(nats.revocations ?? {}).toSorted());
}

interface Claims {
  readonly nats: { readonly type: string; readonly revocations?: object };
}

function keysIn(file: string): string[] {
  return readFileSync(file, 'utf8').match(/\bU[A-Z2-7]{55}\b/g) ?? [];
}
