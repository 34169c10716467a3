import { z } from 'zod';
import { faultSchema } from '../sentinelone/faults.js';

/** Where the control API lives, on the tenant's own port. */
export const CONTROL_PREFIX = '/simulator/v1';

/** What tells a simulator from a console: `GET /simulator/v1`. */
export const identitySchema = z.object({
  simulator: z.literal('sentinelone'),
  version: z.string(),
  agents: z.int(),
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

/** Every refusal of the control API. */
export const controlErrorSchema = z.object({
  error: z.object({ code: z.string(), message: z.string(), ids: z.array(z.string()).optional() }),
});

/** What can be done to an agent. `retire` is the console's "decommission". */
export const AGENT_ACTIONS = ['infect', 'clean', 'isolate', 'reconnect', 'retire', 'uninstall'] as const;

export type AgentAction = (typeof AGENT_ACTIONS)[number];
export type SimulatorIdentity = z.infer<typeof identitySchema>;
export type AgentSummary = z.infer<typeof agentSummarySchema>;
export type AgentList = z.infer<typeof agentListSchema>;

export function isAgentAction(text: string): text is AgentAction {
  return AGENT_ACTIONS.some((action) => action === text);
}
