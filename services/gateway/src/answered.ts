import { metrics } from '@opentelemetry/api';
import type { Admission } from './access/access.js';

const answered = metrics.getMeter('@stance/gateway').createCounter('stance.gateway.authorizations', {
  description: 'Answers to proxies by outcome',
  unit: '{request}',
});

/** Counts an answer to a proxy. */
export function countAnswer(answer: Admission): void {
  answered.add(1, { outcome: outcomeOf(answer) });
}

/** `let-through` where the policy denies and the gateway only reports. */
export function outcomeOf(answer: Admission): string {
  if (answer.outcome !== 'admitted') return answer.outcome;
  if (answer.verdict.effect !== 'deny') return 'allowed';
  return answer.verdict.enforced ? 'break-glass' : 'let-through';
}
