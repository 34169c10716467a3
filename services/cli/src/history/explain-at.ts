import {
  DecisionChanged,
  DeviceRecorded,
  PostureChanged,
  STREAMS,
  subjectOf,
  type DataOf,
  type Explanation,
} from '@stance/contracts';
import { explain, pastOf } from '@stance/policy';
import type { Stack } from '../stack.js';
import { policyAfter, type PolicyAt } from './policy-at.js';
import { HistoryLacking, readTrail, requireEvent, trailBegins, type DeviceTrail } from './read-trail.js';

type Posture = DataOf<typeof PostureChanged>;
type Decision = DataOf<typeof DecisionChanged>;

/** What a gateway held; past `reviewAt` it denied, whatever the decision says. */
export type HeldDecision = Explanation['decisions'][number] & Pick<Decision, 'reviewAt'>;

interface ExplanationThen extends Explanation {
  readonly decisions: HeldDecision[];
}

/** An explanation of an earlier time, from the audit trail. */
export interface ExplanationAt extends ExplanationThen {
  /** The time that it is of. */
  readonly at: string;
  /** What the audit trail lacks that might have made it another, in sentences. */
  readonly lacking: readonly string[];
}

/**
 * Explains what held at a time, in milliseconds since the epoch, by what is recorded of posture, policy and decisions until
 * then; no service is asked. Undefined for a device of which nothing is recorded at any time and that is in no inventory.
 * Throws {@link HistoryLacking}.
 */
export async function explainAt(
  stack: Stack,
  deviceId: string,
  resource: string,
  at: number,
): Promise<ExplanationAt | undefined> {
  const when = new Date(at).toISOString();
  const trail = await readTrail(stack, deviceId, at);
  const posture = trail.device.last(subjectOf(PostureChanged, { deviceId }));
  if (posture === undefined) {
    if (await isUnheardOf(stack, deviceId, trail)) return undefined;
    throw await noPosture(stack, deviceId, when, trail);
  }
  const policy = await policyAfter(stack, trail.policies, when);
  const decisions = await Promise.all(
    trail.device
      .lastsOf(STREAMS.DECISIONS.name)
      .map(async (record) => (await requireEvent(stack, DecisionChanged, record)).data),
  );
  const { data } = await requireEvent(stack, PostureChanged, posture);
  return { ...explainFrom(data, policy, decisions, resource, at), at: when, lacking: trail.lacking };
}

/** As the engine would have explained it at that moment. Pure. */
export function explainFrom(
  posture: Posture,
  { revision, compiled }: PolicyAt,
  decisions: readonly Decision[],
  resource: string,
  at: number,
): ExplanationThen {
  const gateways = [...compiled.gateways.keys()];
  // As the policy lists them, then those that it does not name any more.
  const inOrder = [
    ...gateways.flatMap((name) => decisions.filter(({ gateway }) => gateway === name)),
    ...decisions.filter(({ gateway }) => !compiled.gateways.has(gateway)),
  ];
  return {
    deviceId: posture.deviceId,
    resource,
    ...explain(compiled, posture, resource, at, pastOf(inOrder)),
    postureRevision: posture.revision,
    policyRevision: revision,
    evaluatedAt: new Date(at).toISOString(),
    decisions: inOrder.flatMap(({ gateway, decidedAt, resources, reviewAt, identity }) => {
      // An object answers to names such as `constructor`, too.
      const decision = Object.hasOwn(resources, resource) ? resources[resource] : undefined;
      if (decision === undefined) return [];
      return [{ gateway, decidedAt, decision, reviewAt, ...(identity !== undefined && { identity }) }];
    }),
  };
}

async function isUnheardOf(stack: Stack, deviceId: string, { device, lacking }: DeviceTrail): Promise<boolean> {
  if (lacking.length > 0 || device.nextOf(STREAMS.POSTURE.name) !== undefined) return false;
  return (await stack.last(DeviceRecorded, { deviceId })).event === undefined;
}

async function noPosture(
  stack: Stack,
  deviceId: string,
  when: string,
  { device, lacking }: DeviceTrail,
): Promise<HistoryLacking> {
  const next = device.nextOf(STREAMS.POSTURE.name)?.storedAt;
  const begins = await trailBegins(stack, STREAMS.POSTURE.name);
  const later = next === undefined ? 'nor later' : `the first is of ${next}`;
  const facts = [
    `no posture of ${deviceId} is recorded at ${when} or before; ${later}`,
    ...(begins !== undefined && Date.parse(begins) > Date.parse(when) ? [`the audit trail begins at ${begins}`] : []),
    ...lacking,
  ];
  return new HistoryLacking(facts.join('; '));
}
