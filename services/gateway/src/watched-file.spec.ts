import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { temporaryFolder, waitFor, type TemporaryFolder } from '@stance/testing';
import { HangingFileSystem, makeFifo } from './fixtures/hanging-file-system.js';
import { WatchedFile } from './watched-file.js';

let folder: TemporaryFolder;
let path: string;
beforeEach(async () => {
  folder = await temporaryFolder();
  path = join(folder.path, 'file');
});
afterEach(() => folder.remove());

const watched = (options: { steady?: boolean; withinMs?: number } = {}) =>
  new WatchedFile(path, { maxBytes: 10, ...options });

/** What a look gives: a text, `null` for no file, `undefined` for no change. */
async function look(file: WatchedFile): Promise<string | null | undefined> {
  const content = await file.readIfChanged();
  return content === null ? null : content?.text;
}

describe('a watched file', () => {
  test('is given once for each version, and when it has gone', async () => {
    const file = watched();
    expect([await look(file), await look(file)]).toEqual([null, undefined]);
    await writeFile(path, 'one');
    expect([await look(file), await look(file)]).toEqual(['one', undefined]);
    await writeFile(`${path}.new`, 'two');
    await rename(`${path}.new`, path);
    expect([await look(file), await look(file)]).toEqual(['two', undefined]);
    await rm(path);
    expect([await look(file), await look(file)]).toEqual([null, undefined]);
  });

  test('that has to be steady is given at first, and then when two looks have seen the same', async () => {
    const file = watched({ steady: true });
    await writeFile(path, 'one');
    expect(await look(file)).toBe('one');
    await writeFile(path, 'half');
    expect(await look(file)).toBeUndefined();
    await writeFile(path, 'whole');
    expect([await look(file), await look(file), await look(file)]).toEqual([undefined, 'whole', undefined]);
    await rm(path);
    expect([await look(file), await look(file), await look(file)]).toEqual([undefined, null, undefined]);
  });

  test.each<[string, RegExp, () => Promise<void> | void]>([
    ['a folder', /is no regular file/, () => mkdir(path)],
    ['a FIFO', /is no regular file/, () => makeFifo(path)],
    ['too large', /more than 10 bytes/, () => writeFile(path, '12345678901')],
    ['behind a file', /ENOTDIR/, () => rm(folder.path, { recursive: true }).then(() => writeFile(folder.path, ''))],
  ])('that is %s is a problem at each look', async (_what, problem, make) => {
    const file = watched();
    await make();
    await expect(look(file)).rejects.toThrow(problem);
    await expect(look(file)).rejects.toThrow(problem);
  });

  test('is given again after a problem, also where it is as it was before', async () => {
    const [file, steady] = [watched(), watched({ steady: true })];
    await writeFile(`${path}.target`, 'one');
    await symlink(`${path}.target`, path);
    await Promise.all([look(file), look(steady)]);
    await rm(path);
    await mkdir(path);
    await expect(look(file)).rejects.toThrow(/is no regular file/);
    await expect(look(steady)).rejects.toThrow(/is no regular file/);
    await rm(path, { recursive: true });
    await symlink(`${path}.target`, path);
    expect([await look(file), await look(file)]).toEqual(['one', undefined]);
    expect([await look(steady), await look(steady)]).toEqual(['one', undefined]);
  });

  test('that is not answered about in time is a problem until it is, and is given then', async () => {
    await writeFile(path, 'one');
    const hanging = HangingFileSystem.prepare(folder.path);
    const file = watched({ withinMs: 3_000 });
    hanging.begin();
    try {
      await expect(look(file)).rejects.toThrow(/did not answer within 3000 ms/);
      const started = performance.now();
      await expect(look(file)).rejects.toThrow(/did not answer within 3000 ms/);
      // It did not ask a second time while the first was not answered.
      expect(performance.now() - started).toBeLessThan(2_900);
    } finally {
      await hanging.release();
    }
    const text = await waitFor(() => look(file), { what: 'it answers' });
    expect(text).toBe('one');
  });
});
