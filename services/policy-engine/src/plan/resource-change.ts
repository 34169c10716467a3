import type { AccessChange, Effect, Reason, ResourceDecision } from '@stance/contracts';
import type { OpenSession } from '../open-sessions.js';

type Resources = Readonly<Record<string, ResourceDecision>>;
type PlannedSession = Pick<OpenSession, 'gateway' | 'sessionId' | 'resource' | 'user'>;

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
  before: Resources,
  after: Resources,
  sessions: readonly PlannedSession[],
): ResourceChange[] {
  // As maps: an object answers to names such as `constructor`, too.
  const [was, willBe] = [new Map(Object.entries(before)), new Map(Object.entries(after))];
  const names = new Set([...was.keys(), ...willBe.keys()]);
  return [...names].toSorted().flatMap((resource) => {
    const concerned = sessions.filter((session) => session.gateway === gateway && session.resource === resource);
    const change = changeOf(resource, was.get(resource), willBe.get(resource), concerned);
    return change === undefined ? [] : [{ gateway, resource, ...change }];
  });
}

function changeOf(
  resource: string,
  before: ResourceDecision | undefined,
  after: ResourceDecision | undefined,
  sessions: readonly PlannedSession[],
): Omit<ResourceChange, 'gateway' | 'resource'> | undefined {
  const revoked = sessions.filter(({ user }) => letsIn(before, user) && !letsIn(after, user));
  const from = before?.effect ?? 'deny';
  const to = after?.effect ?? 'deny';
  const change = kindOf(before, after, revoked.length > 0);
  if (change === undefined) return undefined;
  return { change, from, to, reasons: reasonsFor(change, resource, before, after), sessions: revoked };
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
 * Whether a device gets in, and with it a user if one is given. A refusal that a `hold` keeps waiting is a refusal: no other
 * policy is needed for it to be carried out.
 */
function letsIn(decision: ResourceDecision | undefined, user?: string): boolean {
  if (decision === undefined) return false;
  const { effect, enforced, heldUntil, requiresOwner } = decision;
  if (effect === 'deny') return !enforced && heldUntil === undefined;
  // As gateways do: without a proved user the device is the principal.
  const isForUser =
    requiresOwner === undefined || user === undefined || requiresOwner.toLowerCase() === user.toLowerCase();
  return isForUser || !enforced;
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
  return change === 'lose' && after.effect !== 'deny' ? [OWNER_ONLY] : after.reasons;
}

const OWNER_ONLY: Reason = {
  code: 'no-rule',
  message: 'Only the owner of this device may reach this resource with it.',
};
