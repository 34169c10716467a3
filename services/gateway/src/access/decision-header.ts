import type { Verdict } from '@stance/gateway-sdk';

/**
 * `X-Stance-Decision` of what is let in: the effect, what it was decided on, and what a warning or a report adds. A denial that
 * is enforced lets nobody in: then it was a break-glass entry, and the header says so.
 */
export function decisionHeader({ effect, enforced, revisions, until }: Verdict): string {
  const reported = enforced ? '' : '; enforced=false';
  const warned = until === undefined ? '' : `; until=${until}`;
  const why = effect === 'deny' && enforced ? 'break-glass' : effect;
  return `${why}; policy=${revisions.policy}; posture=${revisions.posture}${warned}${reported}`;
}
