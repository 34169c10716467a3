import { join } from 'node:path';
import { inboxOfKey } from '@stance/contracts';
import type { UserKey } from '@stance/nkeys';
import type { AccountPlan, Estate } from './accounts/account-plan.js';
import { accountsOf, usersOf } from './accounts/accounts.js';
import { UnusableAuthFolder } from './errors.js';
import { changedEstate, differencesOf, EMPTY_ESTATE, requireDistinct, type EstateChange } from './estate-change.js';
import { keptEstate, readEstate, writeEstate } from './estate-file.js';
import type { AuthFormat } from './format.js';
import { operatorFiles } from './operator.js';
import { requireOwnFolder } from './own-files.js';
import { writePrivateFile } from './private-file.js';
import { allRevokedKeys } from './revoked-keys.js';
import { renderServerConfig } from './server-config.js';
import { signersIn } from './signing-file.js';
import {
  credentialsFileOf,
  keysOf,
  makePrivateFolder,
  removeKeys,
  retireKey,
  rotateKey,
  seedFileOf,
  usersIn,
  usersWithKeys,
} from './user-keys.js';

export interface AuthFolder {
  readonly format: AuthFormat;
  /** To be included by the configuration of nats-server. */
  readonly serverConfig: string;
  /** Names of the accounts. */
  readonly accounts: readonly string[];
  /** The credentials files by user: a seed (`.nk`), or in operator mode a JWT with its seed (`.creds`). */
  readonly credentials: ReadonlyMap<string, string>;
  /** What is otherwise than it was in the folder, a line each. */
  readonly changes: readonly string[];
}

export interface KeyChanges {
  /** Users that get a new key; the one before stays valid beside it until `retire` names them. */
  readonly rotate?: readonly string[];
  /** Users whose key before is no longer let in. */
  readonly retire?: readonly string[];
}

export interface AuthFolderOptions extends KeyChanges {
  /** Default `config`. */
  readonly format?: AuthFormat;
}

/**
 * Changes the estate that a folder holds, or begins one, and writes what follows from it. Throws {@link UnusableAuthFolder}.
 */
export async function changeAuthFolder(
  folder: string,
  change: EstateChange,
  keyChanges: KeyChanges = {},
): Promise<AuthFolder> {
  const kept = readEstate(folder);
  const estate = changedEstate(kept ?? EMPTY_ESTATE, change);
  if (kept === undefined) requireNamed(folder, usersOf(estate));
  return writeAuthFolder(folder, estate, { ...keyChanges, format: estate.format });
}

/**
 * Writes the accounts of an estate and the credentials of its users into a folder. Keys that the folder holds already are
 * kept, so that it may be called again for an estate that has changed; those of users that are no longer in it are taken
 * back for good. Throws {@link UnusableAuthFolder}.
 */
export async function writeAuthFolder(
  folder: string,
  estate: Estate,
  { format = 'config', rotate = [], retire = [] }: AuthFolderOptions = {},
): Promise<AuthFolder> {
  requireDistinct(estate);
  const users = usersOf(estate);
  requireKnown(users, [...rotate, ...retire]);
  requireOwnFolder(folder);
  const kept = keptEstate(estate, format);
  const changes = [
    ...differencesOf(readEstate(folder) ?? EMPTY_ESTATE, kept),
    ...rotate.map((user) => `user ${user}: has a new key`),
    ...retire.map((user) => `user ${user}: its key before is taken back`),
  ];
  for (const path of [folder, usersIn(folder)]) makePrivateFolder(path);
  for (const user of rotate) rotateKey(folder, user);
  for (const user of retire) retireKey(folder, user);
  const keys = new Map(users.map((user) => [user, keysOf(folder, user)]));
  for (const user of usersWithKeys(folder).filter((name) => !users.includes(name))) removeKeys(folder, user);

  const keysOfUser = (user: string) => keys.get(user) ?? [];
  const accounts = accountsOf(estate, (user) => keysOfUser(user).map(({ publicKey }) => inboxOfKey(publicKey)));
  const serverConfig = join(folder, 'nats-auth.conf');
  const credentials =
    format === 'config'
      ? writeConfig(folder, serverConfig, accounts, keysOfUser)
      : await writeOperatorMode(folder, serverConfig, accounts, keysOfUser);
  // Last: where it was cut short, the same is to be done again.
  writeEstate(folder, kept);
  return { format, serverConfig, accounts: accounts.map(({ name }) => name), credentials, changes };
}

type KeysOfUser = (user: string) => readonly UserKey[];

function writeConfig(
  folder: string,
  serverConfig: string,
  accounts: readonly AccountPlan[],
  keysOfUser: KeysOfUser,
): Map<string, string> {
  const config = renderServerConfig(accounts, (user) => keysOfUser(user).map(({ publicKey }) => publicKey));
  writePrivateFile(serverConfig, config);
  return filesOf(accounts, (user) => seedFileOf(folder, user));
}

async function writeOperatorMode(
  folder: string,
  serverConfig: string,
  accounts: readonly AccountPlan[],
  keysOfUser: KeysOfUser,
): Promise<Map<string, string>> {
  const files = await operatorFiles(accounts, await signersIn(folder, accounts), {
    keyOf: (user) => current(keysOfUser(user), user),
    revoked: allRevokedKeys(folder),
  });
  writePrivateFile(serverConfig, files.serverConfig);
  const credentials = filesOf(accounts, (user) => credentialsFileOf(folder, user));
  for (const [user, file] of credentials) writePrivateFile(file, files.credentials.get(user) ?? '');
  return credentials;
}

function filesOf(accounts: readonly AccountPlan[], fileOf: (user: string) => string): Map<string, string> {
  return new Map(accounts.flatMap(({ users }) => users.map(({ name }) => [name, fileOf(name)])));
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

/** A folder that keeps no estate does not say which limits there were, nor whether who is not named is to be removed. */
function requireNamed(folder: string, users: readonly string[]): void {
  const unnamed = usersWithKeys(folder).filter(
    (user) => /^(?:gateway|sentinelone-poller)-/.test(user) && !users.includes(user),
  );
  if (unnamed.length > 0)
    throw new UnusableAuthFolder(
      `${folder} has keys of ${unnamed.join(', ')}, but no estate.json: name all gateways, sources and limits once more`,
    );
}
