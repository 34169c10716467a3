/** Milliseconds of a clock that all processes of a machine share (`CLOCK_MONOTONIC`), unlike `performance.now`. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
