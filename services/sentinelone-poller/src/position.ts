import type { Checkpoint } from './checkpoint.js';
import type { CheckpointStore } from './checkpoint.store.js';

/** How long a place that moves at every reading may be ahead of what is stored, in milliseconds: reading again is always right. */
const LAZY_MS = 10_000;

/** Where the lanes of a source have got to: in memory, and stored for whoever polls it next. */
export class Position {
  private checkpoint: Checkpoint | undefined;
  private savedAt = -Infinity;

  constructor(
    private readonly store: Pick<CheckpointStore, 'load' | 'save'>,
    private readonly monotonic: () => number = () => performance.now(),
  ) {}

  /** Takes up what is stored; whether there was something. */
  async load(): Promise<boolean> {
    this.checkpoint ??= await this.store.load();
    return this.checkpoint !== undefined;
  }

  /** Where to begin instead of what is stored, if anything is; stored with the first move. */
  begin(checkpoint: Checkpoint): void {
    this.checkpoint = checkpoint;
  }

  /** Undefined until it was loaded or begun. */
  get known(): Checkpoint | undefined {
    return this.checkpoint;
  }

  get current(): Checkpoint {
    if (this.checkpoint === undefined) throw new Error('the source is read before its position is known');
    return this.checkpoint;
  }

  /** Moves on, and stores it. Throws `CheckpointTaken` when another poller has written since. */
  async move(change: Partial<Checkpoint>): Promise<void> {
    const moved = { ...this.current, ...change };
    this.checkpoint = moved;
    this.savedAt = this.monotonic();
    await this.store.save(moved);
  }

  /** Moves on; stores it with the next move, or when nothing was stored for {@link LAZY_MS}. */
  async moveLazily(change: Partial<Checkpoint>): Promise<void> {
    if (this.monotonic() - this.savedAt >= LAZY_MS) return this.move(change);
    this.checkpoint = { ...this.current, ...change };
  }
}
