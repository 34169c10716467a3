/** A wait that ends with its time, when it is woken, or when its signal is aborted. */
export class Pause {
  private end: ((isWoken: boolean) => void) | undefined;
  private isWoken = false;

  /** Resolves after `milliseconds`, or earlier, to whether it was woken; never rejects. One wait at a time. */
  async for(milliseconds: number, signal: AbortSignal): Promise<boolean> {
    const isWoken = this.isWoken;
    this.isWoken = false;
    if (isWoken || signal.aborted || milliseconds <= 0) return isWoken;
    return new Promise<boolean>((resolve) => {
      const end = (woken: boolean) => {
        clearTimeout(timer);
        signal.removeEventListener('abort', aborted);
        this.end = undefined;
        resolve(woken);
      };
      const aborted = () => end(false);
      const timer = setTimeout(aborted, milliseconds);
      signal.addEventListener('abort', aborted, { once: true });
      this.end = end;
    });
  }

  /** Ends the present wait, or the next one where none is under way. */
  wake(): void {
    if (this.end === undefined) this.isWoken = true;
    else this.end(true);
  }
}
