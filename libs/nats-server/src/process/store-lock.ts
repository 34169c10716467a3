import { readFileSync, rmSync } from 'node:fs';
import { link, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { errorCode } from '../error-code.js';
import { StoreInUseError } from './errors.js';
import { isAlive } from './process-alive.js';

/** Marks a store folder as in use; nats-server itself does not notice a second server on its data. */
export interface StoreLock {
  /** Names the server process as the owner in place of the process that starts it. */
  assignTo: (pid: number) => Promise<void>;
  release: () => Promise<void>;
  /** For the moment in which a process exits and nothing asynchronous runs any more. */
  releaseNow: () => void;
}

const lockedHere = new Set<string>();

/** Takes the lock of a store folder; one left by a process that is gone is replaced. Throws {@link StoreInUseError}. */
export async function lockStore(storeDir: string): Promise<StoreLock> {
  const lockFile = join(storeDir, 'nats-server.lock');
  if (lockedHere.has(storeDir)) throw new StoreInUseError(storeDir, process.pid, lockFile);
  lockedHere.add(storeDir);
  const unlock = (): void => void lockedHere.delete(storeDir);
  try {
    while (!(await created(lockFile))) {
      const owner = Number(await readFile(lockFile, 'utf8').catch(() => 'gone'));
      if (ownsStore(owner, storeDir)) throw new StoreInUseError(storeDir, owner, lockFile);
      await rm(lockFile, { force: true });
    }
  } catch (error) {
    unlock();
    throw error;
  }
  return {
    assignTo: (pid) => writeFile(lockFile, String(pid)),
    release: async () => {
      unlock();
      await rm(lockFile, { force: true });
    },
    releaseNow: () => rmSync(lockFile, { force: true }),
  };
}

/** Creates the lock file with its content in one step, so that nobody reads an empty one. */
async function created(lockFile: string): Promise<boolean> {
  const own = `${lockFile}.${process.pid}`;
  await writeFile(own, String(process.pid));
  try {
    await link(own, lockFile);
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(own, { force: true });
  }
}

/** A process id is reused after a crash or a reboot; where the system shows command lines, they tell. */
function ownsStore(pid: number, storeDir: string): boolean {
  if (pid === process.pid || !isAlive(pid)) return false;
  if (process.platform !== 'linux') return true;
  try {
    const commandLine = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    return commandLine.includes(storeDir) || /\bnode\b/.test(commandLine);
  } catch {
    // It ended between the two looks.
    return false;
  }
}
