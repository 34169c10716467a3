import type { RequestOutcome } from '@stance/sentinelone';
import { observeGauge, tallyOf } from '@stance/service-kit';
import type { SourceReport } from './source-health.js';

const METER = '@stance/sentinelone-poller';
const STATES: readonly SourceReport['state'][] = ['starting', 'ok', 'degraded', 'paused', 'failed'];

/** Counts the HTTP requests to a source's console. Call it when telemetry has started. */
export function countRequests(source: string): (outcome: RequestOutcome) => void {
  const definition = {
    meter: METER,
    name: 'stance.source.requests',
    unit: '{request}',
    description: 'HTTP requests to the console, each attempt by itself',
  };
  const requests = tallyOf(definition, ['source', 'outcome']);
  return (outcome) => requests.add([source, outcome]);
}

export interface ObservedSource {
  readonly report: () => SourceReport;
  /** Agents present. */
  readonly agents: () => number;
  readonly sweepIntervalMs: number;
  /** Milliseconds since 1970; default `Date.now`. */
  readonly now?: () => number;
}

/** Shows how a source is doing, until the function that is returned is called. */
export function observeSource(
  source: string,
  { report, agents, sweepIntervalMs, now = Date.now }: ObservedSource,
): () => void {
  const gauge = (name: string, unit: string, description: string) => ({ meter: METER, name, unit, description });
  const startedAt = now();
  const secondsSince = (time: string | undefined): number => {
    const at = time === undefined ? NaN : Date.parse(time);
    return Math.max(0, now() - (Number.isNaN(at) ? startedAt : at)) / 1_000;
  };
  const endings = [
    observeGauge(
      gauge('stance.source.state', '1', '1 for the state that the source is in, 0 for all others'),
      (tell) => {
        for (const state of STATES) tell(report().state === state ? 1 : 0, { source, state });
      },
    ),
    observeGauge(
      gauge('stance.source.poll.age', 's', 'Since the console was read last, or since the start if it never was'),
      (tell) => tell(secondsSince(report().lastSuccessAt), { source }),
    ),
    observeGauge(
      gauge('stance.source.sweep.age', 's', 'Since a sweep was completed last, or since the start if none ever was'),
      (tell) => tell(secondsSince(report().sweep?.completedAt), { source }),
    ),
    observeGauge(gauge('stance.source.sweep.interval', 's', 'From one sweep to the next, as configured'), (tell) =>
      tell(sweepIntervalMs / 1_000, { source }),
    ),
    observeGauge(gauge('stance.source.agents', '{agent}', 'Agents that the console has'), (tell) =>
      tell(agents(), { source }),
    ),
  ];
  return () => endings.forEach((end) => end());
}
