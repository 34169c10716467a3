import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { errorCode } from '../error-code.js';
import { isAlive } from '../process/process-alive.js';
import { probeBinary } from './probe-binary.js';
import { isAtLeast, parseServerVersion } from './server-version.js';

const incomingPrefix = '.incoming-';

/** File name of the server on this platform. */
export const binaryName = process.platform === 'win32' ? 'nats-server.exe' : 'nats-server';

/** The cached versions, newest first, as paths of binaries that may or may not work. */
export async function cachedBinaries(cacheFolder: string): Promise<string[]> {
  const names = await namesIn(cacheFolder);
  return names
    .filter((name) => parseServerVersion(name) === name)
    .toSorted((left, right) => (isAtLeast(left, right) ? -1 : 1))
    .map((version) => join(cacheFolder, version, binaryName));
}

/** A folder of this process's own for a download; left-overs of processes that are gone are removed first. */
export async function openIncomingFolder(cacheFolder: string): Promise<string> {
  await mkdir(cacheFolder, { recursive: true });
  for (const name of await namesIn(cacheFolder)) {
    const owner = name.startsWith(incomingPrefix) ? Number(name.slice(incomingPrefix.length).split('-')[0]) : undefined;
    if (owner !== undefined && !isAlive(owner)) await rm(join(cacheFolder, name), { recursive: true, force: true });
  }
  return mkdtemp(join(cacheFolder, `${incomingPrefix}${process.pid}-`));
}

/**
 * Moves a checked binary to `<cacheFolder>/<version>/` in one rename and returns its path there.
 * Where another process was faster, its binary is taken; where a broken one is in the way, it is replaced.
 */
export async function keepBinary(
  cacheFolder: string,
  incomingFolder: string,
  downloaded: string,
  version: string,
): Promise<string> {
  const ready = join(incomingFolder, 'ready');
  await mkdir(ready);
  await rename(downloaded, join(ready, binaryName));
  const folder = join(cacheFolder, version);
  const path = join(folder, binaryName);
  try {
    await rename(ready, folder);
    return path;
  } catch (error) {
    if (!isAlreadyThere(error)) throw error;
  }
  const works = await probeBinary(path, version).then(
    () => true,
    () => false,
  );
  if (works) return path;
  await rename(folder, join(incomingFolder, 'replaced'));
  await rename(ready, folder);
  return path;
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  }
}

function isAlreadyThere(error: unknown): boolean {
  const code = errorCode(error);
  return code === 'ENOTEMPTY' || code === 'EEXIST' || code === 'EPERM';
}
