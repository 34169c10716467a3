import {
  isForUser,
  isProofEnough,
  type DeviceProof,
  type Effect,
  type Reason,
  type ReasonCode,
} from '@stance/contracts';
import type { CachedDecision, Revisions } from './decision-cache.js';
import type { EngineState } from './engine-watch.js';
import type { Ruling } from './ruling-table.js';

/** Whether a device may reach a resource now, and why not. */
export interface Verdict {
  readonly effect: Effect;
  /**
   * What to do: true for an allow and a warn, for a deny that is only reported (`enforced` false), and for a session that is
   * open already while its denial is held back.
   */
  readonly allowed: boolean;
  /** False while the gateway's policy only reports, or holds the denial back: the effect is told, not applied. */
  readonly enforced: boolean;
  /** Complete for everything but an allow. */
  readonly reasons: readonly Reason[];
  /** Of the decision behind it; 0 where there is none. */
  readonly revisions: Revisions;
  /** While `warn`: when it becomes a deny, RFC 3339. */
  readonly until?: string;
}

/** What a verdict follows from. */
export interface Situation {
  readonly decision: CachedDecision | undefined;
  /** What the decision has to reach before the device is let in again; see `RevocationFloors`. */
  readonly floor: Revisions | undefined;
  readonly engine: EngineState;
  /** Whether who asks has an open session for the resource; asked only while a denial is held back. */
  readonly isInSession: () => boolean;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** Who asks: the user, if one was proved, and how the device was. */
export interface Asker {
  readonly user?: string | undefined;
  readonly proof?: DeviceProof | undefined;
}

const NO_REVISIONS: Revisions = { posture: 0, policy: 0 };

const missing = [reasonOf('decision-missing', 'The gateway has no decision for this device and resource.')];
const unreadable = [reasonOf('decision-missing', 'The last decision for this device could not be read.')];
const expired = [reasonOf('decision-expired', 'The decision is past its review time and no newer one has come.')];
const silent = [reasonOf('engine-silent', 'The policy engine has not been heard for too long.')];
const behind = [reasonOf('engine-silent', 'The policy engine has decided what has not reached this gateway yet.')];
const awaiting = [reasonOf('awaiting-decision', 'Access was revoked and no newer decision has come.')];
const notOwner = [reasonOf('no-rule', 'Only the owner of this device may reach this resource with it.')];

/**
 * Denies unless a decision allows that is known to hold now: readable, not past its review, not older than a revocation,
 * from an engine that is heard. A decision's own denial is told first: it says most about what to do.
 */
export function verdictOf(
  { decision, floor, engine, isInSession, now }: Situation,
  resource: string,
  asker: Asker,
): Verdict {
  const revisions = decision ?? NO_REVISIONS;
  // Told before anything else: whoever asks may be another device.
  if (!isProofEnough(asker.proof, decision?.identity)) {
    return deny(poorlyProved(asker.proof, decision?.identity), revisions);
  }
  const ruling = rulingOn(decision, resource, asker);
  const isRefused = ruling.effect === 'deny' && (ruling.enforced || (ruling.heldUntil !== undefined && !isInSession()));
  if (isRefused && decision?.readable && decision.rulings.has(resource)) return deny(ruling.reasons, revisions);
  if (engine !== 'fresh') return deny(engine === 'behind' ? behind : silent, revisions);
  if (decision === undefined || isRefused) return deny(ruling.reasons, revisions);
  if (floor !== undefined) return deny(awaiting, revisions);
  if (now >= decision.reviewAt || (ruling.until !== undefined && now >= ruling.until)) return deny(expired, revisions);
  const { effect, enforced, reasons, until } = ruling;
  const verdict = { effect, allowed: true, enforced, reasons, revisions: only(revisions) };
  return until === undefined ? verdict : { ...verdict, until: new Date(until).toISOString() };
}

/** What a decision says about a resource and who asks, leaving time and revocations aside. */
export function rulingOn(decision: CachedDecision | undefined, resource: string, { user, proof }: Asker): Ruling {
  // Enforced even where the gateway only reports: this is not the device that the decision is about, for all we know.
  if (!isProofEnough(proof, decision?.identity)) return denial(poorlyProved(proof, decision?.identity));
  const ruling = decision?.rulings.get(resource);
  if (ruling === undefined) return denial(decision?.readable === false ? unreadable : missing);
  if (isForUser(requiredOwner(ruling, decision?.owner), user)) return ruling;
  // What is only reported keeps nobody out; what is held back was never let in for anybody else.
  return { ...denial(notOwner), enforced: ruling.enforced || ruling.heldUntil !== undefined };
}

function requiredOwner({ effect, enforced, requiresOwner }: Ruling, owner: string | undefined): string | undefined {
  const isLettingIn = effect !== 'deny' || !enforced;
  if (!isLettingIn || requiresOwner === undefined) return undefined;
  // Nobody is meant where the name is missing.
  return requiresOwner === 'owner' ? (owner ?? '') : requiresOwner.user;
}

function poorlyProved(proof: DeviceProof = 'address', least: DeviceProof = 'address'): readonly Reason[] {
  return [reasonOf('identity-missing', `The device is proved by ${proof}; this gateway needs a proof by ${least}.`)];
}

function denial(reasons: readonly Reason[]): Ruling {
  return { effect: 'deny', enforced: true, reasons };
}

function deny(reasons: readonly Reason[], revisions: Revisions): Verdict {
  return { effect: 'deny', allowed: false, enforced: true, reasons, revisions: only(revisions) };
}

/** Of a decision, which is more. */
function only({ posture, policy }: Revisions): Revisions {
  return { posture, policy };
}

function reasonOf(code: ReasonCode, message: string): Reason {
  return { code, message };
}
