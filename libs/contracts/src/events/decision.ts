import { z } from 'zod';
import { defineEvent, id, timestamp } from '../event.js';
import { STREAMS } from '../streams.js';
import { reason } from './reason.js';

export const effect = z.enum(['allow', 'warn', 'deny']);
export type Effect = z.infer<typeof effect>;

/** An exception of the policy that lets a device reach what it otherwise could not. */
export const usedException = z.object({
  rule: z.string(),
  waive: z.array(z.string()).describe('The postures that the device need not hold.'),
  until: timestamp,
  reason: z.string(),
  approvedBy: z.string(),
});

export const resourceDecision = z.object({
  effect,
  enforced: z
    .boolean()
    .describe('False while the gateway only reports, or holds a revocation: the effect is told, not applied.'),
  reasons: z.array(reason).describe('Complete for everything but an allow.'),
  until: timestamp.optional().describe('While `warn`: when it becomes a deny.'),
  graceSince: timestamp.optional().describe('While `warn`: since when what is in grace fails.'),
  requiresOwner: z
    .string()
    .optional()
    .describe('The only user, by e-mail address, for whom it lets in; empty, of a device without an owner: none.'),
  exceptions: z.array(usedException).optional().describe('Those without which the effect would be another.'),
  heldUntil: timestamp
    .optional()
    .describe("Of a deny that the gateway's `hold` keeps from being enforced: when it is enforced at the latest."),
  shadow: effect
    .optional()
    .describe('What the effect would be if the rules in report mode counted, where that differs.'),
  shadowReasons: z.array(reason).optional().describe('Of a `shadow` that is no allow.'),
});
export type ResourceDecision = z.infer<typeof resourceDecision>;

/**
 * What has to be remembered of a requirement with grace. Of one that the device has held before, `resources` is left out;
 * else it has those that the device could reach when the requirement first bore on it.
 */
export const graceState = z.object({
  rule: z.string(),
  posture: z.string(),
  resources: z.array(z.string()).optional(),
  failingSince: timestamp
    .optional()
    .describe('Since when it fails; until `rearm` has passed, kept after it holds again.'),
  heldSince: timestamp.optional().describe('Since when it has held again after failing.'),
});
export type GraceState = z.infer<typeof graceState>;

/** What a proof of the device has to be at least, from the strongest to the weakest. */
export const DEVICE_PROOFS = ['certificate', 'token', 'address'] as const;
export const deviceProof = z.enum(DEVICE_PROOFS);
export type DeviceProof = z.infer<typeof deviceProof>;

/** Whether a device is proved well enough; one whose proof nobody names counts as known by its address alone. */
export function isProofEnough(proof: DeviceProof | undefined, least: DeviceProof | undefined): boolean {
  if (least === undefined) return true;
  return DEVICE_PROOFS.indexOf(proof ?? 'address') <= DEVICE_PROOFS.indexOf(least);
}

/**
 * Whether what a decision grants counts for this user. Without a proved user the device is the principal; an empty owner is
 * nobody's name.
 */
export function isForUser(requiresOwner: string | undefined, user: string | undefined): boolean {
  if (requiresOwner === undefined || user === undefined) return true;
  return requiresOwner !== '' && requiresOwner.toLowerCase() === user.toLowerCase();
}

const shadowDecision = z.object({ effect, reasons: z.array(reason) });

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
    identity: deviceProof.optional().describe('The least proof of the device that the gateway may accept.'),
    graces: z.array(graceState).optional().describe("The engine's memory of requirements with grace."),
    shadow: z
      .object({
        policyRevision: z.int().positive(),
        resources: z.record(z.string(), shadowDecision),
        graces: z.array(graceState).optional(),
      })
      .optional()
      .describe('What a policy in report mode would decide, for the resources where that differs.'),
  }),
});
