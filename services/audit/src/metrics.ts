import { metrics } from '@opentelemetry/api';
import type { AuditRecord } from './chain.js';

/** What is counted of the trail. */
export interface TrailMetrics {
  readonly appended: (record: AuditRecord) => void;
  readonly waiting: (records: number) => void;
}

/** Counters of the process's meter; call it when telemetry has started. */
export function trailMetrics(): TrailMetrics {
  const meter = metrics.getMeter('@stance/audit');
  const records = meter.createCounter('stance.audit.records', {
    description: 'Records appended to the audit trail',
    unit: '{record}',
  });
  const missing = meter.createCounter('stance.audit.missing', {
    description: 'Facts that were gone before they could be recorded',
    unit: '{fact}',
  });
  const madeAnew = meter.createCounter('stance.audit.streams_made_anew', {
    description: 'Audited streams that were deleted and made anew',
    unit: '{stream}',
  });
  const waiting = meter.createGauge('stance.audit.waiting', {
    description: 'Records that wait for their place in the trail',
    unit: '{record}',
  });
  return {
    appended: ({ kind, stream, sequence, lastMissing }) => {
      records.add(1, { stream, kind });
      if (kind !== 'gap') return;
      if (lastMissing === undefined) madeAnew.add(1, { stream });
      else missing.add(lastMissing - sequence + 1, { stream });
    },
    waiting: (count) => waiting.record(count),
  };
}
