import type { Exception } from '../policy.js';
import type { CompiledResource, RuleBook } from './compile-policy.js';
import {
  decide,
  effectOf,
  findingsOf,
  grantedBy,
  sameFindings,
  sameRuling,
  type Finding,
  type KnownCauses,
  type Ruling,
} from './decide.js';
import type { Facts } from './facts.js';
import { leniencyOf } from './verdict.js';

/** What was decided about a resource at one moment, before it is put in words. */
export interface Decided {
  readonly resource: CompiledResource;
  readonly ruling: Ruling;
  /** Empty for an allow. */
  readonly findings: readonly Finding[];
  /** What the rules in report mode would make of it, where that is another effect. */
  readonly shadow: { readonly ruling: Ruling; readonly findings: readonly Finding[] } | undefined;
  /** Those without which the ruling would be another. */
  readonly exceptions: readonly Exception[];
}

export function decideResource(resource: CompiledResource, facts: Facts, known: KnownCauses): Decided {
  const ruling = decide(resource, facts);
  return {
    resource,
    ruling,
    findings: findingsOf(resource, ruling, facts, known),
    exceptions: facts.hasExceptions ? exceptionsBehind(resource, ruling, facts) : NO_EXCEPTIONS,
    shadow: resource.withReported && shadowOf(resource.withReported, ruling, facts),
  };
}

function shadowOf(rules: RuleBook, enforced: Ruling, facts: Facts): Decided['shadow'] {
  const ruling = decide(rules, facts);
  if (effectOf(ruling) === effectOf(enforced)) return undefined;
  // For whom it is is not told of a shadow.
  return { ruling: ruling === 'allow-to-owner' ? 'allow' : ruling, findings: findingsOf(rules, ruling, facts) };
}

const NO_EXCEPTIONS: readonly Exception[] = [];

/** The exceptions of the first rule that grants as it was ruled, if without exceptions it would be ruled otherwise. */
function exceptionsBehind(rules: RuleBook, ruling: Ruling, facts: Facts): Exception[] {
  if (ruling === 'deny') return [];
  const strict = facts.withoutExceptions();
  const isSame = sameRuling(ruling, decide(rules, strict));
  if (strict.changesAt !== undefined) facts.changes(strict.changesAt);
  if (isSame) return [];
  for (const rule of rules.allows) {
    const { borne = [], waived = [] } = leniencyOf(rule, rules.name, facts) ?? {};
    const isBehind =
      typeof ruling === 'object' ? ruling.rule === rule : borne.length === 0 && grantedBy(rule) === ruling;
    if (isBehind && waived.length > 0) return [...new Set(waived.map(({ exception }) => exception.exception))];
  }
  return [];
}

/** Whether it would be decided otherwise at a later moment; in the order of what is cheapest to tell. */
export function differs(
  { resource, ruling, findings, shadow, exceptions }: Decided,
  later: Facts,
  known: KnownCauses,
): boolean {
  const after = decide(resource, later);
  if (!sameRuling(ruling, after)) return true;
  if (findings.some((finding) => hasTurned(finding, later))) return true;
  if (findings.length > 0 && !sameFindings(findings, findingsOf(resource, after, later, known))) return true;
  if (later.hasExceptions && !sameItems(exceptions, exceptionsBehind(resource, after, later))) return true;
  if (resource.withReported === undefined) return false;
  const shadowAfter = shadowOf(resource.withReported, after, later);
  if (shadow === undefined || shadowAfter === undefined) return shadow !== shadowAfter;
  return !sameRuling(shadow.ruling, shadowAfter.ruling) || !sameFindings(shadow.findings, shadowAfter.findings);
}

/** A cause that has another outcome by now: no list of causes need be made to know that they differ. */
function hasTurned(finding: Finding, later: Facts): boolean {
  return finding.kind === 'condition' && finding.condition.check(later) !== finding.outcome;
}

const sameItems = <Item>(a: readonly Item[], b: readonly Item[]): boolean =>
  a.length === b.length && a.every((item, index) => item === b[index]);

/** Whether two resources are denied by the very same causes. */
export function isDeniedAlike(a: Decided, b: Decided): boolean {
  const isPlain = a.shadow === undefined && b.shadow === undefined;
  return isPlain && a.ruling === 'deny' && b.ruling === 'deny' && a.findings === b.findings;
}
