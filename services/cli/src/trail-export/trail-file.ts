import { open, type FileHandle } from 'node:fs/promises';
import { WrongUsage } from '../errors.js';
import { contentOf, LINE_START } from './trail-line.js';

/** Bytes that are read at a time in search of the last line. */
const STEP = 1024 * 1024;
const NEWLINE = 0x0a;

/** The last whole line of a file. */
interface LastLine {
  readonly text: string;
  readonly streamSequence: number;
}

/** A file that the trail is exported to; its owner alone may read it. */
export class TrailFile {
  private constructor(
    readonly path: string,
    private readonly handle: FileHandle,
    /** What it held before; undefined where there was nothing. */
    readonly last: LastLine | undefined,
    /** Bytes of a torn last line, which were dropped. */
    readonly dropped: number,
  ) {}

  /** Opens a file to go on after its last whole line, or makes it. Throws {@link WrongUsage} where it is not an export. */
  static async open(path: string): Promise<TrailFile> {
    const handle = await accessing(path, () => open(path, 'a+', 0o600));
    try {
      const { size } = await handle.stat();
      await requireExport(handle, path, size);
      const last = await lastLine(handle, size);
      if (last.end < size) await handle.truncate(last.end);
      return new TrailFile(path, handle, requireSequence(path, last.text), size - last.end);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  async append(lines: string): Promise<void> {
    await accessing(this.path, () => this.handle.appendFile(lines));
  }

  /** Closes it once all is on the disk. */
  async close(): Promise<void> {
    try {
      await accessing(this.path, () => this.handle.sync());
    } finally {
      await this.handle.close();
    }
  }
}

/** Nothing is cut off or appended to what somebody keeps there for another purpose. */
async function requireExport(handle: FileHandle, path: string, size: number): Promise<void> {
  const start = await bytesAt(handle, 0, Math.min(size, LINE_START.length));
  if (!LINE_START.startsWith(start.toString('latin1'))) throw notAnExport(path);
}

function requireSequence(path: string, text: string | undefined): LastLine | undefined {
  if (text === undefined) return undefined;
  const { streamSequence } = contentOf(text);
  if (streamSequence === undefined) throw notAnExport(path);
  return { text, streamSequence };
}

function notAnExport(path: string): WrongUsage {
  return new WrongUsage(`${path} is not an exported trail, or was damaged: choose another file`);
}

/** The last line that ends, and the offset behind it. */
async function lastLine(handle: FileHandle, size: number): Promise<{ text?: string; end: number }> {
  let tail: Buffer = Buffer.alloc(0);
  for (let at = size; at > 0;) {
    const from = Math.max(0, at - STEP);
    tail = Buffer.concat([await bytesAt(handle, from, at - from), tail]);
    at = from;
    const end = tail.lastIndexOf(NEWLINE);
    if (end === -1) continue;
    const before = end === 0 ? -1 : tail.lastIndexOf(NEWLINE, end - 1);
    if (before !== -1 || at === 0) return { text: tail.toString('utf8', before + 1, end), end: at + end + 1 };
  }
  return { end: 0 };
}

async function bytesAt(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await handle.read({ buffer: Buffer.alloc(length), position, length });
  return buffer.subarray(0, bytesRead);
}

/** Does something with a file; what the system refuses is for the user to put right. */
export async function accessing<Result>(path: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (!isOfSystem(error)) throw error;
    throw new WrongUsage(`${path} cannot be used: ${error.message}`, { cause: error });
  }
}

/** Not by `instanceof`, which fails across the realms of a test runner. */
function isOfSystem(error: unknown): error is NodeJS.ErrnoException {
  return typeof error === 'object' && error !== null && 'syscall' in error;
}
