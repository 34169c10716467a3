import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { temporaryFolder, type TemporaryFolder } from '@stance/testing';
import { removeRunFile, writeRunFile } from './run-file.js';

let folder: TemporaryFolder;
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(() => folder.remove());

const stack = {
  natsUrl: 'nats://127.0.0.1:4222',
  usersFolder: '/data/nats-auth/users',
  gatewayUrl: 'http://g',
  simulatorUrl: null,
  demo: false,
  pid: 7,
};

describe('the run file', () => {
  it('tells what runs, in a folder made for it, and leaves nothing else behind', async () => {
    const file = join(folder.path, 'new', 'run.json');
    writeRunFile(file, { ...stack, pid: 6 });
    writeRunFile(file, stack);
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual(stack);
    expect(await readdir(join(folder.path, 'new'))).toEqual(['run.json']);
    removeRunFile(file);
    removeRunFile(file);
    expect(await readdir(join(folder.path, 'new'))).toEqual([]);
  });
});
