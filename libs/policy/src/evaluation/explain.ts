import type { Explanation, ResourceDecision } from '@stance/contracts';
import { isUnknown, Outcome, verdictOf } from '../conditions/outcome.js';
import { formatDuration } from '../duration.js';
import { suggestion } from '../nearest.js';
import type { Exception, Rule } from '../policy.js';
import type {
  CompiledCondition,
  CompiledPolicy,
  CompiledPosture,
  CompiledResource,
  CompiledRule,
} from './compile-policy.js';
import { standingOf } from './decide.js';
import { exceptionAsTold } from './decision.js';
import { evaluateResources } from './evaluate.js';
import { evidenceOf } from './evidence.js';
import { Facts } from './facts.js';
import { prepareSubject, type PostureSubject } from './subject.js';
import { NO_PAST, type Past } from './past.js';
import { possibleChanges } from './possible-changes.js';
import { conditionReason, scopeText } from './reasons.js';
import { meets, ruleOutcome } from './verdict.js';

type ExplainedRule = Explanation['rules'][number];
type ExplainedCondition = ExplainedRule['conditions'][number];

/** What the policy alone can say of an explanation. */
export type PolicyExplanation = Omit<
  Explanation,
  'deviceId' | 'resource' | 'postureRevision' | 'policyRevision' | 'evaluatedAt' | 'decisions'
>;

/**
 * Every rule and condition that bears on a resource, for one device, and what would change the outcome; `now` in whole
 * milliseconds since the epoch, `past` what was decided about the device before.
 */
export function explain(
  compiled: CompiledPolicy,
  subject: PostureSubject | undefined,
  resourceName: string,
  now: number,
  past: Past = NO_PAST,
): PolicyExplanation {
  const problems = subject === undefined ? ['not-enrolled'] : [...subject.problems];
  const resource = compiled.resources.get(resourceName);
  if (resource === undefined) return notServed(compiled, resourceName, problems);
  const { resources, reviewAt } = evaluateResources(
    compiled,
    [resource],
    subject,
    now,
    past,
    isEnforced(compiled, resource),
  );
  const decision = resources[resourceName] ?? NOT_DECIDED;
  const facts =
    subject === undefined ? undefined : new Facts(compiled, prepareSubject(compiled.attributes, subject), now, past);
  return {
    ...decision,
    rules: rulesOf(resource).map((rule) => explainRule(rule, resource.name, facts)),
    problems,
    reviewAt: reviewAt === null ? null : new Date(reviewAt).toISOString(),
    changes: possibleChanges(compiled, resource, decision, facts, reviewAt, past),
  };
}

const NOT_DECIDED: ResourceDecision = { effect: 'deny', enforced: true, reasons: [] };

/** Any of the gateways that serve it does. */
function isEnforced(compiled: CompiledPolicy, resource: CompiledResource): boolean {
  const serving = [...compiled.gateways.values()].filter(({ resources }) => resources.includes(resource));
  return serving.some((gateway) => gateway.isEnforced);
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
    changes: [],
  };
}

/** As the policy lists them. */
function rulesOf(resource: CompiledResource): CompiledRule[] {
  const { denies, allows } = resource.withReported ?? resource;
  return [...denies, ...allows].toSorted((a, b) => a.slot - b.slot);
}

function explainRule(compiled: CompiledRule, resource: string, facts: Facts | undefined): ExplainedRule {
  const { rule } = compiled;
  const base = {
    name: rule.name,
    effect: rule.effect,
    ...(rule.mode === 'report' ? { mode: rule.mode } : {}),
  };
  if (facts === undefined || standingOf(facts.subject) === 'not-enrolled') {
    return {
      ...base,
      applies: false,
      notApplicable: 'The device is not enrolled.',
      verdict: 'unknown',
      conditions: [],
    };
  }
  const conditions = posturesOf(compiled).flatMap((posture) =>
    posture.conditions.map((condition) => explainCondition(rule, condition, facts)),
  );
  const outcome = ruleOutcome(compiled, facts);
  if (outcome === null) {
    const notApplicable = `It is for ${scopeText(rule)} only.`;
    return { ...base, applies: false, notApplicable, verdict: 'false', conditions };
  }
  return {
    ...base,
    applies: true,
    verdict: verdictOf(outcome),
    conditions,
    ...explainLeniency(compiled, resource, facts),
  };
}

const posturesOf = ({ require, requireAny, when }: CompiledRule): CompiledPosture[] => [
  ...[...require, ...requireAny].map(({ posture }) => posture),
  ...when,
];

/** What of a rule is waived or borne with for this device. */
function explainLeniency(
  { require, requireAny }: CompiledRule,
  resource: string,
  facts: Facts,
): Pick<ExplainedRule, 'waived' | 'graces'> {
  const waived = new Map<Exception, ReturnType<typeof exceptionAsTold>>();
  const graces: NonNullable<ExplainedRule['graces']> = [];
  for (const requirement of [...require, ...requireAny]) {
    const met = meets(requirement, resource, facts);
    if (met === undefined || met === 'held') continue;
    if ('exception' in met) waived.set(met.exception.exception, exceptionAsTold(met.exception.exception));
    else graces.push({ posture: requirement.posture.name, since: iso(met.since), until: iso(met.until) });
  }
  return {
    ...(waived.size === 0 ? {} : { waived: [...waived.values()] }),
    ...(graces.length === 0 ? {} : { graces }),
  };
}

const iso = (at: number): string => new Date(at).toISOString();

function explainCondition(rule: Rule, compiled: CompiledCondition, facts: Facts): ExplainedCondition {
  const { condition, posture } = compiled;
  const outcome = compiled.check(facts);
  const { confirmedAt, ...evidence } = evidenceOf(compiled, facts);
  const grown = condition.definition.type === 'duration' && facts.prepared.lastSeenAt !== undefined;
  const known = confirmedAt !== undefined && Number.isFinite(confirmedAt);
  return {
    text: condition.text,
    posture,
    verdict: verdictOf(outcome),
    attribute: condition.attribute,
    expected: condition.expected,
    ...evidence,
    ...(grown ? { actual: formatDuration(Math.max(0, facts.now - (facts.prepared.lastSeenAt ?? facts.now))) } : {}),
    ...(known ? { age: Math.max(0, facts.now - confirmedAt) / 1000 } : {}),
    // Of a deny rule, what does not hold is as it should be.
    ...((outcome === Outcome.FALSE && rule.effect === 'allow') || isUnknown(outcome)
      ? { reason: conditionReason(rule.name, compiled, outcome, facts) }
      : {}),
  };
}
