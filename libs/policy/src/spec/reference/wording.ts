import type { Reason, ResourceDecision } from '@stance/contracts';
import type { ReferenceDecision } from './evaluate.js';

/** A decision as the reference words it, to be held against it. */
export function inItsWords(decision: ResourceDecision): ReferenceDecision {
  const { effect, enforced, reasons, until, graceSince, requiresOwner, shadow } = decision;
  const { exceptions = [], shadowReasons = [] } = decision;
  return {
    effect,
    enforced,
    reasons: sorted(reasons.map(reasonText)),
    until,
    graceSince,
    requiresOwner,
    exceptions: sorted(exceptions.map(({ reason }) => reason)),
    shadow,
    shadowReasons: sorted(shadowReasons.map(reasonText)),
  };
}

const reasonText = ({ code, rule = '', posture = '', condition = '' }: Reason): string =>
  `${code}|${rule}|${posture}|${condition}`;

const sorted = (texts: readonly string[]): string[] => [...new Set(texts)].toSorted();
