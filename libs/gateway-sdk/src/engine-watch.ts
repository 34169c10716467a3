/**
 * Whether the cached decisions may be trusted: `fresh`; `silent` when the engine has not been heard for too long or not
 * yet at all; `behind` when it is known to have decided what the cache does not hold.
 */
export type EngineState = 'fresh' | 'silent' | 'behind';

interface Awaited {
  readonly decidedUpTo: number;
  readonly since: number;
}

/** Reports that wait to be reached, at most; later ones then count from the last of them. */
const MAX_AWAITED = 64;

/**
 * Follows the engine's reports against the position of the decision cache. Nothing is trusted before a first report has
 * been heard and reached. Times are milliseconds since 1970; no I/O and no clock.
 */
export class EngineWatch {
  private heardLast: number | undefined;
  private trusted = false;
  private reachedUpTo = 0;
  private awaited: Awaited[] = [];
  private estrangedSince: number | undefined;

  constructor(
    private readonly limits: {
      /** Longest silence that still means "no change", in milliseconds. */
      readonly maxSilenceMs: number;
      /** How long the cache may be short of a reported position, in milliseconds. */
      readonly maxBehindMs: number;
    },
  ) {}

  /** When the engine was last heard; `undefined` before. */
  get heardAt(): number | undefined {
    return this.heardLast;
  }

  /** When its silence will be too long, in milliseconds since 1970; `undefined` before it was heard. */
  get trustedUntil(): number | undefined {
    return this.heardLast === undefined ? undefined : this.heardLast + this.limits.maxSilenceMs;
  }

  /**
   * The engine reported that it has decided up to this sequence of the decision stream. `ofOurs`: whether that is the stream
   * which the cache is read from, or copied from.
   */
  heard(decidedUpTo: number, now: number, ofOurs = true): void {
    this.heardLast = now;
    this.estrangedSince = ofOurs ? undefined : (this.estrangedSince ?? now);
    if (decidedUpTo > this.reachedUpTo) {
      const last = this.awaited.length >= MAX_AWAITED ? this.awaited.pop() : undefined;
      this.awaited.push({ decidedUpTo, since: last?.since ?? now });
    }
    this.settle();
  }

  /** The cache holds everything of its gateway up to this sequence of the decision stream. */
  reached(upTo: number): void {
    this.reachedUpTo = Math.max(this.reachedUpTo, upTo);
    this.settle();
  }

  /** Whether a reported position has yet to be reached. */
  get isWaiting(): boolean {
    return this.awaited.length > 0;
  }

  /** The stream was replaced: positions mean nothing any more, and trust starts over with the next report. */
  startOver(): void {
    this.reachedUpTo = 0;
    this.awaited = [];
    this.trusted = false;
    this.heardLast = undefined;
    this.estrangedSince = undefined;
  }

  state(now: number): EngineState {
    this.allowForClock(now);
    if (this.heardLast === undefined || now - this.heardLast > this.limits.maxSilenceMs) return 'silent';
    const since = Math.min(this.awaited[0]?.since ?? Infinity, this.estrangedSince ?? Infinity);
    if (now - since > this.limits.maxBehindMs) return 'behind';
    return this.trusted ? 'fresh' : 'silent';
  }

  /** After the clock was set back, times count from now: a limit must not grow by as much. */
  private allowForClock(now: number): void {
    if (this.heardLast !== undefined && now < this.heardLast) this.heardLast = now;
    if (this.estrangedSince !== undefined && now < this.estrangedSince) this.estrangedSince = now;
    if ((this.awaited[0]?.since ?? now) > now) {
      this.awaited = this.awaited.map(({ decidedUpTo, since }) => ({ decidedUpTo, since: Math.min(since, now) }));
    }
  }

  private settle(): void {
    const open = this.awaited.findIndex(({ decidedUpTo }) => decidedUpTo > this.reachedUpTo);
    this.awaited = open === -1 ? [] : this.awaited.slice(open);
    if (this.awaited.length === 0 && this.heardLast !== undefined && this.estrangedSince === undefined)
      this.trusted = true;
  }
}
