import type { ResourceDecision } from '@stance/contracts';
import { suggestion } from '../nearest.js';
import type { Gateway } from '../policy.js';
import type { CompiledPolicy, CompiledResource } from './compile-policy.js';
import { decide, sameFindings, standingOf, whyDenied, type Finding, type Ruling } from './decide.js';
import { Facts, type PostureSubject } from './facts.js';
import { reasonsOf } from './reasons.js';

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
  /** Milliseconds since the epoch: the earliest time at which time alone changes any of it; null for never. */
  readonly reviewAt: number | null;
}

/** The gateways that a policy names. */
export function gatewaysOf(compiled: CompiledPolicy): readonly Gateway[] {
  return compiled.policy.gateways;
}

/**
 * Decides on every resource of a gateway for one device. `subject` is undefined for a device without a posture record,
 * `now` is in whole milliseconds since the epoch.
 * @throws {UnknownGateway}
 */
export function evaluateGateway(
  compiled: CompiledPolicy,
  gateway: string,
  subject: PostureSubject | undefined,
  now: number,
): Evaluation {
  const resources = compiled.gateways.get(gateway);
  if (resources === undefined) throw new UnknownGateway(gateway, compiled.gateways.keys());
  return evaluateResources(resources, subject, now);
}

/** Decides on the given resources of a policy for one device. */
export function evaluateResources(
  resources: readonly CompiledResource[],
  subject: PostureSubject | undefined,
  now: number,
): Evaluation {
  const decisions: Evaluation['resources'] = {};
  const standing = standingOf(subject);
  if (subject === undefined || standing !== undefined) {
    const finding: Finding = { kind: 'standing', code: standing ?? 'not-enrolled' };
    for (const { name } of resources) decisions[name] = denial([finding], undefined);
    return { resources: decisions, reviewAt: null };
  }
  const facts = new Facts(subject, now);
  const decided = resources.map((resource): Decided => {
    const ruling = decide(resource, facts);
    return { resource, ruling, findings: ruling === 'deny' ? whyDenied(resource, facts) : NO_FINDINGS };
  });
  for (const { resource, ruling, findings } of decided) {
    decisions[resource.name] = ruling === 'deny' ? denial(findings, facts) : grant(ruling, subject);
  }
  return { resources: decisions, reviewAt: reviewTime(decided, facts) };
}

interface Decided {
  readonly resource: CompiledResource;
  readonly ruling: Ruling;
  /** Empty for an allow. */
  readonly findings: readonly Finding[];
}

const NO_FINDINGS: readonly Finding[] = [];

/** After so many looks ahead that changed nothing, another look is left to the review. */
const LOOKS_AHEAD = 32;

/** Between two changes of what was asked nothing can differ, so only those moments are tried, in order. */
function reviewTime(decided: readonly Decided[], facts: Facts): number | null {
  let at = facts.changesAt;
  for (let looks = 0; at !== undefined && looks < LOOKS_AHEAD; looks++) {
    const later = facts.at(at);
    if (decided.some((before) => differs(before, later))) return at;
    at = later.changesAt;
  }
  return at ?? null;
}

function differs({ resource, ruling, findings }: Decided, later: Facts): boolean {
  if (decide(resource, later) !== ruling) return true;
  return ruling === 'deny' && !sameFindings(findings, whyDenied(resource, later));
}

function denial(findings: readonly Finding[], facts: Facts | undefined): ResourceDecision {
  return { effect: 'deny', enforced: true, reasons: reasonsOf(findings, facts) };
}

function grant(ruling: 'allow' | 'allow-to-owner', { device: { owner } }: PostureSubject): ResourceDecision {
  const allow: ResourceDecision = { effect: 'allow', enforced: true, reasons: [] };
  return ruling === 'allow' || owner === undefined ? allow : { ...allow, requiresOwner: owner };
}
