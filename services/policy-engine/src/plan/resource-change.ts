import type { AccessChange, Effect, Reason, ResourceDecision } from '@stance/contracts';
import { ownOf, type Verdict } from '../decision.js';
import type { OpenSession } from '../open-sessions.js';
import { reasonsToRevoke } from '../reasons-to-revoke.js';

/** What a gateway is told of a device: the resources, and the least proof of it that counts. */
export type Told = Pick<Verdict, 'resources' | 'identity'>;
type PlannedSession = Pick<OpenSession, 'gateway' | 'sessionId' | 'resource' | 'user' | 'proof'>;

/** What would become of a device's access to one resource at one gateway. */
export interface ResourceChange {
  readonly gateway: string;
  readonly resource: string;
  readonly change: AccessChange;
  readonly from: Effect;
  readonly to: Effect;
  /** Of the refusal or the warning that comes; where one goes, of that. */
  readonly reasons: readonly Reason[];
  /** Open sessions that would be revoked. */
  readonly sessions: readonly PlannedSession[];
}

/** What a policy would do to one device. */
export interface DeviceOutcome {
  readonly deviceId: string;
  readonly owner: string | undefined;
  readonly changes: readonly ResourceChange[];
  readonly openSessions: number;
}

/** From what matters most. */
export const CHANGES_BY_WEIGHT: readonly AccessChange[] = ['lose', 'warn', 'report', 'gain', 'clear'];

/**
 * What changes at a gateway when `after` comes in the place of `before`, in the order of the resources' names. A resource of
 * which nothing is said is denied. `sessions` are the device's, at whatever gateway.
 */
export function changesAt(
  gateway: string,
  before: Told,
  after: Told,
  sessions: readonly PlannedSession[],
): ResourceChange[] {
  const names = new Set([...Object.keys(before.resources), ...Object.keys(after.resources)]);
  return [...names].toSorted().flatMap((resource) => {
    const concerned = sessions.filter((session) => session.gateway === gateway && session.resource === resource);
    const change = changeOf(resource, before, after, concerned);
    return change === undefined ? [] : [{ gateway, resource, ...change }];
  });
}

function changeOf(
  resource: string,
  before: Told,
  after: Told,
  sessions: readonly PlannedSession[],
): Omit<ResourceChange, 'gateway' | 'resource'> | undefined {
  const [was, willBe] = [ownOf(before.resources, resource), ownOf(after.resources, resource)];
  // One that is ended already, or waits for that, needs no other policy.
  const goingOn = sessions.filter((session) => letsIn(was) && reasonsToRevoke(session, before) === undefined);
  const revoked = goingOn.filter((session) => reasonsToRevoke(session, after) !== undefined);
  const change = kindOf(was, willBe, revoked.length > 0);
  if (change === undefined) return undefined;
  const reasons =
    change === 'lose' && letsIn(willBe)
      ? differing(revoked.flatMap((session) => reasonsToRevoke(session, after) ?? []))
      : reasonsFor(change, resource, was, willBe);
  return { change, from: was?.effect ?? 'deny', to: willBe?.effect ?? 'deny', reasons, sessions: revoked };
}

function kindOf(
  before: ResourceDecision | undefined,
  after: ResourceDecision | undefined,
  isRevoking: boolean,
): AccessChange | undefined {
  const [wasLetIn, isLetIn] = [letsIn(before), letsIn(after)];
  if (wasLetIn !== isLetIn) return wasLetIn ? 'lose' : 'gain';
  // Refused before and after: the reasons may be others, the access is not.
  if (!wasLetIn || before === undefined || after === undefined) return undefined;
  if (isRevoking) return 'lose';
  if (before.effect === after.effect) return undefined;
  if (before.effect === 'deny' || after.effect === 'deny') return 'report';
  return after.effect === 'warn' ? 'warn' : 'clear';
}

/**
 * Whether a device gets in, whoever uses it and however it is proved. A refusal that a `hold` keeps waiting is a refusal: no
 * other policy is needed for it to be carried out.
 */
function letsIn(decision: ResourceDecision | undefined): boolean {
  if (decision === undefined) return false;
  const { effect, enforced, heldUntil } = decision;
  return effect !== 'deny' || (!enforced && heldUntil === undefined);
}

function reasonsFor(
  change: AccessChange,
  resource: string,
  before: ResourceDecision | undefined,
  after: ResourceDecision | undefined,
): readonly Reason[] {
  if (change === 'gain' || change === 'clear') return before?.reasons ?? [];
  if (change === 'report' && after?.effect !== 'deny') return before?.reasons ?? [];
  if (after === undefined) return [{ code: 'no-rule', message: `No gateway serves ${resource} any more.` }];
  return after.reasons;
}

/** Two sessions that end alike have one reason. */
function differing(reasons: readonly Reason[]): Reason[] {
  return [...new Map(reasons.toReversed().map((reason) => [reason.message, reason])).values()].toReversed();
}
