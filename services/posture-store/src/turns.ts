/** A run that waits for the one before it, and what it was asked for meanwhile. */
interface Waiting<Ask> {
  readonly asks: [Ask, ...Ask[]];
  readonly done: Promise<void>;
}

/**
 * Runs a key's work once at a time. Whoever asks while it runs waits for one more run, which all of them share: however
 * many ask at once, the work is done twice.
 */
export class Turns<Ask> {
  private readonly running = new Map<string, Promise<void>>();
  private readonly waiting = new Map<string, Waiting<Ask>>();

  constructor(private readonly run: (key: string, asks: readonly [Ask, ...Ask[]]) => Promise<void>) {}

  /** Resolves when a run that began after this call is done; rejects when it fails. */
  ask(key: string, ask: Ask): Promise<void> {
    const waiting = this.waiting.get(key);
    if (waiting !== undefined) {
      waiting.asks.push(ask);
      return waiting.done;
    }
    const running = this.running.get(key);
    if (running === undefined) return this.start(key, [ask]);
    const asks: [Ask, ...Ask[]] = [ask];
    const startNext = (): Promise<void> => {
      this.waiting.delete(key);
      return this.start(key, asks);
    };
    // Whoever asked for the run before is told of its failure.
    const done = running.then(startNext, startNext);
    this.waiting.set(key, { asks, done });
    return done;
  }

  private start(key: string, asks: readonly [Ask, ...Ask[]]): Promise<void> {
    const run = this.run(key, asks).finally(() => this.running.delete(key));
    this.running.set(key, run);
    return run;
  }
}
