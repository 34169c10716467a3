import { metrics } from '@opentelemetry/api';
import type { Enforcement, Revocation, Session } from './session.js';

/** A session's end as it was enforced. */
export interface Enforced {
  readonly session: Session;
  readonly revocation: Revocation;
  /** What was done: a connection was cut, or there was none and the next request is refused. */
  readonly enforcement: Enforcement;
  /** When the gateway had done its part, in milliseconds since 1970. */
  readonly enforcedAt: number;
  /** From the observation to the enforcement, in milliseconds; `undefined` where the event names no observation. */
  readonly reactionMs: number | undefined;
}

/** From observed to enforced, in whole milliseconds; never negative, whatever the clocks say. */
export function reactionMs(observedAt: string | undefined, enforcedAt: number): number | undefined {
  const observed = observedAt === undefined ? Number.NaN : Date.parse(observedAt);
  return Number.isNaN(observed) ? undefined : Math.max(0, enforcedAt - observed);
}

/** Records reaction times as a histogram in seconds, by gateway and by what was done. */
export function reactionHistogram(gateway: string): (enforced: Enforced) => void {
  const histogram = metrics.getMeter('@stance/gateway-sdk').createHistogram('stance.gateway.reaction', {
    description: 'From the observation of a posture to the enforcement of the revocation that it caused',
    unit: 's',
    advice: { explicitBucketBoundaries: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300] },
  });
  return ({ enforcement, reactionMs: reaction }) => {
    if (reaction !== undefined) histogram.record(reaction / 1_000, { gateway, enforcement });
  };
}
