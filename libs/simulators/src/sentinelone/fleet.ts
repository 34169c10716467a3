import type { Agent, AgentPatch } from './agent.js';
import { AGENT_COLUMNS } from './agent-query.js';
import { generateAgent } from './generate-agent.js';
import type { GivenAgent } from './generate-fleet.js';
import { idFrom } from './ids.js';
import type { JsonValue } from './json.js';
import { RecordStore } from './record-store.js';
import { detectThreat, isActiveThreat, threatJson } from './threat.js';
import type { Threat, ThreatDetails } from './threat.js';
import { THREAT_COLUMNS } from './threat-query.js';
import { formatTimestamp, parseTimestamp } from './timestamps.js';
import type { TenantClock } from './timestamps.js';

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

/** Thrown when an agent is added under an id that is taken. */
export class AgentExists extends Error {
  constructor(readonly id: string) {
    super(`The simulated tenant already has an agent ${id}`);
    this.name = 'AgentExists';
  }
}

/** How a change shows: a silent one leaves `updatedAt` where it was, so that only a full sweep finds it. */
export interface ChangeOptions {
  readonly silent?: boolean;
}

/** The agents and threats of a tenant, and everything that can happen to them. Every change but heartbeats and silent ones moves `updatedAt`. */
export class Fleet {
  /** What list calls read. */
  readonly agents: RecordStore<Agent>;
  readonly threats: RecordStore<Threat>;
  readonly #threatsOf = new Map<string, Set<string>>();
  readonly #distortions = new Map<string, Readonly<Record<string, JsonValue | undefined>>>();
  readonly #clock: TenantClock;
  readonly #seed: number;
  #planted = 0;
  #generated = 0;

  constructor(agents: readonly Agent[], clock: TenantClock, seed: number) {
    this.#clock = clock;
    this.#seed = seed;
    this.agents = new RecordStore(AGENT_COLUMNS, (agent) => {
      const distortion = this.#distortions.get(agent.id);
      return JSON.stringify(distortion === undefined ? agent : { ...agent, ...distortion });
    });
    this.threats = new RecordStore(THREAT_COLUMNS, (threat) =>
      threatJson(threat, this.agents.get(threat.agentId) ?? threat.detectedOn),
    );
    for (const agent of agents) this.#insert(agent);
    this.#generated = agents.length;
  }

  get size(): number {
    return this.agents.size;
  }

  /** All agents, decommissioned and uninstalled ones too. */
  list(): Agent[] {
    return [...this.agents.values()];
  }

  /** Serialises all agents now instead of when they are first read: for measurements. 100,000 take about three seconds. */
  prepare(): void {
    this.agents.serialiseAll();
  }

  /** The agent with this id; throws UnknownAgent. */
  get(id: string): Agent {
    const agent = this.agents.get(id);
    if (agent === undefined) throw new UnknownAgent(id);
    return agent;
  }

  /** Finds by id, else by computer name or serial number, whatever the case; current agents go before those that left. Throws UnknownAgent or AmbiguousAgent. */
  find(reference: string): Agent {
    const byId = this.agents.get(reference);
    if (byId !== undefined) return byId;
    const wanted = reference.toLowerCase();
    const found = this.list().filter(
      (agent) =>
        agent.computerName.toLowerCase() === wanted || (wanted !== '' && agent.serialNumber?.toLowerCase() === wanted),
    );
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

  /** The threats of an agent, oldest first. */
  threatsOf(id: string): Threat[] {
    return [...(this.#threatsOf.get(id) ?? [])]
      .map((threatId) => this.threats.get(threatId))
      .filter((threat) => threat !== undefined);
  }

  /** A threat is detected and not mitigated: infected, one more active threat, one more row in `/threats`. */
  infect(id: string, details: ThreatDetails = {}): Agent {
    const agent = this.get(id);
    const at = this.#clock.tick();
    this.#planted += 1;
    const threat = detectThreat(agent, idFrom(at / 1000, this.#planted), at, details);
    this.threats.put(threat);
    const own = this.#threatsOf.get(id) ?? new Set();
    this.#threatsOf.set(id, own.add(threat.id));
    return this.update(id, { infected: true, activeThreats: this.#activeThreats(id) });
  }

  /** All its threats are mitigated and resolved: not infected, no active threat. */
  clean(id: string): Agent {
    for (const threat of this.threatsOf(id)) {
      if (!isActiveThreat(threat)) continue;
      const updatedAt = formatTimestamp(this.#clock.tick());
      this.threats.put({
        ...threat,
        incidentStatus: 'resolved',
        mitigationStatus: 'mitigated',
        analystVerdict: 'true_positive',
        updatedAt,
      });
    }
    return this.update(id, { infected: false, activeThreats: 0 });
  }

  /** SentinelOne cuts the machine off the network; the agent goes on talking to the console. */
  isolate(id: string): Agent {
    return this.update(id, { networkStatus: 'disconnected', isActive: true });
  }

  /** Ends the isolation. */
  reconnect(id: string): Agent {
    return this.update(id, { networkStatus: 'connected', isActive: true });
  }

  /** The agent leaves the console's care; list calls show it only when asked for. */
  decommission(id: string): Agent {
    return this.update(id, { isDecommissioned: true, isActive: false });
  }

  /** The agent is removed from its machine; list calls show it only when asked for. */
  uninstall(id: string): Agent {
    return this.update(id, { isUninstalled: true, isPendingUninstall: false, isActive: false });
  }

  /** Changes fields of an agent. */
  update(id: string, patch: AgentPatch, { silent = false }: ChangeOptions = {}): Agent {
    const agent = this.get(id);
    const updatedAt = silent ? agent.updatedAt : formatTimestamp(this.#clock.tick());
    return this.#replace({ ...agent, ...patch, updatedAt });
  }

  /** The agent checks in: `lastActiveDate` moves, `updatedAt` does not. Milliseconds since 1970, default now. */
  heartbeat(id: string, at?: number): Agent {
    const lastActiveDate = formatTimestamp(at === undefined ? this.#clock.now() : Math.floor(at * 1000));
    return this.#replace({ ...this.get(id), lastActiveDate });
  }

  /** An agent registers; what is not given is generated. Throws AgentExists. */
  add(given: GivenAgent = {}): Agent {
    const at = this.#clock.tick();
    const createdAt = formatTimestamp(at);
    const fresh = {
      id: idFrom(at / 1000, this.#generated),
      createdAt,
      registeredAt: createdAt,
      lastActiveDate: createdAt,
      updatedAt: createdAt,
    };
    const agent: Agent = { ...generateAgent(this.#seed, this.#generated, at), ...fresh, ...given };
    if (this.agents.get(agent.id) !== undefined) throw new AgentExists(agent.id);
    this.#generated += 1;
    this.#insert(agent);
    return agent;
  }

  /** The agent's row vanishes without a trace, with its threats: something a console never does in the normal course. */
  remove(id: string): void {
    this.get(id);
    for (const threat of this.threatsOf(id)) this.threats.delete(threat.id);
    this.#threatsOf.delete(id);
    this.#distortions.delete(id);
    this.agents.delete(id);
  }

  /**
   * From now on the agent's JSON shows these fields instead of its own: odd types, unknown fields, or, with undefined,
   * a missing one. Filters and sorting go on reading what the tenant holds. An empty record ends it.
   */
  distort(id: string, fields: Readonly<Record<string, JsonValue | undefined>>, options: ChangeOptions = {}): Agent {
    this.#distortions.set(id, fields);
    return this.update(id, {}, options);
  }

  #activeThreats(id: string): number {
    return this.threatsOf(id).filter(isActiveThreat).length;
  }

  #insert(agent: Agent): void {
    this.#clock.advancePast(parseTimestamp(agent.updatedAt) ?? 0);
    this.agents.put(agent);
  }

  #replace(agent: Agent): Agent {
    this.agents.put(agent);
    for (const threatId of this.#threatsOf.get(agent.id) ?? []) this.threats.refresh(threatId);
    return agent;
  }
}
