import type { MatchedBy, Problem } from './claim.js';
import type { Identity } from './identity.js';
import { shareMac } from './match-keys.js';

/** An agent that claims a device, and what decides between several. Times in milliseconds since the epoch. */
export interface Claimant {
  readonly id: string;
  readonly identity: Identity;
  /** `manual`: a person linked it. */
  readonly by: MatchedBy;
  /** Out of service: decommissioned, or gone and only remembered for whom it would leave its place to. */
  readonly withdrawn: 'no' | 'decommissioned' | 'gone';
  /** Whether its last posture was free of threats and isolation. */
  readonly clean: boolean;
  readonly registeredAt: number | undefined;
  readonly lastSeenAt: number | undefined;
}

export type Standing =
  | { readonly state: 'matched' }
  | { readonly state: 'quarantined'; readonly problem: Problem }
  /** Another agent has its place. */
  | { readonly state: 'set-aside'; readonly problem: 'superseded' | 'linked-elsewhere' };

const MATCHED: Standing = { state: 'matched' };
const SUPERSEDED: Standing = { state: 'set-aside', problem: 'superseded' };
const LINKED_ELSEWHERE: Standing = { state: 'set-aside', problem: 'linked-elsewhere' };

/**
 * Decides between the agents that claim one device, by id:
 *
 * 1. A person's link goes before every key.
 * 2. An agent that is out of service leaves its place only to a proven successor: its own last posture was clean, and another
 *    identifier than the one that both claim by agrees. So does one in service that has been silent since the other was
 *    registered. Who was there before one that was clean is nobody's successor.
 * 3. Of the rest, all have to be one machine: the same UUID, or a hardware address in common. Then all count.
 *
 * Otherwise all are quarantined: a clean machine with a copied serial number never takes the place of a silent infected one.
 * Pure.
 */
export function contest(claimants: readonly Claimant[]): ReadonlyMap<string, Standing> {
  const linked = claimants.filter(({ by, withdrawn }) => by === 'manual' && withdrawn !== 'gone');
  if (linked.length > 0)
    return standings(claimants, (claimant) => (linked.includes(claimant) ? MATCHED : LINKED_ELSEWHERE));

  const inService = claimants.filter(({ withdrawn }) => withdrawn === 'no');
  const candidates = inService.length > 0 ? inService : claimants.filter(({ withdrawn }) => withdrawn !== 'gone');
  const superseded = supersededAmong(candidates);
  const remaining = candidates.filter((candidate) => !superseded.has(candidate));
  const predecessors = claimants.filter((claimant) => !candidates.includes(claimant));
  const problem = problemOf(remaining, predecessors);
  return standings(claimants, (claimant) => {
    if (superseded.has(claimant)) return SUPERSEDED;
    if (problem !== undefined) return { state: 'quarantined', problem };
    return remaining.includes(claimant) || remaining.length === 0 ? MATCHED : SUPERSEDED;
  });
}

function problemOf(remaining: readonly Claimant[], predecessors: readonly Claimant[]): Problem | undefined {
  if (!areOneMachine(remaining)) {
    return remaining.every(({ by }) => by === 'serial') ? 'duplicate-agent-serial' : 'several-agents';
  }
  if (remaining.length === 0) return undefined;
  const isProven = (predecessor: Claimant) =>
    predecessor.clean &&
    remaining.some((claimant) => wasThereBefore(claimant, predecessor) || canSucceed(claimant, predecessor));
  return predecessors.every(isProven) ? undefined : 'unproven-successor';
}

/** More agents than this on one device are no re-imaged machine, but copies of one: none succeeds another. */
const MOST_IN_SUCCESSION = 64;

function supersededAmong(candidates: readonly Claimant[]): ReadonlySet<Claimant> {
  if (candidates.length > MOST_IN_SUCCESSION) return new Set();
  const newest = candidates.reduce((latest, { registeredAt = -Infinity }) => Math.max(latest, registeredAt), -Infinity);
  const silent = candidates.filter(({ lastSeenAt = Infinity }) => lastSeenAt < newest);
  return new Set(silent.filter((candidate) => candidates.some((other) => hasTakenOverFrom(other, candidate))));
}

/** Whether `before` has not been heard of since the other was registered, and may be succeeded by it. */
function hasTakenOverFrom(claimant: Claimant, before: Claimant): boolean {
  if (claimant === before || claimant.registeredAt === undefined || before.lastSeenAt === undefined) return false;
  return before.lastSeenAt < claimant.registeredAt && canSucceed(claimant, before);
}

function wasThereBefore(claimant: Claimant, other: Claimant): boolean {
  const [own, others] = [claimant.registeredAt, other.registeredAt];
  return own !== undefined && others !== undefined && own < others;
}

function canSucceed(claimant: Claimant, before: Claimant): boolean {
  return before.clean && agreesOnMore(claimant, before);
}

/** Whether the two agree on something else than what the claimant claims the device by. */
function agreesOnMore({ by, identity }: Claimant, { identity: other }: Claimant): boolean {
  const agrees = (one: string | undefined, another: string | undefined) => one !== undefined && one === another;
  return (
    (by !== 'serial' && agrees(identity.serial, other.serial)) ||
    (by !== 'uuid' && agrees(identity.uuid, other.uuid)) ||
    // Like a match by it: only where a hardware address confirms it, which it does not prove once more.
    (by === 'mac+hostname' && shareMac(identity, other) && agrees(identity.externalId, other.externalId)) ||
    (by !== 'externalId+mac' && by !== 'mac+hostname' && shareMac(identity, other))
  );
}

/** Whether all hang together by a UUID or a hardware address that two of them have in common. */
function areOneMachine(claimants: readonly Claimant[]): boolean {
  const [first, ...others] = claimants;
  if (first === undefined || others.length === 0) return true;
  const reached = [first];
  let left: readonly Claimant[] = others;
  for (const claimant of reached) {
    const same = left.filter(({ identity }) => isSameMachine(claimant.identity, identity));
    left = left.filter((other) => !same.includes(other));
    reached.push(...same);
  }
  return left.length === 0;
}

function isSameMachine(one: Identity, other: Identity): boolean {
  return (one.uuid !== undefined && one.uuid === other.uuid) || shareMac(one, other);
}

function standings(
  claimants: readonly Claimant[],
  standingOf: (claimant: Claimant) => Standing,
): ReadonlyMap<string, Standing> {
  return new Map(claimants.map((claimant) => [claimant.id, standingOf(claimant)]));
}
