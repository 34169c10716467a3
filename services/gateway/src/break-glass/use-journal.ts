import {
  accessSync,
  closeSync,
  constants,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { keptUse, type BreakGlassUse } from './break-glass-use.js';
import { isMissing } from '../missing-file.js';

const SUFFIX = '.json';

/**
 * Uses that no server has confirmed yet, one file each in the folder `<break-glass file>.used`: a gateway that is killed
 * during the outage loses none. Replicas may share it.
 */
export class UseJournal {
  private readonly folder: string;

  constructor(breakGlassFile: string) {
    this.folder = `${breakGlassFile}.used`;
  }

  /** On the disk when it returns. Throws what the file system throws. */
  keep(use: BreakGlassUse): void {
    if (mkdirSync(this.folder, { recursive: true, mode: 0o700 }) !== undefined) syncFolder(dirname(this.folder));
    const path = this.pathOf(use);
    const draft = `${path}.${process.pid}.draft`;
    const file = openSync(draft, 'w', 0o600);
    try {
      writeFileSync(file, `${JSON.stringify(use)}\n`);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(draft, path);
    syncFolder(this.folder);
  }

  /** It is recorded elsewhere now. */
  remove(use: BreakGlassUse): void {
    try {
      unlinkSync(this.pathOf(use));
    } catch (error) {
      // Another replica was told as well.
      if (!isMissing(error)) throw error;
    }
  }

  /** What an earlier life, or another replica, has kept; `unreadable` are paths, which stay. */
  read(): { uses: BreakGlassUse[]; unreadable: string[] } {
    const uses: BreakGlassUse[] = [];
    const unreadable: string[] = [];
    for (const path of this.paths()) {
      const use = readUse(path);
      if (use === 'unreadable') unreadable.push(path);
      else if (use !== 'gone') uses.push(use);
    }
    return { uses, unreadable };
  }

  /** Throws where a use could not be kept. */
  check(): void {
    try {
      accessSync(this.folder, constants.W_OK | constants.X_OK);
    } catch (error) {
      if (!isMissing(error)) throw error;
      accessSync(dirname(this.folder), constants.W_OK | constants.X_OK);
    }
  }

  pathOf({ useId }: BreakGlassUse): string {
    return join(this.folder, `${useId}${SUFFIX}`);
  }

  private paths(): string[] {
    try {
      const names = readdirSync(this.folder).filter((name) => name.endsWith(SUFFIX));
      return names.toSorted().map((name) => join(this.folder, name));
    } catch (error) {
      if (isMissing(error)) return [];
      throw error;
    }
  }
}

function readUse(path: string): BreakGlassUse | 'unreadable' | 'gone' {
  try {
    const use = keptUse(JSON.parse(readFileSync(path, 'utf8')));
    return use !== undefined && `${use.useId}${SUFFIX}` === basename(path) ? use : 'unreadable';
  } catch (error) {
    if (error instanceof SyntaxError) return 'unreadable';
    if (isMissing(error)) return 'gone';
    throw error;
  }
}

/** A new name is on the disk only once its folder is. */
function syncFolder(path: string): void {
  // Windows does not open folders.
  if (process.platform === 'win32') return;
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
