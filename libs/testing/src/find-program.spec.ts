import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { findProgram, ProgramNotExecutable } from './find-program.js';
import { temporaryFolder, type TemporaryFolder } from './temporary-folder.js';

let folder: TemporaryFolder;
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(() => folder.remove());

async function program(name: string, mode = 0o755): Promise<string> {
  const path = join(folder.path, name);
  await writeFile(path, '#!/bin/sh\n');
  await chmod(path, mode);
  return path;
}

describe('finding a program', () => {
  test('takes what the variable names before what is on PATH', async () => {
    const onPath = await program('traefik');
    const named = await program('my-traefik');
    const find = (variable: string) =>
      findProgram('traefik', { environment: { PATH: folder.path, STANCE_TEST_TRAEFIK: variable } });
    await expect(find(named)).resolves.toBe(named);
    await expect(find('')).resolves.toBe(onPath);
  });

  test('looks into further folders after PATH', async () => {
    const path = await program('nginx');
    await expect(findProgram('nginx', { folders: [folder.path], environment: {} })).resolves.toBe(path);
    const missing = { folders: [join(folder.path, 'none')], environment: { PATH: folder.path } };
    await expect(findProgram('nginx', missing)).resolves.toBe(path);
  });

  test('says that there is none, also where what has the name cannot be run', async () => {
    const environment = { PATH: folder.path };
    await program('traefik', 0o644);
    await expect(findProgram('traefik', { environment })).resolves.toBeUndefined();
    await mkdir(join(folder.path, 'envoy'));
    await expect(findProgram('envoy', { environment })).resolves.toBeUndefined();
  });

  test('does not take another one for what the variable names', async () => {
    await program('traefik');
    const environment = { PATH: folder.path, STANCE_TEST_TRAEFIK: join(folder.path, 'gone') };
    const find = findProgram('traefik', { environment });
    await expect(find).rejects.toThrow(ProgramNotExecutable);
    await expect(find).rejects.toThrow(/^STANCE_TEST_TRAEFIK names .*gone/);
  });
});
