import { metrics } from '@opentelemetry/api';
import type { Admission } from '../../access/access.js';
import { outcomeOf } from '../../answered.js';
import type { Cut } from '../live-connections.js';
import type { Exchange } from './exchange.js';

type Outcome = ReturnType<typeof outcomeOf> | 'refused' | 'failed' | 'dropped';
type Kind = Exchange['kind'];

/** Plain numbers that are read when metrics are collected: counting costs a request nothing. */
interface Counts {
  readonly requests: Map<Outcome, number>;
  readonly live: { [kind in Kind]: number };
  readonly cuts: { readonly [kind in Kind]: Map<Cut['cause'], number> };
}

/** Of all the relays of this process; there from the first on. */
let counts: Counts | undefined;

/** What the HTTP relays of this process count. */
export class RelayMetrics {
  private readonly counts = (counts ??= observedCounts());

  /** `refused`: not even looked at; `failed`: the upstream did; `dropped`: a connection too many. */
  answered(outcome: 'refused' | 'failed' | 'dropped'): void {
    addTo(this.counts.requests, outcome);
  }

  judged(admission: Admission): void {
    addTo(this.counts.requests, outcomeOf(admission));
  }

  began({ kind }: Exchange): void {
    this.counts.live[kind] += 1;
  }

  ended({ kind }: Exchange): void {
    this.counts.live[kind] -= 1;
  }

  wasCut({ kind }: Exchange, { cause }: Cut): void {
    addTo(this.counts.cuts[kind], cause);
  }
}

function addTo<Key>(to: Map<Key, number>, key: Key): void {
  to.set(key, (to.get(key) ?? 0) + 1);
}

function observedCounts(): Counts {
  const { requests, live, cuts }: Counts = {
    requests: new Map(),
    live: { http: 0, websocket: 0 },
    cuts: { http: new Map(), websocket: new Map() },
  };
  const meter = metrics.getMeter('@stance/gateway');
  const observed = meter.createObservableCounter('stance.gateway.relay.requests', {
    description: 'Requests to relays by outcome',
    unit: '{request}',
  });
  observed.addCallback((result) => {
    for (const [outcome, count] of requests) result.observe(count, { outcome });
  });
  const carried = meter.createObservableUpDownCounter('stance.gateway.relay.live', {
    description: 'Exchanges and WebSockets that are being carried',
    unit: '{connection}',
  });
  carried.addCallback((result) => {
    for (const [kind, count] of Object.entries(live)) result.observe(count, { kind });
  });
  const ended = meter.createObservableCounter('stance.gateway.relay.cuts', {
    description: 'Exchanges and WebSockets that were cut, by cause',
    unit: '{connection}',
  });
  ended.addCallback((result) => {
    for (const [kind, causes] of Object.entries(cuts)) {
      for (const [cause, count] of causes) result.observe(count, { kind, cause });
    }
  });
  return { requests, live, cuts };
}
