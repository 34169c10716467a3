import { z } from 'zod';
import { timestamp } from './event.js';
import { AgentMatched } from './events/agent.js';
import { deviceProof, effect, resourceDecision, usedException } from './events/decision.js';
import { fleetReview } from './events/engine.js';
import { PostureChanged } from './events/posture.js';
import { attributeValue, reason } from './events/reason.js';
import { atLeast } from './lengths.js';
import type { ServiceName } from './services.js';

/** A question to a service over core NATS: JSON in, JSON or {@link requestError} out. */
export interface RequestContract<Input extends z.ZodType = z.ZodType, Output extends z.ZodType = z.ZodType> {
  readonly service: ServiceName;
  readonly verb: string;
  readonly subject: string;
  readonly summary: string;
  /**
   * `every`: each replica hears it, and those that know nothing of what is asked stay silent; `one` by default: the replicas
   * take turns.
   */
  readonly heardBy?: 'one' | 'every';
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
  heardBy?: 'one' | 'every';
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
  /** A rule in report mode decides nothing. */
  mode: z.literal('report').optional(),
  conditions: z.array(explainedCondition),
  /** Postures that an exception waives for this device. */
  waived: usedException.array().optional(),
  /** Postures that fail and are borne with. */
  graces: z.array(z.object({ posture: z.string(), since: timestamp, until: timestamp })).optional(),
});

/** One way in which the effect would become another. */
const possibleChange = z.object({
  effect,
  /** By itself, at this time. */
  at: timestamp.optional(),
  rule: z.string().optional(),
  /** What would all have to hold; of a deny rule, of which one must not. */
  conditions: z.array(z.string()).optional(),
  message: z.string(),
});

export const Explain = defineRequest({
  service: 'policy-engine',
  verb: 'explain',
  summary: 'Why a device may or may not reach a resource, as of now: every rule and condition.',
  input: z.object({ deviceId: z.string().check(atLeast(1)), resource: z.string().check(atLeast(1)) }),
  output: z.object({
    ...resourceDecision.shape,
    deviceId: z.string(),
    resource: z.string(),
    rules: z.array(explainedRule),
    problems: z.array(z.string()),
    postureRevision: z.int(),
    policyRevision: z.int(),
    evaluatedAt: timestamp,
    reviewAt: timestamp.nullable(),
    /** What would change the effect, the nearest first. */
    changes: z.array(possibleChange),
    /** The decisions that gateways hold at this moment. */
    decisions: z.array(
      z.object({
        gateway: z.string(),
        decidedAt: timestamp,
        decision: resourceDecision,
        /** The least proof of the device that the gateway may accept; any that it takes where nothing is said. */
        identity: deviceProof.optional(),
      }),
    ),
  }),
});
export type Explanation = z.infer<typeof Explain.output>;

/**
 * What a policy would do to the access of a device: it is refused or let in, warned or warned no longer. With `report`, only
 * what a gateway tells that lets everybody in (`enforcement: report`).
 */
export const accessChange = z.enum(['lose', 'gain', 'warn', 'clear', 'report']);
export type AccessChange = z.infer<typeof accessChange>;

/** What devices have in common that a policy treats alike: a reason without what is one device's own. */
const commonCause = reason.pick({ code: true, rule: true, posture: true, condition: true }).extend({
  /** Where there is no condition. */
  message: z.string().optional(),
});

/** Devices whose access to a resource a policy would change in the same way for the same reason. */
const plannedGroup = z.object({
  gateway: z.string(),
  resource: z.string(),
  change: accessChange,
  from: effect,
  to: effect,
  /** The first reason of the refusal or the warning that comes; where one goes, of that. */
  cause: commonCause.optional(),
  devices: z.int(),
  /** Open sessions that would be revoked. */
  sessions: z.int(),
});

/** A device whose access to something a policy would change: the worst first, and of much, not all of it. */
const plannedDevice = z.object({
  deviceId: z.string(),
  owner: z.string().optional(),
  changes: z.array(
    z.object({ gateway: z.string(), resource: z.string(), change: accessChange, from: effect, to: effect }),
  ),
  /** The first three that differ. */
  reasons: z.array(reason),
  /** Open ones that would be revoked; without `user` where none was proved. */
  sessions: z.array(
    z.object({ gateway: z.string(), sessionId: z.string(), resource: z.string(), user: z.string().optional() }),
  ),
});

/** What is wrong with a policy, and where if that is known; lines and columns from 1. */
const policyError = z.object({
  message: z.string(),
  line: z.int().optional(),
  column: z.int().optional(),
  path: z.string().optional(),
});

/** After so many seconds the engine gives a plan up, and who asked for it is told. */
export const PLAN_DEADLINE_SECONDS = 120;
/** Groups in a plan at most; the totals hold for all. */
export const MAX_PLANNED_GROUPS = 200;
/** Devices listed by name in a plan at most; the totals and groups hold for all. */
export const MAX_PLANNED_DEVICES = 500;

export const PlanPolicy = defineRequest({
  service: 'policy-engine',
  verb: 'plan',
  summary: 'What a policy would change for the devices and sessions there are, without publishing it.',
  input: z.object({ document: z.string() }),
  output: z.object({
    /** What is wrong with the policy, or with its own tests; the rest is then empty. */
    errors: z.array(policyError),
    /** What the policy says of itself: in report mode it would change nothing, and is planned as if it were enforced. */
    mode: z.enum(['enforce', 'report']),
    /** The revision that it was compared with; 0 where none is in force. */
    baseRevision: z.int().nonnegative(),
    plannedAt: timestamp,
    devices: z.int(),
    /** Devices by what happens to them on any resource: one can be in several. */
    totals: z.object({
      lose: z.int(),
      gain: z.int(),
      warn: z.int(),
      clear: z.int(),
      report: z.int(),
      unchanged: z.int(),
      /** Owners of the devices that lose something, and users whose sessions would be revoked. */
      people: z.int(),
      openSessions: z.int(),
      revocations: z.int(),
    }),
    groups: z.array(plannedGroup).describe('At most 200, the largest losses first.'),
    changes: z.array(plannedDevice).describe('At most 500, losses of open sessions first.'),
    /** Some groups or devices are left out, or some of what a device loses. */
    truncated: z.boolean(),
  }),
});
export type PolicyPlan = z.infer<typeof PlanPolicy.output>;

const gatewayHold = z.object({
  gateway: z.string(),
  since: timestamp,
  until: timestamp,
  /** Devices whose denials wait. */
  devices: z.int(),
  sessions: z.int(),
});

export const GetEngineStatus = defineRequest({
  service: 'policy-engine',
  verb: 'status',
  summary: 'What policy is in force, how far a review of the fleet is, and which gateways hold revocations back.',
  input: z.object({}),
  output: z.object({
    /** 0 where none is in force. */
    policyRevision: z.int().nonnegative(),
    /** The active revision loads; otherwise everything is denied. */
    policyLoads: z.boolean(),
    /** Why it does not; some of the errors, where there are many. */
    policyErrors: z.array(policyError).optional(),
    /** A policy in report mode that runs beside it. */
    reportingRevision: z.int().positive().optional(),
    /** Who signed the policy in force, or the newer one in report mode; absent where none has to be signed. */
    policySigner: z.string().optional(),
    /** The newest that the log says is in force, and that does not count: no policy admin signed it. */
    unverifiedRevision: z.int().positive().optional(),
    review: fleetReview.nullable(),
    holds: z.array(gatewayHold),
  }),
});
export type EngineStatus = z.infer<typeof GetEngineStatus.output>;

export const GetPosture = defineRequest({
  service: 'posture-store',
  verb: 'get',
  summary: 'The posture of one device.',
  input: z.object({ deviceId: z.string().check(atLeast(1)) }),
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

/** Why somebody was not let in, or was warned, as a gateway told it. */
const denial = z.object({
  denialId: z.uuid(),
  gateway: z.string(),
  effect: z
    .enum(['deny', 'warn'])
    .describe('Of a warning, access goes on, and the page with this id is for whoever wants to keep it.'),
  /** What was proved of who asked. */
  deviceId: z.string().optional(),
  user: z.string().optional(),
  resource: z.string().optional(),
  reasons: z.array(reason),
  /** The first time; who asks again for the same reasons gets the same denial. */
  deniedAt: timestamp,
  /** Of a warning: when it becomes a denial. */
  until: timestamp.optional(),
});
export type Denial = z.infer<typeof denial>;

export const LookUpDenial = defineRequest({
  service: 'gateway',
  verb: 'denial',
  summary:
    'What somebody was told who was not let in, by the id on the page. Every replica of every gateway hears it; only the one that gave the answer, within the last hour, replies.',
  heardBy: 'every',
  input: z.object({ denialId: z.uuid() }),
  output: denial.extend({
    secret: z
      .string()
      .describe(
        'What the id was made of: the first 16 bytes of its SHA-256, as a UUID of version 8. An answer counts only with it.',
      ),
  }),
});
export type DenialWithSecret = z.infer<typeof LookUpDenial.output>;

export const REQUESTS = [
  Explain,
  PlanPolicy,
  GetEngineStatus,
  GetPosture,
  ListPostures,
  ListUnmatched,
  ListAudit,
  VerifyAudit,
  LookUpDenial,
] as const satisfies readonly RequestContract[];
