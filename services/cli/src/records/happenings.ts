import {
  REASON_CODES,
  type BreakGlassUsed,
  type DecisionChanged,
  type Effect,
  type EventOf,
  type OperatorActed,
  type Reason,
  type SessionEnded,
  type SessionRevoked,
} from '@stance/contracts';
import { reactionMs } from './reaction.js';

/** One line of `stance watch`. */
export type Happening = AccessHappening | Operation;

/** What a person did by hand. */
export interface Operation {
  readonly time: string;
  readonly kind: 'operation';
  readonly operation: EventOf<typeof OperatorActed>['data']['kind'];
  readonly targetId: string;
  /** The device that is linked, or no more, or was let in. */
  readonly deviceId?: string | undefined;
  /** Of break-glass: where it was let in, and whose user, if one was proved. */
  readonly gateway?: string | undefined;
  readonly resource?: string | undefined;
  readonly user?: string | undefined;
  readonly by: string;
  readonly reason: string;
  readonly until?: string | undefined;
}

/** What changes for the access of a device. */
export interface AccessHappening {
  readonly time: string;
  readonly kind: 'decision' | 'revocation' | 'session';
  readonly deviceId: string;
  readonly gateway: string;
  readonly resource: string;
  /** What now holds; null for a session that ended without being revoked. */
  readonly effect: Effect | null;
  /** Of a decision: the effect before; null where there was no decision. */
  readonly before?: Effect | null;
  /** Of a decision: false while the gateway only reports. */
  readonly enforced?: boolean;
  readonly reasons: readonly Reason[];
  /** Milliseconds from the observation that caused it to the decision, the revocation, or the gateway's part in it; see `enforcement`. */
  readonly reactionMs: number | null;
  readonly sessionId?: string;
  readonly user?: string | undefined;
  /** Of a revoked session: whether a live connection was cut, or there was none and the next request is refused. */
  readonly enforcement?: 'cut' | 'next-request' | undefined;
  /** Of a session: why it ended. */
  readonly cause?: 'closed' | 'revoked' | 'expired';
}

type Decision = EventOf<typeof DecisionChanged>;

/** What a decision changes for each resource, against the decision before it. */
export function decisionHappenings(event: Decision, before: Decision | undefined): AccessHappening[] {
  const { gateway, deviceId, decidedAt } = event.data;
  const common = { time: decidedAt, kind: 'decision', deviceId, gateway } as const;
  const reaction = reactionMs(event.observedat, decidedAt);
  const changed = Object.entries(event.data.resources).flatMap(([resource, now]): AccessHappening[] => {
    const earlier = before?.data.resources[resource];
    if (earlier?.effect === now.effect && earlier.enforced === now.enforced) return [];
    const { effect, enforced, reasons } = now;
    return [{ ...common, resource, effect, before: earlier?.effect ?? null, enforced, reasons, reactionMs: reaction }];
  });
  const dropped = Object.entries(before?.data.resources ?? {}).flatMap(([resource, earlier]): AccessHappening[] => {
    if (event.data.resources[resource] !== undefined) return [];
    const reasons: Reason[] = [{ code: 'decision-missing', message: REASON_CODES['decision-missing'] }];
    const what = { effect: 'deny', before: earlier.effect, enforced: true, reasons } as const;
    return [{ ...common, resource, ...what, reactionMs: reaction }];
  });
  return [...changed, ...dropped];
}

/** The order to end a session. */
export function revocationHappening(event: EventOf<typeof SessionRevoked>): AccessHappening {
  const { gateway, deviceId, sessionId, resource, user, reasons, revokedAt } = event.data;
  return {
    time: revokedAt,
    kind: 'revocation',
    deviceId,
    gateway,
    resource,
    effect: 'deny',
    reasons,
    reactionMs: reactionMs(event.observedat, revokedAt),
    sessionId,
    user,
  };
}

/** The end of a session, with the reasons of the revocation that ended it. */
export function endHappening(
  event: EventOf<typeof SessionEnded>,
  revocation: EventOf<typeof SessionRevoked> | undefined,
): AccessHappening {
  const { gateway, deviceId, sessionId, resource, cause, endedAt, enforcedAt, enforcement } = event.data;
  const revoked = cause === 'revoked';
  return {
    time: endedAt,
    kind: 'session',
    deviceId,
    gateway,
    resource,
    effect: revoked ? 'deny' : null,
    reasons: revocation?.data.reasons ?? [],
    reactionMs: revoked ? reactionMs(revocation?.observedat ?? event.observedat, enforcedAt ?? endedAt) : null,
    sessionId,
    user: revocation?.data.user,
    ...(revoked && { enforcement }),
    cause,
  };
}

/** Somebody was let in whatever the policy says. */
export function breakGlassHappening({ data }: EventOf<typeof BreakGlassUsed>): Operation {
  const { useId: targetId, deviceId, gateway, resource, user, by, reason, until, usedAt: time } = data;
  const whom = { deviceId, gateway, resource, user };
  return { time, kind: 'operation', operation: 'break-glass-used', targetId, ...whom, by, reason, until };
}

/** What a person did; `link` is the link that an unlink takes back, as only it names the device. */
export function operationHappening(
  { time, data }: EventOf<typeof OperatorActed>,
  link: EventOf<typeof OperatorActed> | undefined,
): Operation {
  const { kind: operation, targetId, by, reason, until, details } = data;
  const { device: deviceId = link?.data.details?.['device'], gateway, resource, user } = details ?? {};
  return { time, kind: 'operation', operation, targetId, deviceId, gateway, resource, user, by, reason, until };
}
