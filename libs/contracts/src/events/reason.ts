import { z } from 'zod';
import { timestamp } from '../event.js';
import { mapOf } from '../map-of.js';

/** An attribute's value as a source gave it. */
export const attributeValue = z.union([z.boolean(), z.number(), z.string(), z.array(z.string())]);
export type AttributeValue = z.infer<typeof attributeValue>;

/** Attribute values by full name, as in `sentinelOne:infected`. */
export const attributes = mapOf(attributeValue, isAttributeValue);

export function isAttributeValue(candidate: unknown): candidate is AttributeValue {
  if (Array.isArray(candidate)) return candidate.every((item) => typeof item === 'string');
  return typeof candidate === 'boolean' || typeof candidate === 'number' || typeof candidate === 'string';
}

/** Why access is not allowed: a closed list, each with an entry in docs/reasons.md. */
export const REASON_CODES = {
  'no-policy': 'No policy is active.',
  'not-enrolled': 'The device is not in the inventory.',
  'device-retired': 'The device was retired from the inventory.',
  'device-quarantined': 'Its identity is not certain, for instance because a serial number is used twice.',
  'no-rule': 'No allow rule covers this device and resource.',
  'deny-rule': 'A deny rule matches.',
  'condition-false': 'A required condition does not hold.',
  'attribute-unset': 'A required attribute has no value.',
  'attribute-stale': 'A required attribute was last confirmed too long ago.',
  'attribute-mistyped': 'A required attribute has a value of the wrong type.',
  'attribute-unlisted': 'A required attribute has a value outside its enumeration.',
  'attribute-conflict': 'Several agents disagree on a required attribute.',
  'evaluation-error': 'The rule could not be evaluated.',
  'identity-missing': 'The request proves no device.',
  'identity-forged': 'The request claims an identity that it may not claim.',
  'decision-missing': 'The gateway has no decision for this device and resource.',
  'decision-expired': 'The decision is past its review time.',
  'engine-silent': 'The policy engine has not been heard for too long.',
  'awaiting-decision': 'The session was revoked and no newer decision has arrived.',
} as const;

export type ReasonCode = keyof typeof REASON_CODES;
const reasonCodes = Object.keys(REASON_CODES) as [ReasonCode, ...ReasonCode[]];

/** Enough for a person to know what to fix. */
export const reason = z.object({
  code: z.enum(reasonCodes),
  message: z.string(),
  rule: z.string().optional(),
  posture: z.string().optional(),
  condition: z.string().optional(),
  attribute: z.string().optional(),
  expected: z.string().optional().describe('The operator and the value that the condition asks for, as written.'),
  actual: attributeValue.optional(),
  source: z.string().optional(),
  agentId: z.string().optional(),
  reportedAt: timestamp.optional(),
  observedAt: timestamp.optional(),
});
export type Reason = z.infer<typeof reason>;
