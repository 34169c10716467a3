import type { Effect, ReasonCode } from '@stance/contracts';
import { isUnknown, Outcome } from '../conditions/outcome.js';
import type {
  CompiledCondition,
  CompiledPosture,
  CompiledRequirement,
  CompiledRule,
  RuleBook,
} from './compile-policy.js';
import type { Facts } from './facts.js';
import type { PostureSubject } from './subject.js';
import {
  endOfGrace,
  grants,
  leniencyOf,
  meets,
  outcomesOf,
  postureOutcome,
  ruleOutcome,
  type Borne,
  type Leniency,
} from './verdict.js';

/** Why a device as a whole may reach nothing. */
export type Standing = Extract<ReasonCode, 'not-enrolled' | 'device-retired' | 'device-quarantined'>;

/** One cause of a refusal or a warning, as objects of the compiled policy; words are found only when somebody will read them. */
export type Finding =
  | { readonly kind: 'standing'; readonly code: Standing }
  | { readonly kind: 'no-rule'; readonly rules: RuleBook }
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
      /** Where the failure is not borne with: see {@link endOfGrace}. */
      readonly graceEnd: ReturnType<typeof endOfGrace>;
    };

/** Why deny rules match at one moment, by slot, as far as somebody asked: the same for every resource of a rule. */
export type KnownCauses = (readonly Finding[] | undefined)[];

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
export function isForOwnerOnly(ruling: Ruling): boolean {
  return ruling === 'allow-to-owner' || (typeof ruling === 'object' && ruling.rule.boundToOwner);
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
    if (!rule.boundToOwner) return 'allow';
    ruling = 'allow-to-owner';
  }
  return rules.hasGraces || facts.hasExceptions ? lenient(rules, ruling, facts) : ruling;
}

/** The ruling that a rule brings about where it grants with nothing borne with. */
export const grantedBy = ({ boundToOwner }: CompiledRule): Ruling => (boundToOwner ? 'allow-to-owner' : 'allow');

/** The ruling once exceptions and graces count too. */
function lenient(rules: RuleBook, strict: 'allow-to-owner' | 'deny', facts: Facts): Ruling {
  let ruling: Ruling = strict;
  for (const rule of rules.allows) {
    if (rule.graced.length === 0 && !facts.hasExceptions) continue;
    const leniency = leniencyOf(rule, rules.name, facts);
    if (leniency === undefined) continue;
    if (leniency.borne.length > 0) {
      ruling = milder(ruling, warningOf(rule, leniency));
    } else {
      if (!rule.boundToOwner) return 'allow';
      ruling = 'allow-to-owner';
    }
  }
  return ruling;
}

function warningOf(rule: CompiledRule, { borne }: Leniency): Warning {
  return { rule, borne, until: Math.min(...borne.map(({ until }) => until)) };
}

/** An allow before a warning, one for everybody before one for the owner, then the one that lasts longer. */
function milder(ruling: Ruling, warning: Warning): Ruling {
  if (ruling === 'deny') return warning;
  if (typeof ruling !== 'object') return ruling;
  const [before, now] = [ruling.rule.boundToOwner, warning.rule.boundToOwner];
  if (before !== now) return before ? warning : ruling;
  return warning.until > ruling.until ? warning : ruling;
}

/** Why a resource is denied: the deny rules that match, else the allow rule that came closest. Why it is warned of. */
export function findingsOf(rules: RuleBook, ruling: Ruling, facts: Facts, known: KnownCauses = []): readonly Finding[] {
  if (typeof ruling === 'object') return ruling.borne.flatMap((borne) => failuresBorne(ruling.rule, borne, facts));
  if (ruling !== 'deny') return NO_FINDINGS;
  let causes: readonly Finding[] | undefined;
  for (const rule of rules.denies) {
    if (!denies(rule, facts)) continue;
    const more = (known[rule.slot] ??= causesOfDenial(rule, facts));
    causes = causes === undefined ? more : [...causes, ...more];
  }
  return causes ?? closestMiss(rules, facts);
}

const NO_FINDINGS: readonly Finding[] = [];

/** Whether a deny rule matches. */
export function denies(rule: CompiledRule, facts: Facts): boolean {
  const outcome = ruleOutcome(rule, facts);
  return outcome !== null && outcome !== Outcome.FALSE;
}

/** What holds, or where nothing surely does, what cannot be ruled out. */
function causesOfDenial(rule: CompiledRule, facts: Facts): Finding[] {
  if (rule.when.length === 0) return [{ kind: 'denied', rule, posture: undefined }];
  const holding: Finding[] = [];
  const notRuledOut: Finding[] = [];
  for (const posture of rule.when) {
    const outcome = postureOutcome(posture, facts);
    if (outcome === Outcome.TRUE) {
      for (const condition of posture.conditions) holding.push(conditionFinding(rule, condition, Outcome.TRUE));
    } else if (isUnknown(outcome)) {
      notRuledOut.push({ kind: 'denied', rule, posture }, ...failures(rule, posture, facts));
    }
  }
  return holding.length > 0 ? holding : notRuledOut;
}

/** The causes of the allow rule that came closest: the fewest conditions to put right, the first of equals. */
function closestMiss(rules: RuleBook, facts: Facts): readonly Finding[] {
  let closest: CompiledRule | undefined;
  let least = Infinity;
  for (const rule of rules.allows) {
    if (!rule.applies(facts.subject.device)) continue;
    const misses = countMisses(rule, rules.name, facts, least);
    if (misses >= least) continue;
    least = misses;
    closest = rule;
  }
  if (closest !== undefined) return missOf(closest, rules.name, facts);
  return [{ kind: 'no-rule', rules }];
}

/** How many findings {@link missOf} has; once it is at least `enough`, no more is counted. */
function countMisses({ require, requireAny }: CompiledRule, resource: string, facts: Facts, enough: number): number {
  let misses = 0;
  for (const requirement of require) {
    misses += missesOf(requirement, resource, facts);
    if (misses >= enough) return misses;
  }
  if (requireAny.length === 0) return misses;
  let fewest = Infinity;
  for (const requirement of requireAny) fewest = Math.min(fewest, missesOf(requirement, resource, facts));
  return misses + fewest;
}

function missesOf(requirement: CompiledRequirement, resource: string, facts: Facts): number {
  if (meets(requirement, resource, facts) !== undefined) return 0;
  let misses = 0;
  for (const outcome of outcomesOf(requirement.posture, facts)) if (outcome !== Outcome.TRUE) misses += 1;
  return misses;
}

/** What keeps an allow rule from granting a resource. */
export function missOf(rule: CompiledRule, resource: string, facts: Facts): readonly Finding[] {
  const missing = (requirement: CompiledRequirement): Finding[] => {
    if (meets(requirement, resource, facts) !== undefined) return [];
    const graceEnd = endOfGrace(requirement, resource, facts);
    return failures(rule, requirement.posture, facts, { requirement, graceEnd });
  };
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
  return failures(rule, borne.requirement.posture, facts, { requirement: borne.requirement, borne });
}

/** For what a condition has to hold, and how its failure is borne with, or why not. */
type Term = Partial<Pick<Extract<Finding, { kind: 'condition' }>, 'requirement' | 'borne' | 'graceEnd'>>;

function failures(rule: CompiledRule, posture: CompiledPosture, facts: Facts, term: Term = {}): Finding[] {
  const found: Finding[] = [];
  const outcomes = outcomesOf(posture, facts);
  for (let index = 0; index < outcomes.length; index++) {
    const [condition, outcome] = [posture.conditions[index], outcomes[index]];
    if (condition === undefined || outcome === undefined || outcome === Outcome.TRUE) continue;
    found.push(conditionFinding(rule, condition, outcome, term));
  }
  return found;
}

function conditionFinding(
  rule: CompiledRule,
  condition: CompiledCondition,
  outcome: Outcome,
  { requirement, borne, graceEnd }: Term = {},
): Finding {
  // Grace bears with what is false only.
  const told = outcome === Outcome.FALSE ? graceEnd : undefined;
  return { kind: 'condition', rule, condition, outcome, requirement, borne, graceEnd: told };
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
    if (b?.kind !== 'condition' || a.rule !== b.rule || a.condition !== b.condition) return false;
    return a.outcome === b.outcome && a.graceEnd === b.graceEnd;
  }
  if (a.kind === 'denied') return b?.kind === 'denied' && a.rule === b.rule && a.posture === b.posture;
  return a.kind === b?.kind;
}
