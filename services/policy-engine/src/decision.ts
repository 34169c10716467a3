import { reason, resourceDecision, type DataOf, type DecisionChanged, type ResourceDecision } from '@stance/contracts';
import { evaluateGateway, type CompiledPolicy, type PostureSubject } from '@stance/policy';

export type Decision = DataOf<typeof DecisionChanged>;

/** What a decision says, without when and for whom. */
export interface Verdict {
  readonly resources: Record<string, ResourceDecision>;
  /** Milliseconds; `null` when time alone never changes it. */
  readonly reviewAt: number | null;
}

/** Decides for one gateway. Without a usable policy, or for a gateway that it does not name, all that was `served` is denied. */
export function decideFor(
  gateway: string,
  policy: CompiledPolicy | undefined,
  subject: PostureSubject | undefined,
  served: () => readonly string[],
  now: number,
): Verdict {
  if (policy === undefined) return denyAll(served(), 'no-policy', 'No policy is in force.');
  if (!policy.gateways.has(gateway)) return denyAll(served(), 'no-rule', 'The policy no longer names this gateway.');
  return evaluateGateway(policy, gateway, subject, now);
}

function denyAll(served: readonly string[], code: 'no-policy' | 'no-rule', message: string): Verdict {
  const denial: ResourceDecision = { effect: 'deny', enforced: true, reasons: [{ code, message }] };
  return { resources: Object.fromEntries(served.map((resource) => [resource, denial])), reviewAt: null };
}

const DECISION_FIELDS = Object.keys(resourceDecision.shape);
const REASON_FIELDS = Object.keys(reason.shape);

/**
 * The same text for the same verdict: what is compared, and kept, instead of the object. Fields are in the order of their
 * schema, whoever built the object: a stored decision comes back in that order.
 */
export function serialise({ resources, reviewAt }: Verdict): string {
  const inOrder: Record<string, unknown> = {};
  for (const [name, decision] of Object.entries(resources)) {
    const reasons = decision.reasons.map((one) => pick(one, REASON_FIELDS));
    inOrder[name] = pick({ ...decision, reasons }, DECISION_FIELDS);
  }
  return JSON.stringify({ resources: inOrder, reviewAt });
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
