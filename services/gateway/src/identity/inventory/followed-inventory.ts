import { readFile, stat } from 'node:fs/promises';
import { Inventory, InventoryInvalid } from './inventory.js';

export interface FollowOptions {
  /** Told of a version that is refused, and of what several devices claim. */
  readonly onTrouble: (message: string, error?: unknown) => void;
  /** How often the file is looked at, in milliseconds; 1 s by default. */
  readonly pollMs?: number;
}

/** The inventory of a file that is read again when it has changed. A version that cannot be read leaves the last one. */
export class FollowedInventory {
  private readonly poll: NodeJS.Timeout;
  private looking = false;
  private changing = '';
  private refusal: string | undefined;

  private constructor(
    private readonly path: string,
    private inventory: Inventory,
    private stamp: string,
    private readonly options: FollowOptions,
  ) {
    this.tellDisputes();
    // Watching reports nothing on network folders, and loses a file that is replaced through a link.
    this.poll = setInterval(() => void this.look(), options.pollMs ?? 1_000).unref();
  }

  /** Throws {@link InventoryInvalid}. */
  static async open(path: string, options: FollowOptions): Promise<FollowedInventory> {
    const stamp = await stampOf(path);
    return new FollowedInventory(path, await read(path), stamp, options);
  }

  get current(): Inventory {
    return this.inventory;
  }

  /** What is wrong with the present content of the file; undefined while that is what counts. */
  get problem(): string | undefined {
    return this.refusal;
  }

  close(): void {
    clearInterval(this.poll);
  }

  private async look(): Promise<void> {
    if (this.looking) return;
    this.looking = true;
    try {
      const stamp = await stampOf(this.path);
      // Whoever writes it has finished when two looks see the same.
      if (stamp !== this.stamp && stamp === this.changing) await this.take(stamp);
      this.changing = stamp;
    } finally {
      this.looking = false;
    }
  }

  private async take(stamp: string): Promise<void> {
    try {
      this.inventory = await read(this.path);
      this.refusal = undefined;
      this.tellDisputes();
    } catch (error) {
      this.refusal = messageOf(error);
      this.options.onTrouble(`the inventory ${this.path} is refused, the last good one stays in force`, error);
    }
    // Changed again while it was read: the stamp of before makes the next look read it anew.
    this.stamp = stamp;
  }

  private tellDisputes(): void {
    for (const dispute of this.inventory.disputes) this.options.onTrouble(`inventory: ${dispute}`);
  }
}

async function read(path: string): Promise<Inventory> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw new InventoryInvalid([`cannot be read: ${messageOf(error)}`]);
  }
  return Inventory.parse(text, path.toLowerCase().endsWith('.json') ? 'json' : 'yaml');
}

/** Changes whenever the file does, through symbolic links. */
async function stampOf(path: string): Promise<string> {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
    return [dev, ino, size, mtimeNs, ctimeNs].join(':');
  } catch (error) {
    return messageOf(error);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
