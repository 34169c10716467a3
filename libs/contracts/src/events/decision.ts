import { z } from 'zod';
import { defineEvent, id, timestamp } from '../event.js';
import { STREAMS } from '../streams.js';
import { reason } from './reason.js';

export const effect = z.enum(['allow', 'warn', 'deny']);
export type Effect = z.infer<typeof effect>;

export const resourceDecision = z.object({
  effect,
  /** False while the gateway only reports: the effect is told, not applied. */
  enforced: z.boolean(),
  /** Complete for everything but an allow. */
  reasons: z.array(reason),
  /** While `warn`: when it becomes a deny. */
  until: timestamp.optional(),
  graceSince: timestamp.optional(),
  /** The only user, by e-mail address, for whom an allow counts. */
  requiresOwner: z.string().optional(),
  /** What a rule in report mode would have done. */
  shadow: effect.optional(),
});
export type ResourceDecision = z.infer<typeof resourceDecision>;

export const DecisionChanged = defineEvent({
  name: 'decision.changed',
  keys: ['gateway', 'deviceId'],
  summary: 'What a device may reach through a gateway, and why not.',
  owners: ['policy-engine'],
  stream: STREAMS.DECISIONS,
  data: z.object({
    gateway: id,
    deviceId: id,
    resources: z.record(z.string(), resourceDecision),
    /** 0 where the device has no posture. */
    postureRevision: z.int().nonnegative(),
    /** 0 where no policy is active. */
    policyRevision: z.int().nonnegative(),
    decidedAt: timestamp,
    /** When time alone may change it: past this, a gateway denies until a newer one comes. */
    reviewAt: timestamp.nullable(),
  }),
});
