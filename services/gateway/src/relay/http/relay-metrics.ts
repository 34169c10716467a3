import { metrics } from '@opentelemetry/api';
import type { Admission } from '../../access/access.js';
import { outcomeOf } from '../../answered.js';
import type { Cut } from '../live-connections.js';
import type { Exchange } from './exchange.js';

/** What the HTTP relays of this process count. */
export class RelayMetrics {
  private readonly meter = metrics.getMeter('@stance/gateway');
  private readonly requests = this.meter.createCounter('stance.gateway.relay.requests', {
    description: 'Requests to relays by outcome',
    unit: '{request}',
  });
  private readonly live = this.meter.createUpDownCounter('stance.gateway.relay.live', {
    description: 'Exchanges and WebSockets that are being carried',
    unit: '{connection}',
  });
  private readonly cuts = this.meter.createCounter('stance.gateway.relay.cuts', {
    description: 'Exchanges and WebSockets that were cut, by cause',
    unit: '{connection}',
  });

  /** `refused`: not even looked at; `failed`: the upstream did; `dropped`: a connection too many. */
  answered(outcome: 'refused' | 'failed' | 'dropped'): void {
    this.requests.add(1, { outcome });
  }

  judged(admission: Admission): void {
    this.requests.add(1, { outcome: outcomeOf(admission) });
  }

  began({ kind }: Exchange): void {
    this.live.add(1, { kind });
  }

  ended({ kind }: Exchange): void {
    this.live.add(-1, { kind });
  }

  wasCut({ kind }: Exchange, { cause }: Cut): void {
    this.cuts.add(1, { kind, cause });
  }
}
