import type { Effect, ReasonCode } from '@stance/contracts';
import { isUnknown, Outcome } from '../conditions/outcome.js';
import type {
  CompiledCondition,
  CompiledPosture,
  CompiledRequirement,
  CompiledRule,
  RuleBook,
} from './compile-policy.js';
import type { Facts, PostureSubject } from './facts.js';
import { grants, leniencyOf, meets, postureOutcome, ruleOutcome, type Borne, type Leniency } from './verdict.js';

/** Why a device as a whole may reach nothing. */
export type Standing = Extract<ReasonCode, 'not-enrolled' | 'device-retired' | 'device-quarantined'>;

/** One cause of a refusal or a warning, as objects of the compiled policy; words are found only when somebody will read them. */
export type Finding =
  | { readonly kind: 'standing'; readonly code: Standing }
  | { readonly kind: 'no-rule'; readonly resource: string; readonly rule: CompiledRule | undefined }
  | { readonly kind: 'denied'; readonly rule: CompiledRule; readonly posture: CompiledPosture | undefined }
  | {
      readonly kind: 'condition';
      readonly rule: CompiledRule;
      readonly condition: CompiledCondition;
      readonly outcome: Outcome;
      /** Undefined for a condition of a deny rule. */
      readonly requirement: CompiledRequirement | undefined;
      /** Undefined where the failure is not borne with. */
      readonly borne: Borne | undefined;
    };

/** Let in for now: some requirements fail and are borne with. */
export interface Warning {
  readonly rule: CompiledRule;
  /** In the order of the rule. */
  readonly borne: readonly Borne[];
  /** When the first of them ends, in milliseconds since the epoch. */
  readonly until: number;
}

/** What the rules say; to the owner only where nothing but rules for groups or owners grants it. */
export type Ruling = 'allow' | 'allow-to-owner' | 'deny' | Warning;

export function effectOf(ruling: Ruling): Effect {
  if (typeof ruling === 'object') return 'warn';
  return ruling === 'deny' ? 'deny' : 'allow';
}

/** Whether what a ruling grants, it grants to the owner of the device alone. */
export function isForOwnerOnly(ruling: Ruling, { device: { owner } }: PostureSubject): boolean {
  return ruling === 'allow-to-owner' || (typeof ruling === 'object' && ruling.rule.boundToOwner && owner !== undefined);
}

/** Why the device may reach nothing whatever the rules say; undefined where they decide. */
export function standingOf(subject: PostureSubject | undefined): Standing | undefined {
  if (subject === undefined || subject.device.state === 'unknown') return 'not-enrolled';
  const { problems } = subject;
  if (problems.includes('not-enrolled')) return 'not-enrolled';
  if (subject.device.state === 'retired') return 'device-retired';
  return problems.includes('quarantined') || problems.includes('duplicate-serial') ? 'device-quarantined' : undefined;
}

/**
 * A deny rule that is not false beats everything; then one allow rule that is true is enough; then one whose failing
 * requirements are all borne with, for the longest time.
 */
export function decide(rules: RuleBook, facts: Facts): Ruling {
  for (const rule of rules.denies) if (denies(rule, facts)) return 'deny';
  let ruling: Ruling = 'deny';
  for (const rule of rules.allows) {
    if (!grants(rule, facts)) continue;
    if (!isForOwner(rule, facts)) return 'allow';
    ruling = 'allow-to-owner';
  }
  return lenient(rules, ruling, facts);
}

/** Without an owner there is nobody to be bound to: the device itself is the principal. */
function isForOwner({ boundToOwner }: CompiledRule, { subject }: Facts): boolean {
  return boundToOwner && subject.device.owner !== undefined;
}

/** The ruling once exceptions and graces count too. */
function lenient(rules: RuleBook, strict: 'allow-to-owner' | 'deny', facts: Facts): Ruling {
  let ruling: Ruling = strict;
  for (const rule of rules.allows) {
    if (rule.graced.length === 0 && !facts.hasExceptions) continue;
    const leniency = leniencyOf(rule, rules.name, facts);
    if (leniency === undefined) continue;
    if (leniency.borne.length > 0) {
      ruling = milder(ruling, warningOf(rule, leniency), facts);
    } else {
      if (!isForOwner(rule, facts)) return 'allow';
      ruling = 'allow-to-owner';
    }
  }
  return ruling;
}

function warningOf(rule: CompiledRule, { borne }: Leniency): Warning {
  return { rule, borne, until: Math.min(...borne.map(({ until }) => until)) };
}

/** An allow before a warning, one for everybody before one for the owner, then the one that lasts longer. */
function milder(ruling: Ruling, warning: Warning, facts: Facts): Ruling {
  if (ruling === 'deny') return warning;
  if (typeof ruling !== 'object') return ruling;
  const [before, now] = [isForOwner(ruling.rule, facts), isForOwner(warning.rule, facts)];
  if (before !== now) return before ? warning : ruling;
  return warning.until > ruling.until ? warning : ruling;
}

/** Why a resource is denied: the deny rules that match, else the allow rule that came closest. Why it is warned of. */
export function findingsOf(rules: RuleBook, ruling: Ruling, facts: Facts): readonly Finding[] {
  if (typeof ruling === 'object') return ruling.borne.flatMap((borne) => failuresBorne(ruling.rule, borne, facts));
  if (ruling !== 'deny') return NO_FINDINGS;
  const denying = rules.denies.filter((rule) => denies(rule, facts));
  if (denying.length > 0) return denying.flatMap((rule) => causesOfDenial(rule, facts));
  return closestMiss(rules, facts);
}

const NO_FINDINGS: readonly Finding[] = [];

function denies(rule: CompiledRule, facts: Facts): boolean {
  const outcome = ruleOutcome(rule, facts);
  return outcome !== null && outcome !== Outcome.FALSE;
}

/** What holds, or where nothing surely does, what cannot be ruled out. */
function causesOfDenial(rule: CompiledRule, facts: Facts): Finding[] {
  const holding = rule.when.filter((posture) => postureOutcome(posture, facts) === Outcome.TRUE);
  if (rule.when.length === 0) return [{ kind: 'denied', rule, posture: undefined }];
  if (holding.length > 0) {
    return holding.flatMap((posture) =>
      posture.conditions.map((condition) => conditionFinding(rule, condition, Outcome.TRUE)),
    );
  }
  return rule.when
    .filter((posture) => isUnknown(postureOutcome(posture, facts)))
    .flatMap((posture) => [{ kind: 'denied', rule, posture }, ...failures(rule, posture, facts)]);
}

/** The causes of the allow rule that came closest: the fewest conditions to put right, the first of equals. */
function closestMiss(rules: RuleBook, facts: Facts): readonly Finding[] {
  const misses = rules.allows
    .filter((rule) => rule.applies(facts.subject.device))
    .map((rule) => missOf(rule, rules.name, facts));
  if (misses.length > 0) return fewest(misses);
  return [{ kind: 'no-rule', resource: rules.name, rule: rules.allows[0] }];
}

/** What keeps an allow rule from granting a resource. */
export function missOf(rule: CompiledRule, resource: string, facts: Facts): readonly Finding[] {
  const missing = (requirement: CompiledRequirement): Finding[] =>
    meets(requirement, resource, facts) === undefined ? failures(rule, requirement.posture, facts, requirement) : [];
  return [...rule.require.flatMap(missing), ...fewest(rule.requireAny.map(missing))];
}

function fewest(lists: readonly (readonly Finding[])[]): readonly Finding[] {
  return (
    lists.reduce<readonly Finding[] | undefined>(
      (least, list) => (least === undefined || list.length < least.length ? list : least),
      undefined,
    ) ?? []
  );
}

function failuresBorne(rule: CompiledRule, borne: Borne, facts: Facts): Finding[] {
  return failures(rule, borne.requirement.posture, facts, borne.requirement, borne);
}

function failures(
  rule: CompiledRule,
  posture: CompiledPosture,
  facts: Facts,
  requirement?: CompiledRequirement,
  borne?: Borne,
): Finding[] {
  return posture.conditions.flatMap((condition) => {
    const outcome = condition.check(facts);
    return outcome === Outcome.TRUE ? [] : [conditionFinding(rule, condition, outcome, requirement, borne)];
  });
}

function conditionFinding(
  rule: CompiledRule,
  condition: CompiledCondition,
  outcome: Outcome,
  requirement?: CompiledRequirement,
  borne?: Borne,
): Finding {
  return { kind: 'condition', rule, condition, outcome, requirement, borne };
}

/** Whether two rulings on the same resource are the same. */
export function sameRuling(a: Ruling, b: Ruling): boolean {
  if (typeof a !== 'object' || typeof b !== 'object') return a === b;
  return (
    a.rule === b.rule &&
    a.until === b.until &&
    a.borne.length === b.borne.length &&
    a.borne.every((one, index) => sameBorne(one, b.borne[index]))
  );
}

const sameBorne = (a: Borne, b: Borne | undefined): boolean =>
  a.requirement === b?.requirement && a.since === b.since && a.until === b.until;

/** Whether two lists of causes for the same resource say the same. */
export function sameFindings(a: readonly Finding[], b: readonly Finding[]): boolean {
  return a.length === b.length && a.every((finding, index) => sameFinding(finding, b[index]));
}

function sameFinding(a: Finding, b: Finding | undefined): boolean {
  if (a.kind === 'condition') {
    return b?.kind === 'condition' && a.rule === b.rule && a.condition === b.condition && a.outcome === b.outcome;
  }
  if (a.kind === 'denied') return b?.kind === 'denied' && a.rule === b.rule && a.posture === b.posture;
  return a.kind === b?.kind;
}
