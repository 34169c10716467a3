import { z } from 'zod';
import { defineEvent, id, timestamp } from '../event.js';
import { STREAMS } from '../streams.js';
import { reason } from './reason.js';

export const effect = z.enum(['allow', 'warn', 'deny']);
export type Effect = z.infer<typeof effect>;

export const resourceDecision = z.object({
  effect,
  enforced: z.boolean().describe('False while the gateway only reports: the effect is told, not applied.'),
  reasons: z.array(reason).describe('Complete for everything but an allow.'),
  until: timestamp.optional().describe('While `warn`: when it becomes a deny.'),
  graceSince: timestamp.optional(),
  requiresOwner: z.string().optional().describe('The only user, by e-mail address, for whom an allow counts.'),
  shadow: effect.optional().describe('What a rule in report mode would have done.'),
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
    postureRevision: z.int().nonnegative().describe('0 where the device has no posture.'),
    policyRevision: z.int().nonnegative().describe('0 where no policy is active.'),
    decidedAt: timestamp,
    reviewAt: timestamp
      .nullable()
      .describe('When time alone may change it: past this, a gateway denies until a newer one comes.'),
  }),
});
