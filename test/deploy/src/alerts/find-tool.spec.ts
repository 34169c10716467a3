import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { temporaryFolder, type TemporaryFolder } from '@stance/testing';
import { findTool, ToolNotExecutable } from './find-tool.js';

let folder: TemporaryFolder;
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(() => folder.remove());

async function program(name: string): Promise<string> {
  const path = join(folder.path, name);
  await writeFile(path, '#!/bin/sh\n');
  await chmod(path, 0o755);
  return path;
}

describe('finding promtool', () => {
  test('takes what the variable names before what is on PATH', async () => {
    const onPath = await program('promtool');
    const named = await program('another');
    await expect(findTool('promtool', { PATH: folder.path })).resolves.toBe(onPath);
    await expect(findTool('promtool', { PATH: folder.path, STANCE_TEST_PROMTOOL: named })).resolves.toBe(named);
  });

  test('says that there is none, and takes no other for what the variable names', async () => {
    await expect(findTool('promtool', { PATH: folder.path })).resolves.toBeUndefined();
    const wrong = { PATH: folder.path, STANCE_TEST_PROMTOOL: join(folder.path, 'gone') };
    await expect(findTool('promtool', wrong)).rejects.toThrow(ToolNotExecutable);
  });
});
