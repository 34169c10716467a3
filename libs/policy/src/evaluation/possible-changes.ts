import type { Effect, Explanation, ResourceDecision } from '@stance/contracts';
import { Outcome } from '../conditions/outcome.js';
import type { CompiledPolicy, CompiledPosture, CompiledResource, CompiledRule } from './compile-policy.js';
import { denies, missOf, standingOf } from './decide.js';
import { evaluateResources } from './evaluate.js';
import type { Facts } from './facts.js';
import type { Past } from './past.js';
import { scopeText } from './reasons.js';
import { leniencyOf, postureOutcome } from './verdict.js';

export type PossibleChange = Explanation['changes'][number];

/** Rules told of; with more, the nearest are enough to know what to do. */
const MOST_RULES = 5;

/** Reviews looked ahead for one that changes the effect. */
const MOST_STEPS = 8;

/**
 * What would make the outcome another one, the nearest first: time alone, what keeps a rule from granting, what holds of
 * one that denies, or what a granting rule rests on.
 */
export function possibleChanges(
  compiled: CompiledPolicy,
  resource: CompiledResource,
  decision: ResourceDecision,
  facts: Facts | undefined,
  reviewAt: number | null,
  past: Past,
): PossibleChange[] {
  if (facts === undefined || standingOf(facts.subject) !== undefined) return [];
  const byTime = changeByTime(compiled, resource, decision.effect, facts, reviewAt, past);
  return [...byTime, ...(decision.effect === 'allow' ? waysOut(resource, facts) : waysIn(resource, facts))];
}

function changeByTime(
  compiled: CompiledPolicy,
  resource: CompiledResource,
  before: Effect,
  facts: Facts,
  reviewAt: number | null,
  past: Past,
): PossibleChange[] {
  let at = reviewAt;
  let { graces } = evaluateResources(compiled, [resource], facts.subject, facts.now, past);
  for (let steps = 0; at !== null && steps < MOST_STEPS; steps++) {
    const later = evaluateResources(compiled, [resource], facts.subject, at, { ...past, graces });
    const after = later.resources[resource.name];
    if (after !== undefined && after.effect !== before) return [turningAt(at, after)];
    // Such as a grace that begins, hidden by another rule.
    graces = later.graces;
    at = later.reviewAt;
  }
  return [];
}

function turningAt(at: number, { effect, reasons: [reason] }: ResourceDecision): PossibleChange {
  const when = new Date(at).toISOString();
  const why = reason === undefined ? '' : `: ${reason.message}`;
  return { effect, at: when, message: `At ${when}, if nothing is heard before, it becomes ${effect}${why}` };
}

/** What has to be put right: all deny rules that match, and any one of the allow rules. */
function waysIn(resource: CompiledResource, facts: Facts): PossibleChange[] {
  const denying = resource.denies.filter((rule) => denies(rule, facts)).map((rule) => endOfDenial(rule, facts));
  const speaking = resource.allows.filter((rule) => rule.applies(facts.subject.device));
  const granting = speaking
    .map((rule) => ({ rule, misses: missing(rule, resource.name, facts) }))
    .toSorted((a, b) => a.misses.length - b.misses.length)
    .slice(0, MOST_RULES)
    .filter(({ misses }) => misses.length > 0)
    .map(({ rule: { rule }, misses }): PossibleChange => ({
      effect: 'allow',
      rule: rule.name,
      conditions: misses,
      message: `"${rule.name}" allows it once ${misses.join(' and ')}`,
    }));
  const others = resource.allows
    .filter((rule) => speaking.length === 0 && !rule.applies(facts.subject.device))
    .slice(0, MOST_RULES)
    .map(({ rule }): PossibleChange => ({
      effect: 'allow',
      rule: rule.name,
      message: `"${rule.name}" would speak of this device if it were of ${scopeText(rule)}`,
    }));
  return [...denying, ...granting, ...others];
}

function endOfDenial({ rule, when }: CompiledRule, facts: Facts): PossibleChange {
  const matching = when.filter((posture) => postureOutcome(posture, facts) !== Outcome.FALSE);
  const conditions = matching.flatMap((posture) => posture.conditions.map(({ condition }) => condition.text));
  const message =
    when.length === 0
      ? `"${rule.name}" denies it as long as the rule is there`
      : `"${rule.name}" denies it until the device is known not to be ${matching.map(({ name }) => name).join(' nor ')}`;
  return { effect: 'allow', rule: rule.name, conditions, message };
}

/** Conditions that are not true, graced ones too: bearing with them ends. */
function missing(rule: CompiledRule, resource: string, facts: Facts): string[] {
  const findings = missOf(rule, resource, facts);
  const borne = leniencyOf(rule, resource, facts)?.borne ?? [];
  const borneConditions = borne.flatMap(({ requirement }) => notTrue(requirement.posture, facts));
  const missed = findings.flatMap((finding) =>
    finding.kind === 'condition' ? [finding.condition.condition.text] : [],
  );
  return [...new Set([...missed, ...borneConditions])];
}

const notTrue = ({ conditions }: CompiledPosture, facts: Facts): string[] =>
  conditions.filter(({ check }) => check(facts) !== Outcome.TRUE).map(({ condition }) => condition.text);

/** What the access rests on: of each rule that grants, what has to stay; of each deny rule, what must not come. */
function waysOut(resource: CompiledResource, facts: Facts): PossibleChange[] {
  const granting = resource.allows
    .filter((rule) => leniencyOf(rule, resource.name, facts) !== undefined)
    .slice(0, MOST_RULES)
    .map((rule): PossibleChange => {
      const postures = [...rule.require, ...rule.requireAny].map(({ posture }) => posture);
      const conditions = [...new Set(postures.flatMap((posture) => heldConditions(posture, facts)))];
      const message =
        conditions.length === 0
          ? `"${rule.rule.name}" allows it as long as it speaks of this device`
          : `"${rule.rule.name}" allows it as long as ${conditions.join(' and ')}`;
      return { effect: 'deny', rule: rule.rule.name, conditions, message };
    });
  const denying = resource.denies
    .filter((rule) => rule.when.length > 0 && rule.applies(facts.subject.device))
    .slice(0, MOST_RULES)
    .map(({ rule, when }): PossibleChange => ({
      effect: 'deny',
      rule: rule.name,
      conditions: when.flatMap((posture) => posture.conditions.map(({ condition }) => condition.text)),
      message: `"${rule.name}" denies it once the device is ${when.map(({ name }) => name).join(' or ')}, or that is not known`,
    }));
  return [...granting, ...denying];
}

const heldConditions = ({ conditions }: CompiledPosture, facts: Facts): string[] =>
  conditions.filter(({ check }) => check(facts) === Outcome.TRUE).map(({ condition }) => condition.text);
