/** A message that waits for its turn; the lowest sequence of a key goes first. */
interface Waiting<Item> {
  readonly sequence: number;
  readonly item: Item;
}

interface Lane<Item> {
  running: Waiting<Item> | undefined;
  /** In order of sequence. */
  readonly waiting: Waiting<Item>[];
  /** Sequence to the timer that stops waiting for it: messages given back to the server, which must come again first. */
  readonly away: Map<number, NodeJS.Timeout>;
}

/**
 * Runs messages of one key in order, of different keys in parallel, within a bound.
 *
 * A message that awaits its retry at the server holds back the later ones of its key, and of no other key.
 */
export class KeyedScheduler<Item> {
  private readonly lanes = new Map<string, Lane<Item>>();
  private readonly ready: string[] = [];
  private running = 0;
  private waiting = 0;
  private stopped = false;
  private readonly idleWaiters: (() => void)[] = [];

  constructor(
    private readonly run: (item: Item, key: string) => Promise<void>,
    private readonly options: { concurrency: number },
  ) {}

  /** Messages that run or wait for their turn here. */
  get held(): number {
    return this.running + this.waiting;
  }

  /** Whether a message of the key awaits its retry at the server. */
  isBlocked(key: string): boolean {
    return (this.lanes.get(key)?.away.size ?? 0) > 0;
  }

  *items(): IterableIterator<Item> {
    for (const { running, waiting } of this.lanes.values()) {
      if (running !== undefined) yield running.item;
      for (const { item } of waiting) yield item;
    }
  }

  /** Takes a message. One that is already here, delivered again, is dropped: returns false. */
  add(key: string, sequence: number, item: Item): boolean {
    const lane = this.laneOf(key);
    this.forgetAway(lane, sequence);
    if (lane.running?.sequence === sequence || lane.waiting.some((waiting) => waiting.sequence === sequence))
      return false;
    // Almost always the newest; a redelivery finds its place among the waiting.
    let place = lane.waiting.length;
    while (place > 0 && (lane.waiting[place - 1]?.sequence ?? 0) > sequence) place -= 1;
    lane.waiting.splice(place, 0, { sequence, item });
    this.waiting += 1;
    this.wake(key, lane);
    return true;
  }

  /** Holds back the later messages of a key until `sequence` comes again, or until `forMs` have passed without it. */
  awaitReturn(key: string, sequence: number, forMs: number): void {
    const lane = this.laneOf(key);
    this.forgetAway(lane, sequence);
    const timer = setTimeout(() => {
      lane.away.delete(sequence);
      this.wake(key, lane);
    }, forMs);
    timer.unref();
    lane.away.set(sequence, timer);
  }

  /** Takes no message any more; returns those that never ran, and resolves `idle` when the running ones are done. */
  stop(): { notStarted: Item[]; idle: Promise<void> } {
    this.stopped = true;
    const notStarted: Item[] = [];
    for (const lane of this.lanes.values()) {
      notStarted.push(...lane.waiting.splice(0).map(({ item }) => item));
      this.waiting = 0;
      for (const timer of lane.away.values()) clearTimeout(timer);
      lane.away.clear();
    }
    const idle =
      this.running === 0 ? Promise.resolve() : new Promise<void>((resolve) => this.idleWaiters.push(resolve));
    return { notStarted, idle };
  }

  private laneOf(key: string): Lane<Item> {
    let lane = this.lanes.get(key);
    if (lane === undefined) {
      lane = { running: undefined, waiting: [], away: new Map() };
      this.lanes.set(key, lane);
    }
    return lane;
  }

  private forgetAway(lane: Lane<Item>, sequence: number): void {
    clearTimeout(lane.away.get(sequence));
    lane.away.delete(sequence);
  }

  private wake(key: string, lane: Lane<Item>): void {
    if (this.canRun(lane)) {
      this.ready.push(key);
      this.startReady();
    } else if (lane.running === undefined && lane.waiting.length === 0 && lane.away.size === 0) {
      this.lanes.delete(key);
    }
  }

  private canRun(lane: Lane<Item>): boolean {
    const first = lane.waiting[0];
    if (this.stopped || lane.running !== undefined || first === undefined) return false;
    for (const sequence of lane.away.keys()) if (sequence < first.sequence) return false;
    return true;
  }

  private startReady(): void {
    while (this.running < this.options.concurrency) {
      const key = this.ready.shift();
      if (key === undefined) return;
      const lane = this.lanes.get(key);
      // A key may be listed twice, or have been stopped since.
      if (lane !== undefined && this.canRun(lane)) this.start(key, lane);
    }
  }

  private start(key: string, lane: Lane<Item>): void {
    const next = lane.waiting.shift();
    if (next === undefined) return;
    this.waiting -= 1;
    lane.running = next;
    this.running += 1;
    void this.run(next.item, key).finally(() => {
      lane.running = undefined;
      this.running -= 1;
      this.wake(key, lane);
      this.startReady();
      if (this.running === 0) for (const resolve of this.idleWaiters.splice(0)) resolve();
    });
  }
}
