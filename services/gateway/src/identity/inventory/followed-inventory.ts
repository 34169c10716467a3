import { readFileSync } from 'node:fs';
import { WatchedFile, type FileContent } from '../../watched-file.js';
import { Inventory, InventoryInvalid } from './inventory.js';

export interface FollowOptions {
  /** Told of a version that is refused, and of what several devices claim. */
  readonly onTrouble: (message: string, error?: unknown) => void;
  /** How often the file is looked at, in milliseconds; 1 s by default. */
  readonly pollMs?: number;
}

/** Larger is a mistake: a device takes some hundred bytes. */
const MAX_BYTES = 64 * 1024 * 1024;

/** The inventory of a file as it is now. Throws {@link InventoryInvalid}. */
export function readInventory(path: string): Inventory {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new InventoryInvalid([`cannot be read: ${messageOf(error)}`]);
  }
  return inventoryOf(path, text);
}

/** The inventory of a file that is read again when it has changed. A version that cannot be read leaves the last one. */
export class FollowedInventory {
  private readonly poll: NodeJS.Timeout;
  private looking = false;
  private refusal: string | undefined;

  private constructor(
    private readonly path: string,
    private readonly file: WatchedFile,
    private inventory: Inventory,
    private readonly options: FollowOptions,
  ) {
    this.tellDisputes();
    this.poll = setInterval(() => void this.look(), options.pollMs ?? 1_000).unref();
  }

  /** Throws {@link InventoryInvalid}. */
  static async open(path: string, options: FollowOptions): Promise<FollowedInventory> {
    const file = new WatchedFile(path, { maxBytes: MAX_BYTES, steady: true });
    const content = await contentOf(file);
    return new FollowedInventory(path, file, parse(path, content ?? null), options);
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
      const content = await contentOf(this.file);
      if (content !== undefined) this.take(parse(this.path, content));
    } catch (error) {
      this.refuse(error);
    } finally {
      this.looking = false;
    }
  }

  private take(inventory: Inventory): void {
    this.inventory = inventory;
    this.refusal = undefined;
    this.tellDisputes();
  }

  /** Told once for each problem: a file that cannot be read is tried again at each look. */
  private refuse(error: unknown): void {
    const problem = messageOf(error);
    if (problem === this.refusal) return;
    this.refusal = problem;
    this.options.onTrouble(`the inventory ${this.path} is refused, the last good one stays in force`, error);
  }

  private tellDisputes(): void {
    for (const dispute of this.inventory.disputes) this.options.onTrouble(`inventory: ${dispute}`);
  }
}

/** `undefined` while it is as it was. Throws {@link InventoryInvalid}. */
async function contentOf(file: WatchedFile): Promise<FileContent | undefined> {
  try {
    return await file.readIfChanged();
  } catch (error) {
    throw new InventoryInvalid([`cannot be read: ${messageOf(error)}`]);
  }
}

function parse(path: string, content: FileContent): Inventory {
  if (content === null) throw new InventoryInvalid([`cannot be read: there is no ${path}`]);
  return inventoryOf(path, content.text);
}

function inventoryOf(path: string, text: string): Inventory {
  return Inventory.parse(text, path.toLowerCase().endsWith('.json') ? 'json' : 'yaml');
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
