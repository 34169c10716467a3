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

/** A policy to decide by. */
export interface DecidingPolicy {
  /** 0 for one that is not published. */
  readonly revision: number;
  readonly compiled: CompiledPolicy;
}

/** What is decided by: the policy in force, and one in report mode beside it. */
export interface Policies {
  /** Undefined before the first one, and where the active revision does not load. */
  readonly active: DecidingPolicy | undefined;
  readonly reporting: DecidingPolicy | undefined;
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

/** The last moment that an event can name, in milliseconds. What is to happen later never does. */
export const LAST_MOMENT = Date.parse('9999-12-31T23:59:59.999Z');

/**
 * Decides for one gateway. Without a usable policy, for a gateway that it does not name, and where it cannot be evaluated,
 * all that was `served` is denied. `onFailure` hears of a revision that cannot be evaluated.
 */
export function decideFor(
  gateway: string,
  { active, reporting }: Policies,
  evaluationBy: (policy: CompiledPolicy) => DeviceEvaluation,
  earlier: Earlier,
  onFailure: (revision: number, error: unknown) => void,
): Verdict {
  if (active === undefined) {
    return { ...denyAll(earlier.served(), 'no-policy', 'No policy is in force.'), ...remembered(earlier.graces()) };
  }
  // Nothing is remembered there: it would stand still while the other gateways' memories go on.
  if (!active.compiled.gateways.has(gateway)) {
    return denyAll(earlier.served(), 'no-rule', 'The policy no longer names this gateway.');
  }
  let verdict: Verdict;
  try {
    verdict = verdictBy(active.compiled, gateway, evaluationBy, earlier);
  } catch (error) {
    onFailure(active.revision, error);
    return failedVerdict(active, gateway, earlier);
  }
  const beside = reporting?.compiled.gateways.has(gateway) ? reporting : undefined;
  if (beside === undefined) return verdict;
  try {
    return withShadow(verdict, beside, gateway, evaluationBy, earlier);
  } catch (error) {
    // What decides nothing denies nothing either.
    onFailure(beside.revision, error);
    return verdict;
  }
}

function verdictBy(
  active: CompiledPolicy,
  gateway: string,
  evaluationBy: (policy: CompiledPolicy) => DeviceEvaluation,
  earlier: Earlier,
): Verdict {
  const past = active.hasGraces ? earlier.past() : NO_PAST;
  const { resources, graces, reviewAt } = evaluationBy(active).gateway(gateway, past);
  const identity = active.gateways.get(gateway)?.identity;
  return {
    resources,
    ...remembered(graces),
    ...(identity !== undefined && { identity }),
    reviewAt: nameable(reviewAt),
  };
}

function failedVerdict({ revision, compiled }: DecidingPolicy, gateway: string, earlier: Earlier): Verdict {
  const served = compiled.gateways.get(gateway)?.resources.map(({ name }) => name) ?? [];
  const resources = [...new Set([...served, ...earlier.served()])].toSorted();
  const message =
    `Policy revision ${revision} could not be evaluated for this device, so that it is denied: ` +
    'publish one that can be, as with `stance policy rollback`. The log of the policy engine has the error.';
  return { ...denyAll(resources, 'evaluation-error', message), ...remembered(earlier.graces()) };
}

const remembered = (graces: readonly GraceState[]): Pick<Verdict, 'graces'> =>
  graces.length > 0 ? { graces: [...graces] } : {};

function withShadow(
  verdict: Verdict,
  { revision, compiled }: DecidingPolicy,
  gateway: string,
  evaluationBy: (policy: CompiledPolicy) => DeviceEvaluation,
  earlier: Earlier,
): Verdict {
  const past = compiled.hasGraces ? earlier.shadowPast(revision) : NO_PAST;
  const other = evaluationBy(compiled).gateway(gateway, past);
  const names = new Set([...Object.keys(verdict.resources), ...Object.keys(other.resources)]);
  const resources = [...names].flatMap((name) => {
    const { effect = 'deny', reasons = [] } = ownOf(other.resources, name) ?? {};
    return effect === (ownOf(verdict.resources, name)?.effect ?? 'deny') ? [] : [[name, { effect, reasons }] as const];
  });
  return {
    ...verdict,
    shadow: { policyRevision: revision, resources: Object.fromEntries(resources), ...remembered(other.graces) },
    reviewAt: earliest(verdict.reviewAt, nameable(other.reviewAt)),
  };
}

const nameable = (at: number | null): number | null => (at === null || at > LAST_MOMENT ? null : at);

const earliest = (a: number | null, b: number | null): number | null =>
  a === null || b === null ? (a ?? b) : Math.min(a, b);

function denyAll(
  resources: readonly string[],
  code: 'no-policy' | 'no-rule' | 'evaluation-error',
  message: string,
): Verdict {
  const denial: ResourceDecision = { effect: 'deny', enforced: true, reasons: [{ code, message }] };
  return { resources: Object.fromEntries(resources.map((resource) => [resource, denial])), reviewAt: null };
}

/** What is said of one resource: an object answers to names such as `constructor`, too. */
export function ownOf<Value>(resources: Readonly<Record<string, Value>>, resource: string): Value | undefined {
  return Object.hasOwn(resources, resource) ? resources[resource] : undefined;
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
