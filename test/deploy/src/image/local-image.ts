import { execFile } from 'node:child_process';
import { access, chmod, copyFile, mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

import { temporaryFolder } from '@stance/testing';

import { dockerSays } from './docker.js';

const run = promisify(execFile);

/** What an image has that needs no registry: programs of this machine with the libraries that they are linked to. */
export interface LocalImage {
  /** Where each program of this machine goes, by its path there. */
  readonly programs: Readonly<Record<string, string>>;
  /** Libraries that programs load by themselves, by the names under which they lie beside the C library. */
  readonly libraries?: readonly string[];
  /** Files of this machine that keep their paths. */
  readonly files?: readonly string[];
  /** Texts by path. */
  readonly texts?: Readonly<Record<string, string>>;
  /** npm packages, as archives of this machine, by the folder that each is unpacked to. */
  readonly packages?: Readonly<Record<string, string>>;
  /** Symbolic links by path. */
  readonly links?: Readonly<Record<string, string>>;
  /** As in a Dockerfile: `ENV PATH=/bin`. */
  readonly instructions: readonly string[];
}

/** Makes an image of that name, of nothing but what it is said to have. */
export async function makeImage(name: string, content: LocalImage): Promise<void> {
  const folder = await temporaryFolder();
  try {
    const root = join(folder.path, 'root');
    await mkdir(join(root, 'tmp'), { recursive: true });
    await chmod(join(root, 'tmp'), 0o1777);
    await fill(root, content);
    const archive = join(folder.path, 'root.tar');
    await run('tar', ['-cf', archive, '--owner=0', '--group=0', '-C', root, '.']);
    const changes = content.instructions.flatMap((instruction) => ['--change', instruction]);
    await dockerSays(['import', ...changes, archive, name]);
  } finally {
    await folder.remove();
  }
}

async function fill(root: string, content: LocalImage): Promise<void> {
  const { programs, libraries = [], files = [], texts = {}, packages = {}, links = {} } = content;
  const linked = await Promise.all(Object.values(programs).map(librariesOf));
  const beside = dirname(linked.flat().find((library) => /\/libc\.so/.test(library)) ?? '/lib/none');
  const loaded = await there(libraries.map((library) => join(beside, library)));
  const copies = [...new Set([...linked.flat(), ...loaded, ...files])].map((file) => [file, file] as const);
  for (const [to, from] of [...Object.entries(programs), ...copies]) {
    await prepared(root, to, (path) => copyFile(from, path));
  }
  for (const [to, text] of Object.entries(texts)) await prepared(root, to, (path) => writeFile(path, text));
  for (const [to, archive] of Object.entries(packages)) {
    await mkdir(join(root, to), { recursive: true });
    await run('tar', ['-xzf', archive, '--strip-components=1', '-C', join(root, to)]);
  }
  for (const [to, target] of Object.entries(links)) await prepared(root, to, (path) => symlink(target, path));
}

async function prepared(root: string, to: string, put: (path: string) => Promise<void>): Promise<void> {
  const path = join(root, to);
  await mkdir(dirname(path), { recursive: true });
  await put(path);
}

async function there(files: readonly string[]): Promise<string[]> {
  const looks = await Promise.allSettled(files.map((file) => access(file)));
  return files.filter((_, index) => looks[index]?.status === 'fulfilled');
}

/** The shared libraries of a program, its loader included; none for a static one, which `ldd` refuses. */
async function librariesOf(program: string): Promise<string[]> {
  try {
    const { stdout } = await run('ldd', [program]);
    return [...stdout.matchAll(/(\/\S+) \(0x/g)].flatMap(([, library]) => (library === undefined ? [] : [library]));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 1) return [];
    throw error;
  }
}
