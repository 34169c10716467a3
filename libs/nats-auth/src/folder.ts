import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { inboxOfKey } from '@stance/contracts';
import { accountsOf, usersOf, type Estate } from './accounts.js';
import { newUserKey, userKeyOf, type UserKey } from './keys.js';
import { operatorFiles } from './operator.js';
import { UnusableAuthFolder } from './errors.js';
import { writePrivateFile } from './private-file.js';
import { readRevokedKeys, revokeKey } from './revoked-keys.js';
import { renderServerConfig } from './server-config.js';
import { signersIn } from './signing-file.js';

/** `config`: users by NKey in the server's configuration. `jwt`: operator mode, with a credentials file for each user. */
export const AUTH_FORMATS = ['config', 'jwt'] as const;
export type AuthFormat = (typeof AUTH_FORMATS)[number];

export interface AuthFolder {
  /** To be included by the configuration of nats-server. */
  readonly serverConfig: string;
  /** The credentials files by user: a seed (`.nk`), or in operator mode a JWT with its seed (`.creds`). */
  readonly credentials: ReadonlyMap<string, string>;
}

export interface AuthFolderOptions {
  readonly format?: AuthFormat;
  /** Users that get a new key; the one before stays valid beside it until `retire` names them. */
  readonly rotate?: readonly string[];
  /** Users whose key before is no longer let in. */
  readonly retire?: readonly string[];
}

/**
 * Writes the accounts of an estate and the credentials of its users into a folder. Keys that the folder holds already are
 * kept, so that it may be called again for an estate that has changed. Throws {@link UnusableAuthFolder}.
 */
export async function writeAuthFolder(
  folder: string,
  estate: Estate,
  { format = 'config', rotate = [], retire = [] }: AuthFolderOptions = {},
): Promise<AuthFolder> {
  const users = usersOf(estate);
  requireKnown(users, [...rotate, ...retire]);
  const seeds = usersIn(folder);
  for (const private_ of [folder, seeds]) {
    mkdirSync(private_, { recursive: true, mode: 0o700 });
    chmodSync(private_, 0o700);
  }
  for (const user of rotate) rotateKey(folder, user);
  for (const user of retire) retireKey(folder, user);
  const keys = new Map(users.map((user) => [user, keysOf(seeds, user)]));
  const keysOfUser = (user: string) => keys.get(user) ?? [];
  const accounts = accountsOf(estate, (user) => keysOfUser(user).map(({ publicKey }) => inboxOfKey(publicKey)));
  const serverConfig = join(folder, 'nats-auth.conf');
  if (format === 'config') {
    const config = renderServerConfig(accounts, (user) => keysOfUser(user).map(({ publicKey }) => publicKey));
    writePrivateFile(serverConfig, config);
    return { serverConfig, credentials: new Map(users.map((user) => [user, seedFile(seeds, user)])) };
  }
  const revoked = readRevokedKeys(folder);
  const files = await operatorFiles(accounts, await signersIn(folder, accounts), {
    keyOf: (user) => current(keysOfUser(user), user),
    revokedOf: (user) => revoked[user] ?? {},
  });
  writePrivateFile(serverConfig, files.serverConfig);
  const credentials = new Map(users.map((user) => [user, join(seeds, `${user}.creds`)]));
  for (const [user, file] of credentials) writePrivateFile(file, files.credentials.get(user) ?? '');
  return { serverConfig, credentials };
}

/** The key before becomes that of before the last one: no longer let in. */
function rotateKey(folder: string, user: string): void {
  const file = seedFile(usersIn(folder), user);
  if (!existsSync(file)) return;
  retireKey(folder, user);
  renameSync(file, previousFile(usersIn(folder), user));
}

function retireKey(folder: string, user: string): void {
  const file = previousFile(usersIn(folder), user);
  if (!existsSync(file)) return;
  revokeKey(folder, user, readKey(file).publicKey);
  rmSync(file);
}

/** The user's key, and the one before while that is still let in; a first key is made. */
function keysOf(folder: string, user: string): UserKey[] {
  const file = seedFile(folder, user);
  if (!existsSync(file)) writePrivateFile(file, `${newUserKey().seed}\n`);
  const previous = previousFile(folder, user);
  return [file, ...(existsSync(previous) ? [previous] : [])].map(readKey);
}

function readKey(file: string): UserKey {
  try {
    return userKeyOf(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new UnusableAuthFolder(`${file} holds no seed of a NATS user: remove it, and a new one is made`, {
      cause: error,
    });
  }
}

function current([key]: readonly UserKey[], user: string): UserKey {
  if (key === undefined) throw new TypeError(`there is no key of ${user}`);
  return key;
}

function requireKnown(users: readonly string[], named: readonly string[]): void {
  const unknown = named.filter((user) => !users.includes(user));
  if (unknown.length > 0)
    throw new UnusableAuthFolder(`there is no user ${unknown.join(', ')}; there are ${users.join(', ')}`);
}

function usersIn(folder: string): string {
  return join(folder, 'users');
}

function seedFile(folder: string, user: string): string {
  return join(folder, `${user}.nk`);
}

function previousFile(folder: string, user: string): string {
  return join(folder, `${user}.previous.nk`);
}
