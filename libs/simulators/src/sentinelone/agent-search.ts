import type { Agent } from './agent.js';

/** Thrown when a scenario names an agent the tenant does not have; list the fleet to see its ids. */
export class UnknownAgent extends Error {
  constructor(readonly reference: string) {
    super(`The simulated tenant has no agent ${reference}`);
    this.name = 'UnknownAgent';
  }
}

/** Thrown when a name or serial number fits several current agents; use one of the ids. */
export class AmbiguousAgent extends Error {
  constructor(
    readonly reference: string,
    readonly ids: readonly string[],
  ) {
    super(`${reference} names ${ids.length} agents of the simulated tenant; use an id: ${ids.join(', ')}`);
    this.name = 'AmbiguousAgent';
  }
}

/** Finds by computer name or serial number, whatever the case; current agents go before those that left. Throws UnknownAgent or AmbiguousAgent. */
export function findAgent(agents: Iterable<Agent>, reference: string): Agent {
  const wanted = reference.toLowerCase();
  const found: Agent[] = [];
  for (const agent of agents) {
    if (agent.computerName.toLowerCase() === wanted || (wanted !== '' && agent.serialNumber?.toLowerCase() === wanted))
      found.push(agent);
  }
  const current = found.filter((agent) => !agent.isDecommissioned && !agent.isUninstalled);
  const candidates = current.length > 0 ? current : found;
  const [only] = candidates;
  if (only === undefined) throw new UnknownAgent(reference);
  if (candidates.length > 1)
    throw new AmbiguousAgent(
      reference,
      candidates.map(({ id }) => id),
    );
  return only;
}
