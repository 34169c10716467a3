import { metrics, type BatchObservableResult } from '@opentelemetry/api';
import type { SelfVerification } from './self-verification.js';

/** Shows what the last verification found, and how long ago, for as long as the function returned is not called. */
export function observeVerification(verification: Pick<SelfVerification, 'status' | 'ageMs'>): () => void {
  const meter = metrics.getMeter('@stance/audit');
  const intact = meter.createObservableGauge('stance.audit.intact', {
    description: 'Whether the last verification of the audit trail found it intact; absent before the first',
    unit: '1',
  });
  const age = meter.createObservableGauge('stance.audit.verification.age', {
    description: 'Since the last verification of the audit trail, or since it is due for the first time',
    unit: 's',
  });
  const observe = (result: BatchObservableResult): void => {
    const last = verification.status();
    if (last !== undefined) result.observe(intact, last.intact ? 1 : 0);
    result.observe(age, verification.ageMs() / 1_000);
  };
  meter.addBatchObservableCallback(observe, [intact, age]);
  return () => meter.removeBatchObservableCallback(observe, [intact, age]);
}
