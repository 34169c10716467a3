import { MAX_AHEAD_MS } from '../known-agent.js';

/**
 * How far before the last time read a listing begins, in milliseconds. A console stamps a row before the row can be seen
 * (a transaction under way, an index that refreshes every second): what appears late is earlier than what was read.
 */
export const OVERLAP_MS = 5_000;

/** How often late rows are looked for at most, in milliseconds: a lane that reads many times a second does not read them all each time. */
export const LATE_ROWS_EVERY_MS = 1_000;

/** Where a lane's next listing begins, and how far it has got: by times of the console's, which its rows come sorted by. */
export class ReadingWindow {
  private settled: string | undefined;
  private reached: { time: string; at: number } | undefined;
  /** When a listing last began before what was read, and whether the present one does. */
  private lookedAt = -Infinity;
  private isLooking = false;

  constructor(private readonly monotonic: () => number = () => performance.now()) {}

  /**
   * The time from which to list when everything up to `readTo` was read. Once that time has been re-read after the overlap
   * nothing earlier can appear any more, and only the row at the boundary is read again.
   */
  from(readTo: string): string {
    const now = this.monotonic();
    if (this.reached?.time !== readTo) this.reached = { time: readTo, at: now };
    this.isLooking = this.settled !== readTo && now - this.lookedAt >= LATE_ROWS_EVERY_MS;
    if (!this.isLooking) return readTo;
    this.lookedAt = now;
    return new Date(Math.max(0, Date.parse(readTo) - OVERLAP_MS)).toISOString();
  }

  /** The listing from `readTo` on, begun at `startedAt` of the monotonic clock, is complete. */
  completed(readTo: string, startedAt: number): void {
    if (this.isLooking && this.reached?.time === readTo && startedAt - this.reached.at >= OVERLAP_MS) {
      this.settled = readTo;
    }
  }
}

/** When an answer was given. */
export interface AnswerTimes {
  /** By the console's clock, to the second, where it says so; milliseconds since the epoch. */
  readonly consoleTime?: number | undefined;
  /** By ours. */
  readonly receivedAt: number;
}

/**
 * The later of two times, unless the new one is ahead of the console's own clock, or where that is not known of ours by more
 * than believable: after it, nothing that is stamped until then would be read.
 */
export function furthest(readTo: string, time: string | undefined, { consoleTime, receivedAt }: AnswerTimes): string {
  if (time === undefined || time <= readTo) return readTo;
  const latest = consoleTime === undefined ? receivedAt + MAX_AHEAD_MS : consoleTime + 1_000;
  return Date.parse(time) <= latest ? time : readTo;
}
