import { createHash } from 'node:crypto';
import { watch, type FSWatcher } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isNativeError } from 'node:util/types';

/** What a file holds, or why it cannot be read. */
export type FileContent =
  | { readonly readable: true; readonly bytes: Buffer }
  | { readonly readable: false; readonly reason: string; readonly isMissing: boolean };

export interface WatchOptions {
  /** How long a change has to be over before the file is read, in milliseconds; 200 by default. */
  readonly settleMs?: number;
  /**
   * How often the file is looked at whatever the system reports, in milliseconds; 2 s by default. Folders on a network
   * report nothing, and neither does one that was replaced.
   */
  readonly pollMs?: number;
}

/** As coarse as the times of any file system are, in milliseconds. */
const STAMP_TICK_MS = 2_000;

/**
 * A file that is read now and after every change. Its folder is watched, as editors replace files and Kubernetes swaps a
 * symbolic link beside them; and it is polled, as watching is not certain anywhere.
 */
export class WatchedFile {
  private watcher: FSWatcher | undefined;
  private poll: NodeJS.Timeout | undefined;
  private settling: NodeJS.Timeout | undefined;
  private lastStamp = '';
  private lastDigest = '';
  private looking: Promise<void> | undefined;
  private stopped = false;

  constructor(
    private readonly path: string,
    private readonly onContent: (content: FileContent) => void,
    private readonly options: WatchOptions = {},
  ) {}

  /** Reads the file for the first time and begins to watch it. */
  async start(): Promise<void> {
    this.watchFolder();
    this.poll = setInterval(() => this.lookOnce(), this.options.pollMs ?? 2_000);
    await this.look();
  }

  stop(): void {
    this.stopped = true;
    clearInterval(this.poll);
    clearTimeout(this.settling);
    this.watcher?.close();
  }

  private watchFolder(): void {
    try {
      this.watcher = watch(dirname(this.path), () => this.lookSoon());
      // Such as a folder that was deleted: polling goes on.
      this.watcher.on('error', () => this.watcher?.close());
    } catch (error) {
      // A folder that is not there, or more watches than the system has: polling does it alone.
      if (!isNativeError(error)) throw error;
    }
  }

  private lookSoon(): void {
    clearTimeout(this.settling);
    if (!this.stopped) this.settling = setTimeout(() => this.lookOnce(), this.options.settleMs ?? 200);
  }

  private lookOnce(): void {
    this.looking ??= this.look().finally(() => {
      this.looking = undefined;
    });
  }

  private async look(): Promise<void> {
    const { stamp, isRecent } = await stampOf(this.path);
    if (stamp === this.lastStamp) return;
    const content = await contentOf(this.path);
    // Changed while it was read: whoever writes it has not finished.
    if (stamp !== (await stampOf(this.path)).stamp) return this.lookSoon();
    // What is written within the same tick of the file system's clock would bear the same stamp: it is read once more.
    this.lastStamp = isRecent ? '' : stamp;
    const digest = content.readable ? createHash('sha256').update(content.bytes).digest('hex') : content.reason;
    if (digest === this.lastDigest || this.stopped) return;
    this.lastDigest = digest;
    this.onContent(content);
  }
}

/** A stamp that changes whenever the file does, through symbolic links, unless it had just changed before. */
async function stampOf(path: string): Promise<{ readonly stamp: string; readonly isRecent: boolean }> {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs, ctimeMs } = await stat(path, { bigint: true });
    const isRecent = Math.abs(Date.now() - Number(ctimeMs)) < STAMP_TICK_MS;
    return { stamp: [dev, ino, size, mtimeNs, ctimeNs].join(':'), isRecent };
  } catch (error) {
    return { stamp: reasonOf(error), isRecent: false };
  }
}

export async function contentOf(path: string): Promise<FileContent> {
  try {
    return { readable: true, bytes: await readFile(path) };
  } catch (error) {
    const isMissing = isNativeError(error) && 'code' in error && error.code === 'ENOENT';
    return { readable: false, reason: reasonOf(error), isMissing };
  }
}

function reasonOf(error: unknown): string {
  return isNativeError(error) ? error.message : String(error);
}
