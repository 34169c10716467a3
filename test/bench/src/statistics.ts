/** The value below which `share` of the sorted values lie. */
function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

export interface Distribution {
  readonly count: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

export function distributionOf(values: readonly number[]): Distribution {
  return {
    count: values.length,
    p50: quantile(values, 0.5),
    p95: quantile(values, 0.95),
    p99: quantile(values, 0.99),
    max: quantile(values, 1),
  };
}

/**
 * The first changes find cold code. A service that runs for days is measured warm, and so is the relay beside it: as many
 * changes at once before, and these at the measured rate.
 */
export const WARM_UP_BURST = 6_000;
export const WARM_UP_CHANGES = 200;
