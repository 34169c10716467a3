import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { temporaryFolder, type TemporaryFolder } from '../temporary-folder.js';
import { findGateway, GatewayNotExecutable } from './find-gateway.js';

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

describe('finding a gateway', () => {
  test('takes what the variable names before what is on PATH', async () => {
    await program('traefik');
    const named = await program('my-traefik');
    const PATH = folder.path;
    await expect(findGateway('traefik', { PATH, STANCE_TEST_TRAEFIK: named })).resolves.toBe(named);
    await expect(findGateway('traefik', { PATH, STANCE_TEST_TRAEFIK: '' })).resolves.toBe(join(PATH, 'traefik'));
  });

  test('says that there is none, also where a file of the name cannot be run', async () => {
    await program('traefik', 0o644);
    await expect(findGateway('traefik', { PATH: folder.path })).resolves.toBeUndefined();
  });

  test('does not take another one for what the variable names', async () => {
    await program('traefik');
    const wrong = { PATH: folder.path, STANCE_TEST_TRAEFIK: join(folder.path, 'gone') };
    await expect(findGateway('traefik', wrong)).rejects.toThrow(GatewayNotExecutable);
  });
});
