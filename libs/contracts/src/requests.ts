import { z } from 'zod';
import { timestamp } from './event.js';
import { AgentMatched } from './events/agent.js';
import { effect, resourceDecision } from './events/decision.js';
import { PostureChanged } from './events/posture.js';
import { attributeValue, reason } from './events/reason.js';
import type { ServiceName } from './services.js';

/** A question to a service over core NATS: JSON in, JSON or {@link requestError} out. */
export interface RequestContract<Input extends z.ZodType = z.ZodType, Output extends z.ZodType = z.ZodType> {
  readonly service: ServiceName;
  readonly verb: string;
  readonly subject: string;
  readonly summary: string;
  readonly input: Input;
  readonly output: Output;
}

export const requestError = z.object({
  code: z.enum(['invalid-request', 'not-found', 'not-ready', 'internal']),
  message: z.string(),
  details: z.record(z.string(), z.unknown()).optional(),
});
export type RequestError = z.infer<typeof requestError>;

/** What comes back on the wire. */
export type Reply<Output> = { result: Output } | { error: RequestError };

function defineRequest<Input extends z.ZodType, Output extends z.ZodType>(definition: {
  service: ServiceName;
  verb: string;
  summary: string;
  input: Input;
  output: Output;
}): RequestContract<Input, Output> {
  return { ...definition, subject: `stance.rpc.${definition.service}.${definition.verb}.v1` };
}

const verdict = z.enum(['true', 'false', 'unknown']);

const explainedCondition = z.object({
  text: z.string(),
  posture: z.string(),
  verdict,
  attribute: z.string(),
  expected: z.string(),
  actual: attributeValue.optional(),
  source: z.string().optional(),
  agentId: z.string().optional(),
  reportedAt: timestamp.optional(),
  observedAt: timestamp.optional(),
  /** Seconds since the value was confirmed. */
  age: z.number().optional(),
  reason: reason.optional(),
});

const explainedRule = z.object({
  name: z.string(),
  effect: z.enum(['allow', 'deny']),
  /** Whether the rule speaks of this device's owner, groups and tags. */
  applies: z.boolean(),
  /** Why it does not apply. */
  notApplicable: z.string().optional(),
  verdict,
  conditions: z.array(explainedCondition),
});

export const Explain = defineRequest({
  service: 'policy-engine',
  verb: 'explain',
  summary: 'Why a device may or may not reach a resource, as of now: every rule and condition.',
  input: z.object({ deviceId: z.string().min(1), resource: z.string().min(1) }),
  output: z.object({
    deviceId: z.string(),
    resource: z.string(),
    effect,
    enforced: z.boolean(),
    reasons: z.array(reason),
    rules: z.array(explainedRule),
    problems: z.array(z.string()),
    postureRevision: z.int(),
    policyRevision: z.int(),
    evaluatedAt: timestamp,
    reviewAt: timestamp.nullable(),
    /** The decisions that gateways hold at this moment. */
    decisions: z.array(z.object({ gateway: z.string(), decidedAt: timestamp, decision: resourceDecision })),
  }),
});
export type Explanation = z.infer<typeof Explain.output>;

export const GetPosture = defineRequest({
  service: 'posture-store',
  verb: 'get',
  summary: 'The posture of one device.',
  input: z.object({ deviceId: z.string().min(1) }),
  output: PostureChanged.data,
});

const page = { after: z.string().optional(), limit: z.int().min(1).max(200).default(100) };

export const ListPostures = defineRequest({
  service: 'posture-store',
  verb: 'list',
  summary: 'Postures by device id, a page at a time.',
  input: z.object(page),
  output: z.object({ postures: z.array(PostureChanged.data), next: z.string().nullable() }),
});

/** What an agent and a device may agree on. */
const identifier = z.enum(['serialNumber', 'uuid', 'externalId', 'macAddress', 'hostname']);

export const ListUnmatched = defineRequest({
  service: 'device-matcher',
  verb: 'unmatched',
  summary:
    'Agents that belong to no device for certain, and why; then devices that no agent belongs to; a page at a time.',
  input: z.object(page),
  output: z.object({
    agents: z.array(
      AgentMatched.data.omit({ attributes: true }).extend({
        /** Devices that agree with the agent on something, though not enough to match by. */
        similar: z.array(z.object({ deviceId: z.string(), agreesOn: z.array(identifier) })).default([]),
      }),
    ),
    /** Enrolled devices that no agent belongs to. */
    devices: z.array(
      z.object({
        deviceId: z.string(),
        serialNumber: z.string().optional(),
        hostname: z.string().optional(),
        /** What keeps any agent from being matched to it: nothing to match by, or a key that other devices have too. */
        problem: z.enum(['no-serial', 'placeholder-serial', 'several-devices']).optional(),
        /** The devices that have the same key. */
        sharesKeyWith: z.array(z.string()).default([]),
      }),
    ),
    total: z.int(),
    next: z.string().nullable(),
  }),
});

export const ListAudit = defineRequest({
  service: 'audit',
  verb: 'list',
  summary: 'The newest audit records, oldest first.',
  input: z.object({ device: z.string().optional(), limit: z.int().min(1).max(500).default(50) }),
  output: z.object({
    records: z.array(
      z.object({
        position: z.int(),
        kind: z.enum(['event', 'gap']),
        stream: z.string(),
        sequence: z.int(),
        lastMissing: z.int().optional(),
        device: z.string(),
        type: z.string().optional(),
        storedAt: timestamp.optional(),
        txn: z.string().optional(),
        hash: z.string(),
      }),
    ),
  }),
});

export const VerifyAudit = defineRequest({
  service: 'audit',
  verb: 'verify',
  summary: 'Walks the whole chain and names the first record that does not fit.',
  input: z.object({}),
  output: z.object({
    records: z.int(),
    gaps: z.int(),
    intact: z.boolean(),
    lastHash: z.string(),
    firstBad: z.object({ streamSequence: z.int(), position: z.int().optional(), problem: z.string() }).optional(),
  }),
});

export const REQUESTS = [
  Explain,
  GetPosture,
  ListPostures,
  ListUnmatched,
  ListAudit,
  VerifyAudit,
] as const satisfies readonly RequestContract[];
