/** How long background work gives way at most, in milliseconds: it has to come to an end however busy the engine is. */
const PATIENCE_MS = 25;

/** Lets work in the background give way to work that somebody waits for. */
export class RightOfWay {
  private urgent = 0;
  private readonly waiting = new Set<() => void>();

  /** Background work gives way until this is done. */
  async during<Result>(work: () => Promise<Result>): Promise<Result> {
    this.urgent += 1;
    try {
      return await work();
    } finally {
      this.urgent -= 1;
      if (this.urgent === 0) for (const goOn of this.waiting) goOn();
    }
  }

  /** Resolves when nothing urgent is under way, or after `patienceMs`. */
  async given(patienceMs = PATIENCE_MS): Promise<void> {
    if (this.urgent === 0) return;
    await new Promise<void>((resolve) => {
      const goOn = (): void => {
        clearTimeout(patience);
        this.waiting.delete(goOn);
        resolve();
      };
      const patience = setTimeout(goOn, patienceMs);
      this.waiting.add(goOn);
    });
  }
}
