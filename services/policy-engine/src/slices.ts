/** How long work may hold up messages at a time, in milliseconds; a change waits for several turns until it is decided about. */
const SLICE_MS = 1;

/** Cuts long work into slices between which messages are handled. */
export class Slices {
  private begunAt = performance.now();

  get isOver(): boolean {
    return performance.now() - this.begunAt >= SLICE_MS;
  }

  /** Resolves when what has come meanwhile has had its turn. */
  async next(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.begunAt = performance.now();
  }
}
