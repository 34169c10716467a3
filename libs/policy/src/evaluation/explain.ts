import type { Explanation } from '@stance/contracts';
import { isUnknown, Outcome, verdictOf } from '../conditions/outcome.js';
import { formatDuration } from '../duration.js';
import { suggestion } from '../nearest.js';
import type { Rule } from '../policy.js';
import type { CompiledCondition, CompiledPolicy, CompiledResource, CompiledRule } from './compile-policy.js';
import { standingOf } from './decide.js';
import { evaluateResources } from './evaluate.js';
import { evidenceOf } from './evidence.js';
import { Facts, type PostureSubject } from './facts.js';
import { conditionReason, scopeText } from './reasons.js';
import { ruleOutcome } from './verdict.js';

type ExplainedRule = Explanation['rules'][number];
type ExplainedCondition = ExplainedRule['conditions'][number];

/** What the policy alone can say of an explanation. */
export type PolicyExplanation = Pick<
  Explanation,
  'effect' | 'enforced' | 'reasons' | 'rules' | 'problems' | 'reviewAt'
>;

/** Every rule and condition that bears on a resource, for one device; `now` in whole milliseconds since the epoch. */
export function explain(
  compiled: CompiledPolicy,
  subject: PostureSubject | undefined,
  resourceName: string,
  now: number,
): PolicyExplanation {
  const problems = subject === undefined ? ['not-enrolled'] : [...subject.problems];
  const resource = compiled.resources.get(resourceName);
  if (resource === undefined) return notServed(compiled, resourceName, problems);
  const { resources, reviewAt } = evaluateResources([resource], subject, now);
  const decision = resources[resourceName];
  const facts = subject === undefined ? undefined : new Facts(subject, now);
  return {
    effect: decision?.effect ?? 'deny',
    enforced: decision?.enforced ?? true,
    reasons: decision?.reasons ?? [],
    rules: rulesOf(resource).map((rule) => explainRule(rule, facts)),
    problems,
    reviewAt: reviewAt === null ? null : new Date(reviewAt).toISOString(),
  };
}

function notServed(compiled: CompiledPolicy, resource: string, problems: string[]): PolicyExplanation {
  const message = `No gateway serves ${resource}${suggestion(resource, compiled.resources.keys()) || '.'}`;
  return {
    effect: 'deny',
    enforced: true,
    reasons: [{ code: 'no-rule', message }],
    rules: [],
    problems,
    reviewAt: null,
  };
}

/** As the policy lists them. */
function rulesOf({ denies, allows }: CompiledResource): CompiledRule[] {
  return [...denies, ...allows].toSorted((a, b) => a.slot - b.slot);
}

function explainRule(compiled: CompiledRule, facts: Facts | undefined): ExplainedRule {
  const { rule, require, requireAny, when } = compiled;
  const base = { name: rule.name, effect: rule.effect };
  if (facts === undefined || standingOf(facts.subject) === 'not-enrolled') {
    return {
      ...base,
      applies: false,
      notApplicable: 'The device is not enrolled.',
      verdict: 'unknown',
      conditions: [],
    };
  }
  const conditions = [...require, ...requireAny, ...when].flatMap((posture) =>
    posture.conditions.map((condition) => explainCondition(rule, condition, facts)),
  );
  const outcome = ruleOutcome(compiled, facts);
  if (outcome === null) {
    const notApplicable = `It is for ${scopeText(rule)} only.`;
    return { ...base, applies: false, notApplicable, verdict: 'false', conditions };
  }
  return { ...base, applies: true, verdict: verdictOf(outcome), conditions };
}

function explainCondition(rule: Rule, compiled: CompiledCondition, facts: Facts): ExplainedCondition {
  const { condition, posture } = compiled;
  const outcome = compiled.check(facts);
  const { confirmedAt, ...evidence } = evidenceOf(compiled, facts);
  const grown = condition.definition.type === 'duration' && facts.lastSeenAt !== undefined;
  const known = confirmedAt !== undefined && Number.isFinite(confirmedAt);
  return {
    text: condition.text,
    posture,
    verdict: verdictOf(outcome),
    attribute: condition.attribute,
    expected: condition.expected,
    ...evidence,
    ...(grown ? { actual: formatDuration(Math.max(0, facts.now - (facts.lastSeenAt ?? facts.now))) } : {}),
    ...(known ? { age: Math.max(0, facts.now - confirmedAt) / 1000 } : {}),
    // Of a deny rule, what does not hold is as it should be.
    ...((outcome === Outcome.FALSE && rule.effect === 'allow') || isUnknown(outcome)
      ? { reason: conditionReason(rule.name, compiled, outcome, facts) }
      : {}),
  };
}
