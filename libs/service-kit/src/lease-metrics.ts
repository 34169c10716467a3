import { observeGauge } from './metrics.js';

/** What a lease tells of itself. */
export interface HeldLease {
  readonly epoch: number;
  /** Milliseconds until it ends unless it is renewed. */
  readonly remainingMs: number;
}

/** Shows whether a replica holds the lease of its service, and for how long, until the function that is returned is called. */
export function observeLease(service: string, name: string, held: () => HeldLease | undefined): () => void {
  const meter = '@stance/service-kit';
  const labels = { service, lease: name };
  const endings = [
    observeGauge(
      { meter, name: 'stance.lease.held', unit: '1', description: '1 at the replica that is active, 0 at standbys' },
      (tell) => tell(held() === undefined ? 0 : 1, labels),
    ),
    observeGauge(
      { meter, name: 'stance.lease.remaining', unit: 's', description: 'Until the lease ends unless it is renewed' },
      (tell) => {
        const { remainingMs } = held() ?? {};
        if (remainingMs !== undefined) tell(Math.max(0, remainingMs) / 1_000, labels);
      },
    ),
  ];
  return () => endings.forEach((end) => end());
}
