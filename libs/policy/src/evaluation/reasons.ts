import type { AttributeValue, Reason, ReasonCode } from '@stance/contracts';
import { Outcome } from '../conditions/outcome.js';
import { formatDuration } from '../duration.js';
import type { CompiledCondition, CompiledRule, RuleBook } from './compile-policy.js';
import type { Finding, Standing } from './decide.js';
import type { Facts } from './facts.js';
import { evidenceOf, type Evidence } from './evidence.js';

/** Reasons in words, for a device that has a posture record or none. */
export function reasonsOf(findings: readonly Finding[], facts: Facts | undefined): Reason[] {
  const reasons = findings.map((finding) => reasonOf(finding, facts));
  const [first, ...others] = reasons;
  const [cause] = findings;
  const own = cause === undefined ? undefined : messageOf(cause);
  if (first === undefined || own === undefined) return reasons;
  return [{ ...first, message: `${own} ${first.message}` }, ...others];
}

/** What the rule has to say to a person. */
function messageOf(finding: Finding): string | undefined {
  if (finding.kind === 'standing') return undefined;
  const rule = finding.kind === 'no-rule' ? finding.rules.allows[0] : finding.rule;
  return rule?.rule.message;
}

const STANDINGS: Readonly<Record<Standing, string>> = {
  'not-enrolled': 'This device is not in the inventory. Ask IT to enrol it.',
  'device-retired': 'This device was retired. Ask IT to enrol it again if it is still in use.',
  'device-quarantined':
    'It is not certain which device this is, for instance because its serial number is used twice. Ask IT to correct the inventory.',
};

function reasonOf(finding: Finding, facts: Facts | undefined): Reason {
  switch (finding.kind) {
    case 'standing':
      return { code: finding.code, message: STANDINGS[finding.code] };
    case 'no-rule':
      return noRuleOnce(finding.rules);
    case 'denied':
      return {
        code: 'deny-rule',
        rule: finding.rule.rule.name,
        ...(finding.posture === undefined ? {} : { posture: finding.posture.name }),
        message:
          finding.posture === undefined
            ? `The rule "${finding.rule.rule.name}" denies this device.`
            : `The rule "${finding.rule.rule.name}" denies this device, as it cannot be ruled out that it is ${finding.posture.name}.`,
      };
    default: {
      const { rule, condition, outcome } = finding;
      const reason = conditionReason(rule.rule.name, condition, outcome, facts);
      const term = termOf(finding);
      return term === '' ? reason : { ...reason, message: `${reason.message} ${term}` };
    }
  }
}

/** How long a failure is borne with, or why it is not. */
function termOf({ requirement, borne, graceEnd }: Extract<Finding, { kind: 'condition' }>): string {
  if (borne !== undefined) return `Access ends at ${new Date(borne.until).toISOString()} unless this is put right.`;
  if (requirement === undefined || graceEnd === undefined) return '';
  if (graceEnd === 'never held')
    return `There is no grace, as this device has not been ${requirement.posture.name} since that is asked of it.`;
  return `Its grace of ${formatDuration(requirement.grace)} ended at ${new Date(graceEnd).toISOString()}.`;
}

const NO_RULES = new WeakMap<RuleBook, Reason>();

/** The same for every device: made once for each resource, as most of a fleet may not reach most of them. */
function noRuleOnce(rules: RuleBook): Reason {
  const known = NO_RULES.get(rules) ?? noRule(rules);
  NO_RULES.set(rules, known);
  return known;
}

function noRule({ name, allows: [compiled] }: RuleBook): Reason {
  if (compiled === undefined) return { code: 'no-rule', message: `No rule allows anyone to reach ${name}.` };
  const { rule } = compiled;
  const expected = scopeText(rule);
  return {
    code: 'no-rule',
    rule: rule.name,
    expected,
    message: `No rule lets this device reach ${name}: "${rule.name}" is for ${expected}. Ask IT whether it should be.`,
  };
}

/** Whom a rule is for, in words. */
export function scopeText({ groups, tags, owners }: CompiledRule['rule']): string {
  const parts = [
    ['groups', groups],
    ['tags', tags],
    ['owners', owners],
  ] as const;
  const named = parts.filter(([, names]) => names.length > 0);
  return named.map(([what, names]) => `${what} ${valueText([...names])}`).join(' and ');
}

/** The reason why a condition is what it is, as part of a rule. */
export function conditionReason(
  rule: string,
  compiled: CompiledCondition,
  outcome: Outcome,
  facts: Facts | undefined,
): Reason {
  const { condition, posture } = compiled;
  const { confirmedAt: _, ...evidence } =
    facts === undefined ? { confirmedAt: undefined } : evidenceOf(compiled, facts);
  return {
    code: CODES[outcome],
    rule,
    posture,
    condition: condition.text,
    attribute: condition.attribute,
    expected: condition.expected,
    ...evidence,
    message: sentence(rule, compiled, outcome, evidence, facts),
  };
}

const CODES: Readonly<Record<Outcome, ReasonCode>> = {
  [Outcome.TRUE]: 'deny-rule',
  [Outcome.FALSE]: 'condition-false',
  [Outcome.UNSET]: 'attribute-unset',
  [Outcome.MISTYPED]: 'attribute-mistyped',
  [Outcome.UNLISTED]: 'attribute-unlisted',
  [Outcome.CONFLICTING]: 'attribute-conflict',
  [Outcome.STALE]: 'attribute-stale',
};

function sentence(
  rule: string,
  { condition, posture, maxAge }: CompiledCondition,
  outcome: Outcome,
  { actual, observedAt }: Partial<Evidence>,
  facts: Facts | undefined,
): string {
  const { attribute, expected, definition } = condition;
  const value = actual === undefined ? 'has no value' : `is ${valueText(actual)}`;
  const remedy = definition.remedy === undefined ? '' : ` ${definition.remedy}`;
  switch (outcome) {
    case Outcome.TRUE:
      return `The rule "${rule}" denies this device: ${attribute} ${value} (${posture}).${remedy}`;
    case Outcome.FALSE:
      return `${attribute} ${value}, ${posture} needs ${expected}.${remedy}`;
    case Outcome.UNSET:
      return definition.origin === 'agent' && facts?.subject.agents.length === 0
        ? `${attribute} is not known: no agent belongs to this device. Install the agent, or ask IT whether its serial number is the one in the inventory.`
        : `${attribute} has no value, ${posture} needs ${expected}. Ask IT why it is not reported.`;
    case Outcome.MISTYPED:
      return `${attribute} ${value}, which is no ${definition.type}. Ask IT to look at the source.`;
    case Outcome.UNLISTED:
      return `${attribute} ${value}, a value whose meaning is not known, so it counts as unknown. Ask IT to look at it.`;
    case Outcome.CONFLICTING:
      return `${attribute} is not certain: the agents of this device disagree. Ask IT to remove the agent that is no longer in use.`;
    default:
      return `${attribute} was last confirmed more than ${formatDuration(maxAge)} ago${observedAt === undefined ? '' : ` (read ${observedAt})`}. Connect the machine to the internet so that its agent reports.`;
  }
}

/** A value for people to read; long ones are cut. */
function valueText(value: AttributeValue): string {
  const text = Array.isArray(value) ? listText(value) : scalarText(value);
  return text.length > 120 ? `${text.slice(0, 120)}…` : text;
}

function listText(entries: readonly string[]): string {
  if (entries.length === 0) return 'an empty list';
  const shown = entries.slice(0, 5).map(scalarText).join(', ');
  return entries.length > 5 ? `${shown} and ${entries.length - 5} more` : shown;
}

/** What the types rule out may still be stored, and an object need not know how to become a text. */
function scalarText(value: unknown): string {
  return typeof value === 'object' && value !== null ? 'no plain value' : String(value);
}
