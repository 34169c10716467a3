import { z } from 'zod';
import { AGENT_VERBS } from '../scenario/steps.js';
import { faultSchema } from '../sentinelone/faults.js';

/** Where the control API lives, on the tenant's own port. */
export const CONTROL_PREFIX = '/simulator/v1';

/** What tells a simulator from a console: `GET /simulator/v1`. */
export const identitySchema = z.object({
  simulator: z.literal('sentinelone'),
  version: z.string(),
  agents: z.int(),
  /** What scenarios call this tenant. */
  name: z.string(),
  /** The tenants that run side by side, this one too. */
  tenants: z.array(z.object({ name: z.string(), url: z.string() })),
});

/** An agent in a few fields, under the names of the console's API. */
export const agentSummarySchema = z.object({
  id: z.string(),
  computerName: z.string(),
  serialNumber: z.string().nullable(),
  osType: z.string(),
  machineType: z.string(),
  lastLoggedInUserName: z.string(),
  infected: z.boolean(),
  activeThreats: z.int(),
  networkStatus: z.string(),
  isActive: z.boolean(),
  isDecommissioned: z.boolean(),
  isUninstalled: z.boolean(),
  lastActiveDate: z.string(),
  updatedAt: z.string(),
});

/** `GET /simulator/v1/agents`: the first `limit` agents that fit, and how many fit. */
export const agentListSchema = z.object({ agents: z.array(agentSummarySchema), total: z.int() });

/** `POST /simulator/v1/faults`. */
export const faultListSchema = z.object({ faults: z.array(faultSchema) });

/** `POST /simulator/v1/steps`, and `/steps/check`, which does nothing but look. */
export const stepListSchema = z.object({ steps: z.array(z.unknown()).min(1) });

/** What a step came to. */
export const outcomeSchema = z.object({
  did: z.string(),
  agent: agentSummarySchema.optional(),
  tenant: z.string().optional(),
  ids: z.array(z.string()).optional(),
  token: z.string().optional(),
});
export const outcomeListSchema = z.object({ outcomes: z.array(outcomeSchema) });

/** What is wrong with steps, by their position from 0. */
export const problemListSchema = z.object({
  problems: z.array(z.object({ step: z.int(), message: z.string() })),
});

/** Every refusal of the control API; of several steps, `step` is the one it came to. */
export const controlErrorSchema = z.object({
  error: z.object({
    code: z.string(),
    message: z.string(),
    ids: z.array(z.string()).optional(),
    step: z.int().optional(),
  }),
});

/** What can be done to an agent without saying more. `retire` is the console's "decommission". */
export const AGENT_ACTIONS = AGENT_VERBS;

export type AgentAction = (typeof AGENT_ACTIONS)[number];
export type SimulatorIdentity = z.infer<typeof identitySchema>;
export type AgentSummary = z.infer<typeof agentSummarySchema>;
export type AgentList = z.infer<typeof agentListSchema>;
export type Outcome = z.infer<typeof outcomeSchema>;
export type StepProblem = z.infer<typeof problemListSchema>['problems'][number];

export function isAgentAction(text: string): text is AgentAction {
  return AGENT_ACTIONS.some((action) => action === text);
}
