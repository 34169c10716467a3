import { metrics } from '@opentelemetry/api';
import type { Admission } from './access/access.js';

type Outcome = 'allowed' | 'let-through' | 'break-glass' | 'denied' | 'unproved';

/** Plain numbers that are read when metrics are collected: counting costs a request nothing. */
const counts = new Map<Outcome, number>();

/** Counts an answer to a proxy. */
export function countAnswer(answer: Admission): void {
  // Not when this file is loaded: that is before telemetry starts, and would count for nobody.
  if (counts.size === 0) observeAnswers();
  const outcome = outcomeOf(answer);
  counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
}

/** `let-through` where the policy denies and the gateway only reports. */
export function outcomeOf(answer: Admission): Outcome {
  if (answer.outcome !== 'admitted') return answer.outcome;
  if (answer.verdict.effect !== 'deny') return 'allowed';
  return answer.verdict.enforced ? 'break-glass' : 'let-through';
}

function observeAnswers(): void {
  const authorizations = metrics.getMeter('@stance/gateway').createObservableCounter('stance.gateway.authorizations', {
    description: 'Answers to proxies by outcome',
    unit: '{request}',
  });
  authorizations.addCallback((result) => {
    for (const [outcome, count] of counts) result.observe(count, { outcome });
  });
}
