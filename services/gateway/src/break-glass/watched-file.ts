import { open } from 'node:fs/promises';
import { isMissing } from './missing-file.js';

/** Larger is a mistake: an entry takes some hundred bytes. */
const MAX_BYTES = 1024 * 1024;

/** Thrown for a file that is too large to be what it should be. */
class FileTooLarge extends Error {
  override readonly name = 'FileTooLarge';
}

/** A file's content, and when it was written last (milliseconds since 1970); `null` where there is none. */
export type FileContent = { readonly text: string; readonly modifiedAt: number } | null;

/** Reads a file when it has changed: also one that is replaced, through links, or within one tick of the clock. */
export class WatchedFile {
  private seen: string | undefined;

  constructor(private readonly path: string) {}

  /** `undefined` while it is as it was at the last read. Throws what the file system throws, at each try. */
  async readIfChanged(): Promise<FileContent | undefined> {
    try {
      return await this.read();
    } catch (error) {
      if (!isMissing(error)) {
        this.seen = undefined;
        throw error;
      }
      if (this.seen === 'missing') return undefined;
      this.seen = 'missing';
      return null;
    }
  }

  private async read(): Promise<FileContent | undefined> {
    const file = await open(this.path, 'r');
    try {
      const { dev, ino, size, mtimeNs, ctimeNs } = await file.stat({ bigint: true });
      const version = [dev, ino, size, mtimeNs, ctimeNs].join(':');
      if (version === this.seen) return undefined;
      if (size > MAX_BYTES) throw new FileTooLarge(`${this.path} has more than ${MAX_BYTES} bytes`);
      const text = await file.readFile('utf8');
      this.seen = version;
      return { text, modifiedAt: Number(mtimeNs / 1_000_000n) };
    } finally {
      await file.close();
    }
  }
}
