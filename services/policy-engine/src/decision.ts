import {
  graceState,
  reason,
  resourceDecision,
  usedException,
  type DataOf,
  type DecisionChanged,
  type GraceState,
  type ResourceDecision,
} from '@stance/contracts';
import { NO_PAST, type CompiledPolicy, type DeviceEvaluation, type Past } from '@stance/policy';

export type Decision = DataOf<typeof DecisionChanged>;

/** What a decision says, without when and for whom. */
export interface Verdict extends Pick<Decision, 'resources' | 'graces' | 'identity' | 'shadow'> {
  /** Milliseconds; `null` when time alone never changes it. */
  readonly reviewAt: number | null;
}

/** What is decided by: the policy in force, and one in report mode beside it. */
export interface Policies {
  /** Undefined before the first one, and where the active revision does not load. */
  readonly active: CompiledPolicy | undefined;
  readonly reporting: { readonly revision: number; readonly compiled: CompiledPolicy } | undefined;
}

/** What was decided about a device before, looked up only when it is asked for. */
export interface Earlier {
  /** Resources that the gateway was told about, sorted. */
  readonly served: () => readonly string[];
  /** The graces that the gateway's decision remembers. */
  readonly graces: () => GraceState[];
  readonly past: () => Past;
  /** For a policy in report mode: what it remembers itself, and what the device really could reach. */
  readonly shadowPast: (policyRevision: number) => Past;
}

/** Decides for one gateway. Without a usable policy, or for a gateway that it does not name, all that was `served` is denied. */
export function decideFor(
  gateway: string,
  { active, reporting }: Policies,
  evaluationBy: (policy: CompiledPolicy) => DeviceEvaluation,
  earlier: Earlier,
): Verdict {
  if (active === undefined) return denyAll(earlier, 'no-policy', 'No policy is in force.');
  const served = active.gateways.get(gateway);
  if (served === undefined) return denyAll(earlier, 'no-rule', 'The policy no longer names this gateway.');
  const past = active.hasGraces ? earlier.past() : NO_PAST;
  const { resources, graces, reviewAt } = evaluationBy(active).gateway(gateway, past);
  const verdict: Verdict = {
    resources,
    ...(graces.length > 0 && { graces: [...graces] }),
    ...(served.identity !== undefined && { identity: served.identity }),
    reviewAt,
  };
  const beside = reporting?.compiled.gateways.has(gateway) ? reporting : undefined;
  return beside === undefined ? verdict : withShadow(verdict, beside, gateway, evaluationBy, earlier);
}

function withShadow(
  verdict: Verdict,
  { revision, compiled }: NonNullable<Policies['reporting']>,
  gateway: string,
  evaluationBy: (policy: CompiledPolicy) => DeviceEvaluation,
  earlier: Earlier,
): Verdict {
  const past = compiled.hasGraces ? earlier.shadowPast(revision) : NO_PAST;
  const other = evaluationBy(compiled).gateway(gateway, past);
  const names = new Set([...Object.keys(verdict.resources), ...Object.keys(other.resources)]);
  const resources: NonNullable<Decision['shadow']>['resources'] = {};
  for (const name of names) {
    const { effect = 'deny', reasons = [] } = other.resources[name] ?? {};
    if (effect !== (verdict.resources[name]?.effect ?? 'deny')) resources[name] = { effect, reasons };
  }
  const graces = other.graces.length === 0 ? {} : { graces: [...other.graces] };
  return {
    ...verdict,
    shadow: { policyRevision: revision, resources, ...graces },
    reviewAt: earliest(verdict.reviewAt, other.reviewAt),
  };
}

const earliest = (a: number | null, b: number | null): number | null =>
  a === null || b === null ? (a ?? b) : Math.min(a, b);

function denyAll({ served, graces }: Earlier, code: 'no-policy' | 'no-rule', message: string): Verdict {
  const denial: ResourceDecision = { effect: 'deny', enforced: true, reasons: [{ code, message }] };
  const remembered = graces();
  return {
    resources: Object.fromEntries(served().map((resource) => [resource, denial])),
    ...(remembered.length > 0 && { graces: remembered }),
    reviewAt: null,
  };
}

const DECISION_FIELDS = Object.keys(resourceDecision.shape);
const REASON_FIELDS = Object.keys(reason.shape);
const GRACE_FIELDS = Object.keys(graceState.shape);
const EXCEPTION_FIELDS = Object.keys(usedException.shape);

/**
 * The same text for the same verdict: what is compared, and kept, instead of the object. Fields are in the order of their
 * schema, whoever built the object: a stored decision comes back in that order.
 */
export function serialise({ resources, identity, graces, shadow, reviewAt }: Verdict): string {
  return JSON.stringify({
    resources: mapValues(resources, inOrder),
    identity,
    graces: graces?.map((one) => pick(one, GRACE_FIELDS)),
    shadow: shadow && {
      policyRevision: shadow.policyRevision,
      resources: mapValues(shadow.resources, inOrder),
      graces: shadow.graces?.map((one) => pick(one, GRACE_FIELDS)),
    },
    reviewAt,
  });
}

function inOrder(decision: Partial<ResourceDecision>): Record<string, unknown> {
  const { reasons, shadowReasons, exceptions, ...rest } = decision;
  return pick(
    {
      ...rest,
      reasons: reasons?.map((one) => pick(one, REASON_FIELDS)),
      shadowReasons: shadowReasons?.map((one) => pick(one, REASON_FIELDS)),
      exceptions: exceptions?.map((one) => pick(one, EXCEPTION_FIELDS)),
    },
    DECISION_FIELDS,
  );
}

function mapValues<Value>(
  record: Readonly<Record<string, Value>>,
  write: (value: Value) => Record<string, unknown>,
): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, write(value)]));
}

function pick(object: Readonly<Record<string, unknown>>, fields: readonly string[]): Record<string, unknown> {
  const picked: Record<string, unknown> = {};
  for (const field of fields) if (object[field] !== undefined) picked[field] = object[field];
  return picked;
}

export function deserialise(text: string): Verdict {
  // Written by serialise.
  return JSON.parse(text) as Verdict;
}
