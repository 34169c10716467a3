import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createLogger } from '@stance/service-kit';
import { replaceFile, temporaryFolder, waitFor, type TemporaryFolder } from '@stance/testing';
import { FileSync, type FileOutcome } from './file-sync.js';

let folder: TemporaryFolder;
let sync: FileSync | undefined;

beforeEach(async () => {
  folder = await temporaryFolder();
});

afterEach(async () => {
  await sync?.stop();
  await folder.remove();
});

async function follow(path: string, apply: (text: string) => Promise<FileOutcome>): Promise<FileSync> {
  sync = new FileSync(path, createLogger('config-sync', 'silent'), apply, { settleMs: 10, pollMs: 50, retryMs: 20 });
  await sync.start();
  return sync;
}

const applied: FileOutcome = { applied: true, summary: {} };

describe('a file that is kept in force', () => {
  it('is tried again until it is taken, and says so meanwhile', async () => {
    await writeFile(join(folder.path, 'a'), 'content');
    let attempts = 0;
    const states: string[] = [];
    const file = await follow(join(folder.path, 'a'), () => {
      attempts += 1;
      states.push(sync?.status().state ?? 'waiting');
      return attempts < 4 ? Promise.reject(new Error('no server')) : Promise.resolve(applied);
    });
    await waitFor(() => file.status().state === 'applied', { what: 'the file to be applied' });
    expect(states).toEqual(['waiting', 'retrying', 'retrying', 'retrying']);
    expect(file.status().problems).toEqual([]);
  });

  it('is applied one content at a time, and the newest in the end', async () => {
    const path = join(folder.path, 'a');
    await writeFile(path, '1');
    const seen: string[] = [];
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    let atOnce = 0;
    await follow(path, async (text) => {
      atOnce += 1;
      expect(atOnce).toBe(1);
      seen.push(text);
      if (text === '1') await held;
      atOnce -= 1;
      return applied;
    });
    for (const text of ['2', '3', '4']) await writeFile(path, text);
    release();
    await waitFor(() => seen.at(-1) === '4', { what: 'the newest content' });
  });

  it('is found by looking, where its folder cannot be watched yet', async () => {
    const seen: string[] = [];
    const file = await follow(join(folder.path, 'later', 'a'), (text) => {
      seen.push(text);
      return Promise.resolve(applied);
    });
    await waitFor(() => file.status().state === 'refused', { what: 'the missing file to be reported' });
    await mkdir(join(folder.path, 'later'));
    await replaceFile(join(folder.path, 'later', 'a'), 'here');
    await waitFor(() => seen.includes('here'), { what: 'the file to be found' });
    await replaceFile(join(folder.path, 'later', 'a'), 'here again');
    await waitFor(() => seen.includes('here again'), { what: 'the change to be found' });
    expect(seen).toEqual(['here', 'here again']);
  });

  it('is left alone while it is written again with what it holds', async () => {
    const path = join(folder.path, 'a');
    const seen: string[] = [];
    await writeFile(path, 'same');
    await follow(path, (text) => {
      seen.push(text);
      return Promise.resolve(applied);
    });
    await replaceFile(path, 'same');
    await replaceFile(path, 'another');
    await waitFor(() => seen.includes('another'), { what: 'the change' });
    expect(seen.filter((text) => text === 'same')).toHaveLength(1);
  });

  it('is read without its byte order mark', async () => {
    await writeFile(join(folder.path, 'a'), '\uFEFFcontent');
    const seen: string[] = [];
    await follow(join(folder.path, 'a'), (text) => {
      seen.push(text);
      return Promise.resolve(applied);
    });
    await waitFor(() => seen.length > 0, { what: 'the content' });
    expect(seen).toEqual(['content']);
  });
});
