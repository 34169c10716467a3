import type { Effect, GraceState, ResourceDecision } from '@stance/contracts';
import { suggestion } from '../nearest.js';
import type { Exception, Gateway } from '../policy.js';
import type {
  CompiledPolicy,
  CompiledRequirement,
  CompiledResource,
  CompiledRule,
  RuleBook,
} from './compile-policy.js';
import {
  decide,
  effectOf,
  findingsOf,
  grantedBy,
  isForOwnerOnly,
  sameFindings,
  sameRuling,
  standingOf,
  type Finding,
  type KnownCauses,
  type Ruling,
} from './decide.js';
import { Facts } from './facts.js';
import { prepareSubject, type PostureSubject, type PreparedSubject } from './subject.js';
import { foundNothing, graceKey, graceStateOf, remember, rememberedFrom, sameFailure } from './grace.js';
import { NO_PAST, type Past } from './past.js';
import { reasonsOf } from './reasons.js';
import { graceOf, leniencyOf } from './verdict.js';

/** Thrown when asked about a gateway that the policy does not name: take the names from `gatewaysOf`. */
export class UnknownGateway extends Error {
  override readonly name = 'UnknownGateway';

  constructor(gateway: string, known: Iterable<string>) {
    super(`The policy names no gateway ${gateway}${suggestion(gateway, known)}`);
  }
}

export interface Evaluation {
  /** By name of resource. */
  readonly resources: Record<string, ResourceDecision>;
  /** What has to be handed to the next evaluation as part of its {@link Past}. */
  readonly graces: readonly GraceState[];
  /** Milliseconds since the epoch: the earliest time at which time alone changes any of it; null for never. */
  readonly reviewAt: number | null;
}

/** The gateways that a policy names. */
export function gatewaysOf(compiled: CompiledPolicy): readonly Gateway[] {
  return compiled.policy.gateways;
}

/**
 * Decides on every resource of a gateway for one device. `subject` is undefined for a device without a posture record,
 * `now` is in whole milliseconds since the epoch, `past` is what was decided about the device before.
 * @throws {UnknownGateway}
 */
export function evaluateGateway(
  compiled: CompiledPolicy,
  gateway: string,
  subject: PostureSubject | undefined,
  now: number,
  past: Past = NO_PAST,
): Evaluation {
  return new DeviceEvaluation(compiled, subject, now).gateway(gateway, past);
}

/** Decides about one device at one moment, at as many gateways as asked: what is found out for one serves the others. */
export class DeviceEvaluation {
  private prepared: PreparedSubject | undefined;
  private facts: Facts | undefined;

  constructor(
    private readonly compiled: CompiledPolicy,
    private readonly subject: PostureSubject | undefined,
    private readonly now: number,
  ) {}

  /** As {@link evaluateGateway}. */
  gateway(name: string, past: Past = NO_PAST): Evaluation {
    const gateway = this.compiled.gateways.get(name);
    if (gateway === undefined) throw new UnknownGateway(name, this.compiled.gateways.keys());
    return this.resources(gateway.resources, past, gateway.isEnforced);
  }

  /** Decides on the given resources of the policy; `isEnforced`: whether what is denied is not let in. */
  resources(resources: readonly CompiledResource[], past: Past = NO_PAST, isEnforced = true): Evaluation {
    const standing = standingOf(this.subject);
    if (this.subject === undefined || standing !== undefined) {
      return denyAll(resources, { kind: 'standing', code: standing ?? 'not-enrolled' }, this.now, past);
    }
    const facts = this.factsOf(this.subject, past);
    const graced = this.compiled.hasGraces ? gracedRequirements(resources, facts) : NO_REQUIREMENTS;
    return evaluateFacts(resources, graced, facts, isEnforced);
  }

  private factsOf(subject: PostureSubject, past: Past): Facts {
    const { compiled, now } = this;
    this.prepared ??= prepareSubject(compiled.attributes, subject);
    // Only graces depend on the past.
    if (compiled.hasGraces) return new Facts(compiled, this.prepared, now, past);
    return (this.facts ??= new Facts(compiled, this.prepared, now, NO_PAST));
  }
}

function evaluateFacts(
  resources: readonly CompiledResource[],
  graced: readonly CompiledRequirement[],
  facts: Facts,
  isEnforced: boolean,
): Evaluation {
  const known: KnownCauses = [];
  const decided = resources.map((resource) => decideResource(resource, facts, known));
  const decisions: Evaluation['resources'] = {};
  let before: Decided | undefined;
  let told: ResourceDecision | undefined;
  for (const one of decided) {
    // A rule that denies many resources is told in the same words for each.
    if (before === undefined || told === undefined || !isDeniedAlike(before, one))
      told = decisionOf(one, facts, isEnforced);
    decisions[one.resource.name] = told;
    before = one;
  }
  return {
    resources: decisions,
    graces: graced.map((requirement) => graceStateOf(requirement, graceOf(requirement, facts))),
    reviewAt: reviewTime(decided, graced, facts),
  };
}

/** Decides on the given resources of a policy for one device; see {@link DeviceEvaluation}. */
export function evaluateResources(
  compiled: CompiledPolicy,
  resources: readonly CompiledResource[],
  subject: PostureSubject | undefined,
  now: number,
  past: Past = NO_PAST,
  isEnforced = true,
): Evaluation {
  return new DeviceEvaluation(compiled, subject, now).resources(resources, past, isEnforced);
}

function isDeniedAlike(a: Decided, b: Decided): boolean {
  const isPlain = a.shadow === undefined && b.shadow === undefined;
  return isPlain && a.ruling === 'deny' && b.ruling === 'deny' && a.findings === b.findings;
}

/** Whoever the device is, or is not: no report mode opens anything to what is not known. */
function denyAll(resources: readonly CompiledResource[], finding: Finding, now: number, past: Past): Evaluation {
  const decisions: Evaluation['resources'] = {};
  for (const { name } of resources) {
    decisions[name] = { effect: 'deny', enforced: true, reasons: reasonsOf([finding], undefined) };
  }
  return {
    resources: decisions,
    graces: past.graces.length === 0 ? [] : blindly(resources, now, past),
    reviewAt: null,
  };
}

/** What is still remembered of a device whose posture cannot be told. */
function blindly(resources: readonly CompiledResource[], now: number, past: Past): GraceState[] {
  const remembered = rememberedFrom(past);
  return gracedRules(resources).flatMap(({ rule, graced }) =>
    graced.flatMap((requirement) => {
      const before = remembered.get(graceKey(rule.name, requirement.posture.name));
      if (before === undefined) return [];
      return [graceStateOf(requirement, remember(before, foundNothing(now), requirement.rearm))];
    }),
  );
}

interface Decided {
  readonly resource: CompiledResource;
  readonly ruling: Ruling;
  /** Empty for an allow. */
  readonly findings: readonly Finding[];
  /** What the rules in report mode would make of it, where that is another effect. */
  readonly shadow: { readonly ruling: Ruling; readonly findings: readonly Finding[] } | undefined;
  /** Those without which the ruling would be another. */
  readonly exceptions: readonly Exception[];
}

function decideResource(resource: CompiledResource, facts: Facts, known: KnownCauses): Decided {
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
const NO_REQUIREMENTS: readonly CompiledRequirement[] = [];

/** What has to be remembered: of the rules for this device, and of those that were for it, so that leaving a group forgets nothing. */
function gracedRequirements(resources: readonly CompiledResource[], facts: Facts): readonly CompiledRequirement[] {
  return gracedRules(resources).flatMap(({ applies, graced }) =>
    applies(facts.subject.device) ? graced : graced.filter((requirement) => facts.remembers(requirement)),
  );
}

/** The rules with graces over these resources, each once, in the order of the policy. */
function gracedRules(resources: readonly CompiledResource[]): readonly CompiledRule[] {
  const rules = new Set<CompiledRule>();
  for (const resource of resources) {
    for (const rule of (resource.withReported ?? resource).allows) if (rule.graced.length > 0) rules.add(rule);
  }
  return [...rules].toSorted((a, b) => a.slot - b.slot);
}

/** After so many looks ahead that changed nothing, another look is left to the review. */
const LOOKS_AHEAD = 32;

/** Between two changes of what was asked nothing can differ, so only those moments are tried, in order. */
function reviewTime(decided: readonly Decided[], graced: readonly CompiledRequirement[], facts: Facts): number | null {
  let at = facts.changesAt;
  for (let looks = 0; at !== undefined && looks < LOOKS_AHEAD; looks++) {
    const later = facts.at(at);
    const known: KnownCauses = [];
    if (decided.some((before) => differs(before, later, known)) || forgets(graced, facts, later)) return at;
    at = later.changesAt;
  }
  return at ?? null;
}

/** In the order of what is cheapest to tell. */
function differs(
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

/** A grace runs from the first failure, so that failure has to be seen. */
function forgets(graced: readonly CompiledRequirement[], facts: Facts, later: Facts): boolean {
  return graced.some((requirement) => !sameFailure(graceOf(requirement, facts), graceOf(requirement, later)));
}

function decisionOf(
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
    ...(typeof ruling === 'object' ? warningOf(ruling.until, ruling.borne) : {}),
    ...(owner !== undefined && isForOwnerOnly(ruling, facts.subject) ? { requiresOwner: owner } : {}),
    ...(exceptions.length === 0 ? {} : { exceptions: exceptions.map(usedException) }),
    ...(shadow === undefined ? {} : shadowFields(effectOf(shadow.ruling), shadow.findings, facts)),
  };
}

function warningOf(
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
      typeof ruling === 'object' ? ruling.rule === rule : borne.length === 0 && grantedBy(rule, facts) === ruling;
    if (isBehind && waived.length > 0) return [...new Set(waived.map(({ exception }) => exception.exception))];
  }
  return [];
}

/** As decisions tell it. */
export function usedException({ rule, waive, until, reason, approvedBy }: Exception) {
  return { rule, waive: [...waive], until: new Date(until).toISOString(), reason, approvedBy };
}
