export type LaneName = 'changes' | 'threats' | 'removals' | 'returning' | 'sweep';

/** One way of reading a source. Lanes run beside each other, and each fails and recovers by itself. */
export interface Lane {
  readonly name: LaneName;
  /** Milliseconds until the next reading; `tookMs`: how long the last one took, undefined before the first. */
  dueInMs(tookMs?: number): number;
  /** Reads what there is; what it threw is tried again later. Resolves to whether there was anything to ask the console. */
  read(signal: AbortSignal): Promise<boolean>;
}

/** From start to start; a reading that took longer is followed at once. */
export function atInterval(intervalMs: number, tookMs: number | undefined): number {
  return tookMs === undefined ? 0 : Math.max(0, intervalMs - tookMs);
}
