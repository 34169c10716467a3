import type { GraceState, ResourceDecision } from '@stance/contracts';
import { suggestion } from '../nearest.js';
import type { Gateway } from '../policy.js';
import type { CompiledPolicy, CompiledRequirement, CompiledResource, CompiledRule } from './compile-policy.js';
import { standingOf, type Finding, type KnownCauses } from './decide.js';
import { decideResource, isDeniedAlike, type Decided } from './decided.js';
import { decisionOf } from './decision.js';
import { Facts } from './facts.js';
import { graceKey } from './grace-key.js';
import { foundNothing, graceStateOf, remember, rememberedFrom } from './grace.js';
import { NO_PAST, type Past } from './past.js';
import { reasonsOf } from './reasons.js';
import { reviewTime } from './review-time.js';
import { prepareSubject, type PostureSubject, type PreparedSubject } from './subject.js';
import { graceOf } from './verdict.js';

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
