import type { AuditRecord } from '@stance/audit-chain';
import { observeGauge, tallyOf } from '@stance/service-kit';
import type { SelfVerification } from './self-verification.js';

const metric = (name: string, unit: string, description: string) => ({
  meter: '@stance/audit',
  name,
  unit,
  description,
});

/** What is counted of the trail. */
export interface TrailMetrics {
  readonly appended: (record: AuditRecord) => void;
}

/** The process's counters; call it when telemetry has started. */
export function trailMetrics(): TrailMetrics {
  const records = tallyOf(metric('stance.audit.records', '{record}', 'Records appended to the audit trail'), [
    'stream',
    'kind',
  ]);
  const missing = tallyOf(
    metric('stance.audit.missing', '{fact}', 'Facts that were gone before they could be recorded'),
    ['stream'],
  );
  const madeAnew = tallyOf(
    metric('stance.audit.streams_made_anew', '{stream}', 'Audited streams that were deleted and made anew'),
    ['stream'],
  );
  return {
    appended: ({ kind, stream, sequence, lastMissing }) => {
      records.add([stream, kind]);
      if (kind !== 'gap') return;
      if (lastMissing === undefined) madeAnew.add([stream]);
      else missing.add([stream], lastMissing - sequence + 1);
    },
  };
}

/** What only the active replica knows. */
export interface Observed {
  readonly trail: { readonly unrecorded: number };
  readonly verification: Pick<SelfVerification, 'status' | 'ageMs'>;
}

/** Shows how the trail stands and what its last verification found, until the function that is returned is called. */
export function observeTrail({ trail, verification }: Observed): () => void {
  const ends = [
    observeGauge(metric('stance.audit.waiting', '{record}', 'Records that wait for their place in the trail'), (tell) =>
      tell(trail.unrecorded),
    ),
    observeGauge(
      metric(
        'stance.audit.intact',
        '1',
        'Whether the last verification of the audit trail found it intact; absent before the first',
      ),
      (tell) => {
        const last = verification.status();
        if (last !== undefined) tell(last.intact ? 1 : 0);
      },
    ),
    observeGauge(
      metric(
        'stance.audit.verification.age',
        's',
        'Since the last verification of the audit trail, or since it is due for the first time',
      ),
      (tell) => tell(verification.ageMs() / 1_000),
    ),
  ];
  return () => {
    for (const end of ends) end();
  };
}
