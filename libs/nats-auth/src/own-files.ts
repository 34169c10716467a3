import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { UnusableAuthFolder } from './errors.js';

/** What says that a folder has been written to before. */
export const ESTATE_FILE = 'estate.json';

const OWN = ['nats-auth.conf', ESTATE_FILE, 'signing.json', 'revoked.json', 'users', 'removed'];
/** Begun by a process that did not come to its end. */
const DRAFT = /\.\d+$/;

/**
 * Throws {@link UnusableAuthFolder} for a folder that is somebody else's: one without an estate that holds other files. What
 * is put beside an estate later is left alone.
 */
export function requireOwnFolder(folder: string): void {
  if (!existsSync(folder) || existsSync(join(folder, ESTATE_FILE))) return;
  const foreign = readdirSync(folder).filter((name) => !OWN.includes(name.replace(DRAFT, '')));
  if (foreign.length > 0)
    throw new UnusableAuthFolder(
      `${folder} holds files of others (${foreign.toSorted().join(', ')}): name a folder that is empty or not there yet`,
    );
}
