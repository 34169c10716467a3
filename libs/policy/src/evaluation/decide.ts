import type { ReasonCode } from '@stance/contracts';
import { isUnknown, Outcome } from '../conditions/outcome.js';
import type { CompiledCondition, CompiledPosture, CompiledResource, CompiledRule } from './compile-policy.js';
import type { Facts, PostureSubject } from './facts.js';
import { grants, postureOutcome, ruleOutcome } from './verdict.js';

/** Why a device as a whole may reach nothing. */
export type Standing = Extract<ReasonCode, 'not-enrolled' | 'device-retired' | 'device-quarantined'>;

/** One cause of a refusal, as objects of the compiled policy; words are found only when somebody will read them. */
export type Finding =
  | { readonly kind: 'standing'; readonly code: Standing }
  | { readonly kind: 'no-rule'; readonly resource: string; readonly rule: CompiledRule | undefined }
  | { readonly kind: 'denied'; readonly rule: CompiledRule; readonly posture: CompiledPosture | undefined }
  | {
      readonly kind: 'condition';
      readonly rule: CompiledRule;
      readonly condition: CompiledCondition;
      readonly outcome: Outcome;
    };

/** What the rules say; to the owner only where nothing but rules for groups or owners grants it. */
export type Ruling = 'allow' | 'allow-to-owner' | 'deny';

/** Why the device may reach nothing whatever the rules say; undefined where they decide. */
export function standingOf(subject: PostureSubject | undefined): Standing | undefined {
  if (subject === undefined || subject.device.state === 'unknown') return 'not-enrolled';
  const { problems } = subject;
  if (problems.includes('not-enrolled')) return 'not-enrolled';
  if (subject.device.state === 'retired') return 'device-retired';
  return problems.includes('quarantined') || problems.includes('duplicate-serial') ? 'device-quarantined' : undefined;
}

/** A deny rule that is not false beats everything; then one allow rule that is true is enough. */
export function decide(resource: CompiledResource, facts: Facts): Ruling {
  for (const rule of resource.denies) if (denies(rule, facts)) return 'deny';
  let ruling: Ruling = 'deny';
  for (const rule of resource.allows) {
    if (!grants(rule, facts)) continue;
    // Without an owner there is nobody to be bound to: the device itself is the principal.
    if (!rule.boundToOwner || facts.subject.device.owner === undefined) return 'allow';
    ruling = 'allow-to-owner';
  }
  return ruling;
}

/** Why a resource is denied: the deny rules that match, else the allow rule that came closest. */
export function whyDenied(resource: CompiledResource, facts: Facts): readonly Finding[] {
  const denying = resource.denies.filter((rule) => denies(rule, facts));
  if (denying.length > 0) return denying.flatMap((rule) => causesOfDenial(rule, facts));
  return closestMiss(resource, facts);
}

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
      posture.conditions.map((condition): Finding => ({ kind: 'condition', rule, condition, outcome: Outcome.TRUE })),
    );
  }
  return rule.when
    .filter((posture) => isUnknown(postureOutcome(posture, facts)))
    .flatMap((posture) => [{ kind: 'denied', rule, posture }, ...failures(rule, posture, facts)]);
}

/** The causes of the allow rule that came closest: the fewest conditions to put right, the first of equals. */
function closestMiss(resource: CompiledResource, facts: Facts): readonly Finding[] {
  const misses = resource.allows
    .filter((rule) => rule.applies(facts.subject.device))
    .map((rule) => [
      ...rule.require.flatMap((posture) => failures(rule, posture, facts)),
      ...fewest(rule.requireAny.map((posture) => failures(rule, posture, facts))),
    ]);
  if (misses.length > 0) return fewest(misses);
  return [{ kind: 'no-rule', resource: resource.name, rule: resource.allows[0] }];
}

function fewest(lists: readonly (readonly Finding[])[]): readonly Finding[] {
  return (
    lists.reduce<readonly Finding[] | undefined>(
      (least, list) => (least === undefined || list.length < least.length ? list : least),
      undefined,
    ) ?? []
  );
}

function failures(rule: CompiledRule, posture: CompiledPosture, facts: Facts): Finding[] {
  return posture.conditions
    .map((condition): Finding & { kind: 'condition' } => ({
      kind: 'condition',
      rule,
      condition,
      outcome: condition.check(facts),
    }))
    .filter(({ outcome }) => outcome !== Outcome.TRUE);
}

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
