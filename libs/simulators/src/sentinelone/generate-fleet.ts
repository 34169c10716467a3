import type { Agent, AgentPatch } from './agent.js';
import { generateAgent } from './generate-agent.js';
import { idFrom } from './ids.js';
import { DEFAULT_ORGANISATION } from './organisation.js';
import type { Organisation } from './organisation.js';
import type { Microseconds } from './timestamps.js';

/** Which fleet a tenant starts with. */
export interface GeneratedFleet {
  /** Number of agents, decommissioned ones included. */
  readonly size: number;
  /** Share of agents whose serial number is missing, null, empty or a placeholder. Default 0.02. */
  readonly unusableSerials?: number;
  /** Share of agents that are a decommissioned earlier registration of the machine before them. Default 0.01. */
  readonly reRegistered?: number;
}

/** A given agent: what is said of it holds, the rest is generated. */
export type GivenAgent = AgentPatch & Partial<Pick<Agent, 'id' | 'updatedAt'>>;

/** A number of generated agents, generated agents with shares of the usual troubles, or given ones. */
export type FleetOption = number | GeneratedFleet | readonly GivenAgent[];

/**
 * Builds the fleet a tenant starts with. By default every 50th machine has no usable serial number and every
 * 100th entry (the 75th first) is an earlier registration of its neighbour: fleets under 50 are free of both.
 */
export function generateFleet(
  option: FleetOption,
  seed: number,
  now: Microseconds,
  organisation: Organisation = DEFAULT_ORGANISATION,
): Agent[] {
  const generate = (index: number) => generateAgent(seed, index, now, organisation);
  if (isGiven(option)) return option.map((given, index) => ({ ...generate(index), ...given }));
  const { size, unusableSerials = 0.02, reRegistered = 0.01 } = typeof option === 'number' ? { size: option } : option;
  const agents: Agent[] = [];
  for (let index = 0; index < size; index += 1) {
    const before = agents.at(-1);
    let agent = generate(index);
    if (before !== undefined && fallsOn(index + 25, reRegistered)) agent = earlierRegistration(before, agent, index);
    else if (fallsOn(index, unusableSerials))
      agent = withoutUsableSerial(agent, Math.floor((index + 1) * unusableSerials));
    agents.push(agent);
  }
  return agents;
}

function isGiven(option: FleetOption): option is readonly GivenAgent[] {
  return Array.isArray(option);
}

/** True for every n-th index so that the share holds exactly. */
function fallsOn(index: number, share: number): boolean {
  return Math.floor((index + 1) * share) > Math.floor(index * share);
}

function earlierRegistration(current: Agent, replaced: Agent, index: number): Agent {
  return {
    ...current,
    id: idFrom(Date.parse(current.createdAt) - 86_400_000, index),
    uuid: replaced.uuid,
    createdAt: replaced.createdAt < current.createdAt ? replaced.createdAt : current.createdAt,
    isActive: false,
    isDecommissioned: true,
  };
}

function withoutUsableSerial(agent: Agent, turn: number): Agent {
  const { serialNumber, ...rest } = agent;
  const unusable = [null, '', 'To be filled by O.E.M.', undefined][turn % 4];
  if (serialNumber === undefined || unusable === undefined) return rest;
  return { ...rest, serialNumber: unusable };
}
