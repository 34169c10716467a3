import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import { NatsServerNotFoundError, SourceFailedError } from './errors.js';
import { findNatsServer, type FetchBinary, type FindNatsServerOptions } from './find-nats-server.js';

let folder: string;
let cacheFolder: string;
let lines: string[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'find-nats-server-'));
  cacheFolder = join(folder, 'cache');
  lines = [];
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function fakeServer(path: string, output: string): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `#!/bin/sh\necho "${output}"\n`);
  await chmod(path, 0o755);
  return path;
}

const fetching =
  (version: string): FetchBinary =>
  (target) =>
    fakeServer(join(target, 'download', 'nats-server'), `nats-server: v${version}`);
const failing: FetchBinary = () => Promise.reject(new SourceFailedError('the mirror is down'));

function find(options: FindNatsServerOptions) {
  return findNatsServer({
    cacheFolder,
    environment: {},
    fetchers: {},
    onProgress: (line) => lines.push(line),
    ...options,
  });
}

describe('findNatsServer', () => {
  test('takes STANCE_NATS_SERVER before all else', async () => {
    const path = await fakeServer(join(folder, 'mine'), 'nats-server: v2.14.0');
    await fakeServer(join(cacheFolder, '2.15.1', 'nats-server'), 'nats-server: v2.15.1');
    await expect(find({ environment: { STANCE_NATS_SERVER: path } })).resolves.toEqual({
      path,
      version: '2.14.0',
      origin: 'STANCE_NATS_SERVER',
    });
  });

  test.each([
    ['too old', 'nats-server: v2.9.10', 'it is 2.9.10, older than 2.14.0'],
    ['another program', 'hello', 'it printed no version but "hello"'],
  ])('takes no other server when STANCE_NATS_SERVER is %s', async (_case, output, reason) => {
    const path = await fakeServer(join(folder, 'mine'), output);
    const found = find({ environment: { STANCE_NATS_SERVER: path }, fetchers: { Go: fetching('2.15.1') } });
    await expect(found).rejects.toThrow(NatsServerNotFoundError);
    await expect(found).rejects.toThrow(`STANCE_NATS_SERVER=${path}: ${reason}`);
  });

  test('takes the newest working server of the cache', async () => {
    await fakeServer(join(cacheFolder, '2.14.9', 'nats-server'), 'nats-server: v2.14.9');
    await fakeServer(join(cacheFolder, '2.14.11', 'nats-server'), 'nats-server: v2.14.11');
    await mkdir(join(cacheFolder, '2.15.1'));
    await writeFile(join(cacheFolder, '2.15.1', 'nats-server'), 'half a download');
    await expect(find({})).resolves.toMatchObject({ version: '2.14.11', origin: 'cache' });
    expect(lines[0]).toContain('2.15.1');
  });

  test('skips a server on PATH that is too old, says so, and takes the next', async () => {
    await fakeServer(join(folder, 'old', 'nats-server'), 'nats-server: v2.9.10');
    const path = await fakeServer(join(folder, 'new', 'nats-server'), 'nats-server: v2.14.0');
    const environment = { PATH: `${join(folder, 'old')}:${join(folder, 'none')}:${join(folder, 'new')}` };
    await expect(find({ environment })).resolves.toEqual({ path, version: '2.14.0', origin: 'PATH' });
    expect(lines[0]).toMatch(/older than 2\.14\.0/);
  });

  test('fetches into the cache, where the next search finds it', async () => {
    const fetchers = { 'Debian mirror': failing, Go: fetching('2.15.1') };
    const path = join(cacheFolder, '2.15.1', 'nats-server');
    await expect(find({ fetchers })).resolves.toEqual({ path, version: '2.15.1', origin: 'Go' });
    await expect(find({})).resolves.toEqual({ path, version: '2.15.1', origin: 'cache' });
    await expect(readdir(cacheFolder)).resolves.toEqual(['2.15.1']);
  });

  test('replaces a broken binary of the same version in the cache', async () => {
    await fakeServer(join(cacheFolder, '2.15.1', 'nats-server'), 'broken');
    const { path } = await find({ fetchers: { Go: fetching('2.15.1') } });
    await expect(readFile(path, 'utf8')).resolves.toContain('v2.15.1');
    await expect(readdir(cacheFolder)).resolves.toEqual(['2.15.1']);
  });

  test('keeps nothing of a download that fails half-way or does not run', async () => {
    const halfWay: FetchBinary = async (target) => {
      await writeFile(join(target, 'nats-server'), 'half');
      throw new SourceFailedError('connection lost');
    };
    const broken: FetchBinary = async (target) => {
      await writeFile(join(target, 'nats-server'), 'half');
      return join(target, 'nats-server');
    };
    await expect(find({ fetchers: { 'Debian mirror': halfWay, Go: broken } })).rejects.toThrow(
      /connection lost[^]*cannot be executed/,
    );
    await expect(readdir(cacheFolder)).resolves.toEqual([]);
  });

  test('removes what a download left behind whose process is gone', async () => {
    // Above the largest process id that Linux gives.
    await mkdir(join(cacheFolder, '.incoming-4194305-abc'), { recursive: true });
    await find({ fetchers: { Go: fetching('2.15.1') } });
    await expect(readdir(cacheFolder)).resolves.toEqual(['2.15.1']);
  });

  test('several searches at once end with one binary', async () => {
    const found = await Promise.all(Array.from({ length: 5 }, () => find({ fetchers: { Go: fetching('2.15.1') } })));
    expect(new Set(found.map(({ path }) => path)).size).toBe(1);
    await expect(readdir(cacheFolder)).resolves.toEqual(['2.15.1']);
  });

  test('lists everything that was tried and what to do when nothing is found', async () => {
    const old = await fakeServer(join(folder, 'old', 'nats-server'), 'nats-server: v2.9.10');
    const found = find({
      environment: { PATH: dirname(old) },
      fetchers: { 'Debian mirror': failing, Go: fetching('2.11.0') },
    });
    await expect(found).rejects.toThrow(
      expect.objectContaining({
        name: 'NatsServerNotFoundError',
        attempts: [
          { tried: `PATH (${old})`, reason: 'it is 2.9.10, older than 2.14.0' },
          { tried: 'the Debian mirror', reason: 'the mirror is down' },
          { tried: 'go install', reason: 'it is 2.11.0, older than 2.14.0' },
        ],
      }),
    );
    await expect(found).rejects.toThrow(/set STANCE_NATS_SERVER to the path/);
  });
});
