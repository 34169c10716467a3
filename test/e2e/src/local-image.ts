import { execFile } from 'node:child_process';
import { copyFile, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

import { findNatsServer, NatsServerNotFoundError } from '@stance/nats-server';
import { temporaryFolder } from '@stance/testing';

const run = promisify(execFile);
/** Milliseconds for one command; importing 30 MB takes about one second. */
const COMMAND_MS = 20_000;

const IMAGE = 'stance-e2e-nats:local';

/** The image to start a container from, or why there is none. */
export type ContainerImage =
  | { readonly image: string; /** Made here, to be removed again. */ readonly isOurs: boolean }
  | { readonly unavailable: string };

/**
 * The image that the harness runs all tests on, where it chose Docker. Otherwise one that needs no registry: the binary that
 * the other tests use and the libraries that it is linked to, and nothing else; where a Docker daemon answers, on Linux.
 */
export async function natsImage(): Promise<ContainerImage> {
  if (process.env['STANCE_TEST_NATS'] === 'docker') {
    return { image: process.env['STANCE_TEST_NATS_IMAGE'] ?? '', isOurs: false };
  }
  if (process.platform !== 'linux') return { unavailable: 'an image is made from the binary on Linux only' };
  try {
    await run('docker', ['info'], { timeout: COMMAND_MS });
  } catch {
    return { unavailable: 'no Docker daemon answers `docker info`' };
  }
  try {
    return { image: await imageOf((await findNatsServer()).path), isOurs: true };
  } catch (error) {
    if (error instanceof NatsServerNotFoundError) return { unavailable: error.message };
    throw error;
  }
}

async function imageOf(binary: string): Promise<string> {
  const folder = await temporaryFolder();
  const root = join(folder.path, 'root');
  const archive = join(folder.path, 'root.tar');
  try {
    await mkdir(root);
    await copyFile(binary, join(root, 'nats-server'));
    for (const library of await librariesOf(binary)) {
      await mkdir(join(root, dirname(library)), { recursive: true });
      await copyFile(library, join(root, library));
    }
    await run('tar', ['-cf', archive, '-C', root, '.'], { timeout: COMMAND_MS });
    await run('docker', ['import', '--change', 'ENTRYPOINT ["/nats-server"]', archive, IMAGE], { timeout: COMMAND_MS });
    return IMAGE;
  } finally {
    await folder.remove();
  }
}

export async function removeImage(image: string): Promise<void> {
  await run('docker', ['rmi', '--force', image], { timeout: COMMAND_MS });
}

/** The shared libraries of a program, its loader included; none for a static one, which `ldd` refuses. */
async function librariesOf(program: string): Promise<string[]> {
  try {
    const { stdout } = await run('ldd', [program], { timeout: COMMAND_MS });
    return [...stdout.matchAll(/(\/\S+) \(0x/g)].flatMap(([, library]) => (library === undefined ? [] : [library]));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 1) return [];
    throw error;
  }
}
