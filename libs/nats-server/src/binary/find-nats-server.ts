import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import { binaryName, cachedBinaries, keepBinary, openIncomingFolder } from './binary-cache.js';
import { fetchFromDebianMirror } from './debian-source.js';
import { NatsServerNotFoundError, SourceFailedError, type FailedAttempt } from './errors.js';
import { buildWithGo } from './go-source.js';
import { probeBinary } from './probe-binary.js';
import { minimumServerVersion } from './server-version.js';

/** Where a server binary came from. */
export type NatsServerOrigin = 'STANCE_NATS_SERVER' | 'cache' | 'PATH' | 'Debian mirror' | 'Go';

export interface NatsServerBinary {
  readonly path: string;
  /** Plain `x.y.z`. */
  readonly version: string;
  readonly origin: NatsServerOrigin;
}

/** Puts a server binary somewhere into `folder` and returns its path; throws {@link SourceFailedError} when it cannot. */
export type FetchBinary = (folder: string, onProgress: (line: string) => void) => Promise<string>;

export interface FindNatsServerOptions {
  /** Keeps fetched binaries, one folder per version; default `<workspace root>/.stance/cache/nats-server`. */
  readonly cacheFolder?: string;
  /** Gets one line for each step; default: none. */
  readonly onProgress?: (line: string) => void;
  /** Oldest version that is taken; default {@link minimumServerVersion}. */
  readonly minimumVersion?: string;
  /** Read for STANCE_NATS_SERVER and PATH; default `process.env`. */
  readonly environment?: NodeJS.ProcessEnv;
  /** Ways to fetch a binary that is not here yet, in order; default the configured Debian mirror, then Go. */
  readonly fetchers?: Readonly<Partial<Record<'Debian mirror' | 'Go', FetchBinary>>>;
}

/**
 * Finds a modern nats-server, or fetches one: STANCE_NATS_SERVER, the cache, PATH, the Debian mirror, Go.
 * A server that is too old is never taken; throws {@link NatsServerNotFoundError} with everything that was tried.
 */
export async function findNatsServer(options: FindNatsServerOptions = {}): Promise<NatsServerBinary> {
  const environment = options.environment ?? process.env;
  const minimumVersion = options.minimumVersion ?? minimumServerVersion;
  const cacheFolder = options.cacheFolder ?? defaultCacheFolder();
  const onProgress = options.onProgress ?? (() => undefined);
  const fetchers = options.fetchers ?? { 'Debian mirror': fetchFromDebianMirror, Go: buildWithGo };
  const attempts: FailedAttempt[] = [];

  const attempt = async (
    tried: string,
    find: () => Promise<NatsServerBinary>,
  ): Promise<NatsServerBinary | undefined> => {
    try {
      const found = await find();
      onProgress(`nats-server ${found.version} (${found.origin}): ${found.path}`);
      return found;
    } catch (error) {
      if (!(error instanceof SourceFailedError)) throw error;
      attempts.push({ tried, reason: error.message });
      onProgress(`no nats-server from ${tried}: ${error.message}`);
      return undefined;
    }
  };
  const existing = (tried: string, path: string, origin: NatsServerOrigin): Promise<NatsServerBinary | undefined> =>
    attempt(tried, async () => ({ path, version: await probeBinary(path, minimumVersion), origin }));

  const chosen = environment['STANCE_NATS_SERVER'];
  if (chosen !== undefined && chosen !== '') {
    // Whoever names a binary wants that one: another in its place would be a surprise.
    const found = await existing(`STANCE_NATS_SERVER=${chosen}`, resolve(chosen), 'STANCE_NATS_SERVER');
    if (found !== undefined) return found;
    throw new NatsServerNotFoundError(attempts, minimumVersion);
  }
  for (const path of await cachedBinaries(cacheFolder)) {
    const found = await existing(`the cache (${path})`, path, 'cache');
    if (found !== undefined) return found;
  }
  for (const path of binariesOnPath(environment)) {
    const found = await existing(`PATH (${path})`, path, 'PATH');
    if (found !== undefined) return found;
  }
  for (const origin of ['Debian mirror', 'Go'] as const) {
    const fetch = fetchers[origin];
    if (fetch === undefined) continue;
    const tried = origin === 'Go' ? 'go install' : 'the Debian mirror';
    const found = await attempt(tried, () => fetchIntoCache(origin, fetch, cacheFolder, minimumVersion, onProgress));
    if (found !== undefined) return found;
  }
  throw new NatsServerNotFoundError(attempts, minimumVersion);
}

async function fetchIntoCache(
  origin: NatsServerOrigin,
  fetch: FetchBinary,
  cacheFolder: string,
  minimumVersion: string,
  onProgress: (line: string) => void,
): Promise<NatsServerBinary> {
  const incoming = await openIncomingFolder(cacheFolder);
  try {
    const downloaded = await fetch(incoming, onProgress);
    const version = await probeBinary(downloaded, minimumVersion);
    return { path: await keepBinary(cacheFolder, incoming, downloaded, version), version, origin };
  } finally {
    await rm(incoming, { recursive: true, force: true });
  }
}

function binariesOnPath(environment: NodeJS.ProcessEnv): string[] {
  const folders = (environment['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  return [...new Set(folders)].map((folder) => join(folder, binaryName)).filter((path) => existsSync(path));
}

/** `.stance/cache/nats-server` beside the workspace's nx.json, or below the current folder outside the workspace. */
function defaultCacheFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'nx.json'))) {
    if (dirname(folder) === folder) return join(process.cwd(), '.stance', 'cache', 'nats-server');
    folder = dirname(folder);
  }
  return join(folder, '.stance', 'cache', 'nats-server');
}
