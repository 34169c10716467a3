import type { StepOutcome } from '../scenario/steps.js';
import type { Agent } from '../sentinelone/agent.js';
import type { AgentSummary, Outcome } from './protocol.js';

/** What an agent can be asked for by. */
export function namesOf(agent: Agent): string[] {
  return [agent.id, agent.computerName, agent.serialNumber ?? '', agent.lastLoggedInUserName];
}

export function summarise(agent: Agent): AgentSummary {
  return {
    id: agent.id,
    computerName: agent.computerName,
    serialNumber: agent.serialNumber ?? null,
    osType: agent.osType,
    machineType: agent.machineType,
    lastLoggedInUserName: agent.lastLoggedInUserName,
    infected: agent.infected,
    activeThreats: agent.activeThreats,
    networkStatus: agent.networkStatus,
    isActive: agent.isActive,
    isDecommissioned: agent.isDecommissioned,
    isUninstalled: agent.isUninstalled,
    lastActiveDate: agent.lastActiveDate,
    updatedAt: agent.updatedAt,
  };
}

export function outcomeOf({ did, agent, tenant, ids, token }: StepOutcome): Outcome {
  return {
    did,
    ...(agent && { agent: summarise(agent) }),
    ...(tenant !== undefined && { tenant }),
    ...(ids && { ids: [...ids] }),
    ...(token !== undefined && { token }),
  };
}
