/** How long background work gives way at most, in milliseconds: it has to come to an end however busy the engine is. */
const PATIENCE_MS = 25;

/** Lets work in the background give way to work that somebody waits for. */
export class RightOfWay {
  private urgent = 0;
  private cleared: PromiseWithResolvers<void> | undefined;

  /** Background work gives way until this is done. */
  async during<Result>(work: () => Promise<Result>): Promise<Result> {
    this.urgent += 1;
    try {
      return await work();
    } finally {
      this.urgent -= 1;
      if (this.urgent === 0) {
        this.cleared?.resolve();
        this.cleared = undefined;
      }
    }
  }

  /** Resolves when nothing urgent is under way, or after `patienceMs`. */
  async given(patienceMs = PATIENCE_MS): Promise<void> {
    if (this.urgent === 0) return;
    this.cleared ??= Promise.withResolvers<void>();
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, patienceMs);
    });
    await Promise.race([this.cleared.promise, patience]);
    clearTimeout(timer);
  }
}
