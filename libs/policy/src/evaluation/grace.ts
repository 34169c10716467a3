import type { GraceState } from '@stance/contracts';
import { Outcome } from '../conditions/outcome.js';
import type { Rule } from '../policy.js';
import { graceKey } from './grace-key.js';
import type { Past } from './past.js';
import { timeOf } from './timestamp.js';

/** A requirement, as far as remembering it needs. */
export interface GracedRequirement {
  /** Its place among all requirements of the policy. */
  readonly slot: number;
  readonly rule: Rule;
  readonly posture: { readonly name: string };
}

/** What is remembered of a requirement with grace; times in milliseconds since the epoch. */
export interface Remembered {
  /** Undefined once the device has held it; before, what it could reach when the requirement first bore on it. */
  readonly resources: readonly string[] | undefined;
  /** The first of the failures since the requirement last had its full grace. */
  readonly failingSince: number | undefined;
  /** Since when it holds again. */
  readonly heldSince: number | undefined;
}

const ARMED: Remembered = { resources: undefined, failingSince: undefined, heldSince: undefined };

/** The memories of earlier decisions by {@link graceKey}. */
export function rememberedFrom({ graces }: Past): Map<string, Remembered> {
  return new Map(
    graces.map(({ rule, posture, resources, failingSince, heldSince }) => [
      graceKey(rule, posture),
      { resources, failingSince: momentOf(failingSince), heldSince: momentOf(heldSince) },
    ]),
  );
}

function momentOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const time = timeOf(text);
  // What cannot be read has failed for long.
  return Number.isNaN(time) ? 0 : time;
}

/**
 * What a device is granted that meets a requirement for the first time: it has held nothing, but may have had access. A
 * warning that ran for a requirement that the policy does not have any more goes on, as giving a rule another name begins no
 * second grace. `inForce`: the keys of the policy's requirements.
 */
export function firstMemory(
  { rule }: GracedRequirement,
  { reached, graces }: Past,
  inForce: ReadonlySet<string>,
): Remembered {
  const before = reached();
  const had = rule.resources.filter((resource) => (before.get(resource)?.effect ?? 'deny') !== 'deny');
  const isWarned = had.some((resource) => before.get(resource)?.effect === 'warn');
  const running = graces.filter((one) => one.heldSince === undefined && !inForce.has(graceKey(one.rule, one.posture)));
  const since = isWarned ? running.map((one) => momentOf(one.failingSince)).filter((at) => at !== undefined) : [];
  return { resources: had, failingSince: since.length === 0 ? undefined : Math.min(...since), heldSince: undefined };
}

/** How a posture is found at a moment; times in milliseconds since the epoch. */
export interface Found {
  readonly outcome: Outcome;
  readonly now: number;
  /** Since when it does not hold; asked only where it does not. */
  readonly notHeldSince: () => number;
  /** Since when it is false; asked only where it is. */
  readonly falseSince: () => number;
}

/** Of a posture that nothing can be told about, as it is not certain whose it is: starts no grace and stops none. */
export const foundNothing = (now: number): Found => ({
  outcome: Outcome.UNSET,
  now,
  notHeldSince: () => now,
  falseSince: () => now,
});

/** What is remembered once the posture has been found so. */
export function remember(before: Remembered, found: Found, rearm: number): Remembered {
  const { outcome, now } = found;
  const { resources, heldSince } = before;
  // Without access to lose there is no grace to use up.
  if (resources?.length === 0) return outcome === Outcome.TRUE ? ARMED : before;
  const couldBeRearmed = heldSince !== undefined && now - heldSince >= rearm;
  const isRearmed = couldBeRearmed && (outcome === Outcome.TRUE || found.notHeldSince() - heldSince >= rearm);
  const failingSince = isRearmed || before.failingSince === undefined ? undefined : Math.min(before.failingSince, now);
  if (outcome === Outcome.TRUE) {
    if (failingSince === undefined) return ARMED;
    return { resources: undefined, failingSince, heldSince: Math.min(heldSince ?? now, now) };
  }
  if (outcome !== Outcome.FALSE) return { resources, failingSince, heldSince: undefined };
  return { resources, failingSince: failingSince ?? found.falseSince(), heldSince: undefined };
}

/** Whether the same failure is remembered in the same way. */
export function sameFailure(a: Remembered | undefined, b: Remembered | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  if (a === b) return true;
  if (a.resources?.join('\n') !== b.resources?.join('\n')) return false;
  return a.failingSince === b.failingSince && (a.heldSince === undefined) === (b.heldSince === undefined);
}

/** As decisions keep it. */
export function graceStateOf(
  { rule, posture }: GracedRequirement,
  { resources, failingSince, heldSince }: Remembered,
): GraceState {
  return {
    rule: rule.name,
    posture: posture.name,
    ...(resources === undefined ? {} : { resources: [...resources] }),
    ...(failingSince === undefined ? {} : { failingSince: new Date(failingSince).toISOString() }),
    ...(heldSince === undefined ? {} : { heldSince: new Date(heldSince).toISOString() }),
  };
}
