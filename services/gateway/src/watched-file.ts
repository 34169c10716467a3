import { constants, type BigIntStats } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { isMissing } from './missing-file.js';

/** Thrown for a file that cannot be what it should be: put a regular file there, on a disk that answers. */
class FileUnusable extends Error {
  override readonly name = 'FileUnusable';
}

/** A file's content, and when it was written last (milliseconds since 1970); `null` where there is none. */
export type FileContent = { readonly text: string; readonly modifiedAt: number } | null;

export interface WatchedFileOptions {
  /** A larger one is a mistake. */
  readonly maxBytes: number;
  /** Takes a version only when two looks in turn have seen it: whoever writes it has finished then. Not the first one. */
  readonly steady?: boolean;
  /** How long a look may take, in milliseconds; 5,000 by default. */
  readonly withinMs?: number;
}

/** What a look has found; without `content` that is as it was. */
interface Look {
  readonly version: string;
  readonly content?: FileContent;
}

const MISSING = 'missing';
const FAILED = 'failed';

/**
 * A file that is read again when it has changed: also one that is replaced, through links, or within one tick of the clock.
 * It is looked at, as watching reports nothing on network folders and loses a file that is replaced through a link.
 */
export class WatchedFile {
  /** The version that was given last. */
  private given: string | undefined;
  private glimpsed: string | undefined;
  private isLooking = false;

  constructor(
    private readonly path: string,
    private readonly options: WatchedFileOptions,
  ) {}

  /**
   * `undefined` while it is as it was when it was given last. Throws what is wrong with it, at each try; also when the file
   * system does not answer in time. One look at a time: a file system that hangs holds up no more than that.
   */
  async readIfChanged(): Promise<FileContent | undefined> {
    try {
      if (this.isLooking) throw this.unanswered();
      const { version, content } = await this.inTime(this.look());
      // What comes too late is not given, and so read anew.
      if (content !== undefined) this.given = version;
      return content;
    } catch (error) {
      this.given = FAILED;
      throw error;
    }
  }

  private async look(): Promise<Look> {
    this.isLooking = true;
    try {
      return await this.lookNow();
    } finally {
      this.isLooking = false;
    }
  }

  private async lookNow(): Promise<Look> {
    const file = await openIfThere(this.path);
    try {
      const stats = await file?.stat({ bigint: true });
      const version = stats === undefined ? MISSING : versionOf(stats);
      if (stats !== undefined) this.check(stats);
      if (!this.isDue(version)) return { version };
      if (file === undefined || stats === undefined) return { version, content: null };
      return { version, content: { text: await file.readFile('utf8'), modifiedAt: Number(stats.mtimeMs) } };
    } finally {
      await file?.close();
    }
  }

  private isDue(version: string): boolean {
    const isSteady = this.options.steady !== true || this.given === undefined || version === this.glimpsed;
    this.glimpsed = version;
    return isSteady && version !== this.given;
  }

  private check(stats: BigIntStats): void {
    const { maxBytes } = this.options;
    if (!stats.isFile()) throw new FileUnusable(`${this.path} is no regular file`);
    if (stats.size > maxBytes) throw new FileUnusable(`${this.path} has more than ${maxBytes} bytes`);
  }

  private async inTime<Result>(work: Promise<Result>): Promise<Result> {
    const { promise: late, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => reject(this.unanswered()), this.withinMs);
    try {
      return await Promise.race([work, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  private unanswered(): FileUnusable {
    return new FileUnusable(`${this.path} cannot be read: its file system did not answer within ${this.withinMs} ms`);
  }

  private get withinMs(): number {
    return this.options.withinMs ?? 5_000;
  }
}

/** Opening a FIFO would wait for somebody who writes to it, were it not for `O_NONBLOCK`. */
async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

function versionOf({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return [dev, ino, size, mtimeNs, ctimeNs].join(':');
}
