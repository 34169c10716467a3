import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { newUserKey, userKeyOf, type UserKey } from '@stance/nkeys';
import { UnusableAuthFolder } from './errors.js';
import { writePrivateFile } from './private-file.js';
import { revokeKey } from './revoked-keys.js';

/** Where the credentials are, by user. */
export function usersIn(folder: string): string {
  return join(folder, 'users');
}

export function seedFileOf(folder: string, user: string): string {
  return join(usersIn(folder), `${user}.nk`);
}

export function credentialsFileOf(folder: string, user: string): string {
  return join(usersIn(folder), `${user}.creds`);
}

/** Makes a folder for its owner alone; one that is there is somebody's, and keeps its mode. */
export function makePrivateFolder(path: string): void {
  if (!existsSync(path)) mkdirSync(path, { recursive: true, mode: 0o700 });
}

/** The user's key, and the one before while that is still let in; a first key is made. Throws {@link UnusableAuthFolder}. */
export function keysOf(folder: string, user: string): UserKey[] {
  const file = seedFileOf(folder, user);
  if (!existsSync(file)) writePrivateFile(file, `${newUserKey().seed}\n`);
  const previous = previousFileOf(folder, user);
  return [file, ...(existsSync(previous) ? [previous] : [])].map(readKey);
}

/** The key before becomes that of before the last one: no longer let in. */
export function rotateKey(folder: string, user: string): void {
  const file = seedFileOf(folder, user);
  if (!existsSync(file)) return;
  retireKey(folder, user);
  renameSync(file, previousFileOf(folder, user));
}

export function retireKey(folder: string, user: string): void {
  const file = previousFileOf(folder, user);
  if (!existsSync(file)) return;
  revokeKey(folder, user, readKey(file).publicKey);
  rmSync(file);
}

/** Users that have a key in the folder. */
export function usersWithKeys(folder: string): string[] {
  if (!existsSync(usersIn(folder))) return [];
  const files = readdirSync(usersIn(folder)).filter((name) => name.endsWith('.nk'));
  // Names of users are escaped: no other dot is in them.
  return [...new Set(files.map((name) => name.slice(0, name.indexOf('.'))))].toSorted();
}

/** Takes back all keys of a user, and puts their seeds aside: a user of the same name gets a new one. */
export function removeKeys(folder: string, user: string): void {
  const removed = join(folder, 'removed');
  makePrivateFolder(removed);
  for (const file of [previousFileOf(folder, user), seedFileOf(folder, user)]) {
    if (!existsSync(file)) continue;
    const { publicKey } = readKey(file);
    revokeKey(folder, user, publicKey);
    renameSync(file, join(removed, `${user}.${publicKey}.nk`));
  }
  rmSync(credentialsFileOf(folder, user), { force: true });
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

function previousFileOf(folder: string, user: string): string {
  return join(usersIn(folder), `${user}.previous.nk`);
}
