import type { Output } from '../io.js';

/** How often it is written at most. */
const INTERVAL_MS = 100;
const CLEARED = '\r\u001B[K';

/** A line on a terminal that tells how far work is, written over as it goes on; nothing where there is no terminal. */
export class ProgressLine {
  private writtenAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly output: Output,
    private readonly now = () => performance.now(),
  ) {}

  tell(text: string): void {
    if (this.output.isTTY !== true || this.now() - this.writtenAt < INTERVAL_MS) return;
    this.writtenAt = this.now();
    this.output.write(`${CLEARED}${text}`);
  }

  /** Takes it off the screen. */
  end(): void {
    if (this.writtenAt !== Number.NEGATIVE_INFINITY) this.output.write(CLEARED);
  }
}
