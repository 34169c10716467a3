import type { ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

/** The end of a child process: it is gone, and then all that it wrote was read. */
export class ChildEnd {
  private allRead = false;
  private readonly read: Promise<void>;
  private readonly gone: Promise<void>;

  constructor(private readonly child: ChildProcess) {
    this.read = new Promise((resolve) => {
      child.once('close', () => {
        this.allRead = true;
        resolve();
      });
    });
    // What could not be started does not exit: it closes.
    this.gone = Promise.race([this.read, new Promise<void>((resolve) => void child.once('exit', () => resolve()))]);
  }

  /** Whether it has ended and all that it wrote was read. */
  get isComplete(): boolean {
    return this.allRead;
  }

  /** Whether it is complete within so many milliseconds. */
  async completesWithin(limitMs: number): Promise<boolean> {
    return Promise.race([this.read.then(() => true), sleep(limitMs, false, { ref: false })]);
  }

  /**
   * Resolves once it is gone and what it wrote was read. Of that it waits for so many milliseconds only: a process that it
   * has started may outlive it, and holds its pipes open.
   */
  async settled(limitMs: number): Promise<void> {
    await this.gone;
    if (await this.completesWithin(limitMs)) return;
    this.child.stdout?.destroy();
    this.child.stderr?.destroy();
  }
}
