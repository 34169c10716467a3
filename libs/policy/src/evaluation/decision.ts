import type { Effect, ResourceDecision } from '@stance/contracts';
import type { Exception } from '../policy.js';
import { effectOf, isForOwnerOnly, type Finding } from './decide.js';
import type { Decided } from './decided.js';
import type { Facts } from './facts.js';
import { reasonsOf } from './reasons.js';

/** What gateways and people are told of a resource. */
export function decisionOf(
  { ruling, findings, shadow, exceptions }: Decided,
  facts: Facts,
  isEnforced: boolean,
): ResourceDecision {
  const { owner } = facts.subject.device;
  const plain = {
    effect: effectOf(ruling),
    enforced: isEnforced,
    reasons: findings.length === 0 ? [] : reasonsOf(findings, facts),
  };
  // What most decisions are is not put together from parts.
  if (ruling === 'allow' || ruling === 'deny') {
    if (shadow === undefined && exceptions.length === 0) return plain;
  }
  return {
    ...plain,
    ...(typeof ruling === 'object' ? warningFields(ruling.until, ruling.borne) : {}),
    // Where the device has no owner, nobody who is proved is it.
    ...(isForOwnerOnly(ruling) ? { requiresOwner: owner ?? '' } : {}),
    ...(exceptions.length === 0 ? {} : { exceptions: exceptions.map(exceptionAsTold) }),
    ...(shadow === undefined ? {} : shadowFields(effectOf(shadow.ruling), shadow.findings, facts)),
  };
}

function warningFields(
  until: number,
  borne: readonly { readonly since: number }[],
): Pick<ResourceDecision, 'until' | 'graceSince'> {
  const since = Math.min(...borne.map((one) => one.since));
  return { until: new Date(until).toISOString(), graceSince: new Date(since).toISOString() };
}

function shadowFields(
  shadow: Effect,
  findings: readonly Finding[],
  facts: Facts,
): Pick<ResourceDecision, 'shadow' | 'shadowReasons'> {
  return findings.length === 0 ? { shadow } : { shadow, shadowReasons: reasonsOf(findings, facts) };
}

/** As decisions tell it. */
export function exceptionAsTold({ rule, waive, until, reason, approvedBy }: Exception) {
  return { rule, waive: [...waive], until: new Date(until).toISOString(), reason, approvedBy };
}
