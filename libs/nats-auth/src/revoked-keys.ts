import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { UnusableAuthFolder } from './errors.js';
import { writePrivateFile } from './private-file.js';

/** Public keys with the time, in seconds since 1970, up to which what was signed for them does not count. */
export type RevokedKeys = Readonly<Record<string, number>>;

/**
 * Keys that were let in once and are no longer, by user. What was signed for a key stays valid until it is revoked, so they
 * are kept for good. Throws {@link UnusableAuthFolder}.
 */
function readRevokedKeys(folder: string): Readonly<Record<string, RevokedKeys>> {
  const file = fileIn(folder);
  if (!existsSync(file)) return {};
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Record<string, RevokedKeys>;
  } catch (error) {
    throw new UnusableAuthFolder(`${file} cannot be read: restore it, or keys that it takes back are let in again`, {
      cause: error,
    });
  }
}

/** The same, whose ever they were. */
export function allRevokedKeys(folder: string): RevokedKeys {
  return Object.fromEntries(Object.values(readRevokedKeys(folder)).flatMap((keys) => Object.entries(keys)));
}

export function revokeKey(folder: string, user: string, publicKey: string): void {
  const revoked = readRevokedKeys(folder);
  const at = Math.floor(Date.now() / 1_000);
  const keys = { ...revoked[user], [publicKey]: at };
  writePrivateFile(fileIn(folder), `${JSON.stringify({ ...revoked, [user]: keys }, null, 2)}\n`);
}

function fileIn(folder: string): string {
  return join(folder, 'revoked.json');
}
