import type { ReasonCode, ResourceDecision } from '@stance/contracts';
import { isClean, type Hold, type PostureSubject } from '@stance/policy';
import { ownOf, type Verdict } from '../decision.js';
import type { OpenSession } from '../open-sessions.js';
import type { Holds } from './holds.js';

/** What a verdict is held by. */
export interface Circumstances {
  readonly gateway: string;
  readonly deviceId: string;
  /** The gateway's own. */
  readonly terms: Hold;
  readonly subject: PostureSubject | undefined;
  /** The decision that the gateway has. */
  readonly before: Verdict | undefined;
  /** The device's open sessions at the gateway. */
  readonly sessions: readonly OpenSession[];
  /** How many devices have open sessions at the gateway. */
  readonly open: number;
  /** Milliseconds. */
  readonly now: number;
}

/** Denials by what the device is, not by how it is: they wait for nobody. */
const STANDING: ReadonlySet<ReasonCode> = new Set([
  'not-enrolled',
  'device-retired',
  'device-quarantined',
  'no-policy',
  'evaluation-error',
] as const);

/** Whether the verdict denies anything: nothing else can be held. */
export function deniesAnything({ resources }: Verdict): boolean {
  return Object.values(resources).some(isDenied);
}

/**
 * The verdict as gateways are told it: where a denial has to wait, it is not enforced and says until when. Held is only what
 * would end an open session that the gateway's last decision let in, of a device known to be clean. What was held once stays
 * so until the same time, and what was carried out is never held again while it stays denied. Pure, but for what `holds`
 * counts.
 */
export function heldVerdict(verdict: Verdict, holds: Holds, circumstances: Circumstances): Verdict {
  const { gateway, deviceId, terms, subject, before, sessions, open, now } = circumstances;
  if (subject === undefined || !isKnownClean(subject)) return verdict;
  const held = new Map<string, number>();
  const fresh: string[] = [];
  for (const [resource, decision] of Object.entries(verdict.resources)) {
    const last = before && ownOf(before.resources, resource);
    if (!isDenied(decision) || isStanding(decision) || last === undefined || isDenied(last)) continue;
    if (last.heldUntil === undefined) {
      if (sessions.some((session) => session.resource === resource)) fresh.push(resource);
    } else {
      const until = Date.parse(last.heldUntil);
      if (!holds.isOver(gateway, until, now)) held.set(resource, until);
    }
  }
  if (fresh.length > 0) {
    const until = holds.heldUntil({ gateway, deviceId, terms, open }, now);
    if (until !== undefined) for (const resource of fresh) held.set(resource, until);
  }
  return held.size === 0 ? verdict : withheld(verdict, held, before);
}

/** The latest time until which a verdict holds anything, in milliseconds; undefined where it holds nothing. */
export function heldUntilOf(verdict: Verdict | undefined): number | undefined {
  let latest: number | undefined;
  for (const { heldUntil } of Object.values(verdict?.resources ?? {})) {
    if (heldUntil !== undefined) latest = Math.max(latest ?? 0, Date.parse(heldUntil));
  }
  return latest;
}

/** Who could not get in before cannot now either: a denial names no owner, what it keeps waiting does. */
function withheld(verdict: Verdict, held: ReadonlyMap<string, number>, before: Verdict | undefined): Verdict {
  const resources = Object.entries(verdict.resources).map(([name, decision]): [string, ResourceDecision] => {
    const until = held.get(name);
    if (until === undefined) return [name, decision];
    const requiresOwner = before && ownOf(before.resources, name)?.requiresOwner;
    return [
      name,
      {
        ...decision,
        enforced: false,
        heldUntil: new Date(until).toISOString(),
        ...(requiresOwner !== undefined && { requiresOwner }),
      },
    ];
  });
  return {
    ...verdict,
    resources: Object.fromEntries(resources),
    reviewAt: Math.min(verdict.reviewAt ?? Infinity, ...held.values()),
  };
}

const isDenied = ({ effect, enforced }: ResourceDecision): boolean => effect === 'deny' && enforced;

const isStanding = ({ reasons }: ResourceDecision): boolean => reasons.some(({ code }) => STANDING.has(code));

/** Which attributes the agents disagree on is not told: one that says whether the machine is clean may be among them. */
function isKnownClean({ attributes, problems }: PostureSubject): boolean {
  if (problems.includes('conflict')) return false;
  return isClean(Object.fromEntries(Object.entries(attributes).map(([name, { value }]) => [name, value])));
}
