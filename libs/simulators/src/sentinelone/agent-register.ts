import { ActivityLog } from './activity-log.js';
import type { Agent, AgentPatch } from './agent.js';
import { AGENT_COLUMNS } from './agent-query.js';
import { findAgent, UnknownAgent } from './agent-search.js';
import { generateAgent } from './generate-agent.js';
import type { GivenAgent } from './generate-fleet.js';
import { idFrom } from './ids.js';
import type { Fields, MalformedForm } from './malformed.js';
import { DEFAULT_ORGANISATION } from './organisation.js';
import type { Organisation } from './organisation.js';
import { Places } from './place.js';
import { Random } from './random.js';
import { RecordStore } from './record-store.js';
import { Spellings } from './spellings.js';
import type { Threat } from './threat.js';
import { ThreatRegister } from './threat-register.js';
import { formatTimestamp, parseTimestamp } from './timestamps.js';
import type { TenantClock } from './timestamps.js';

/** Thrown when an agent is added under an id that is taken. */
export class AgentExists extends Error {
  constructor(readonly id: string) {
    super(`The simulated tenant already has an agent ${id}`);
    this.name = 'AgentExists';
  }
}

/** How a change shows: a silent one leaves the agent's `updatedAt` where it was, so that no delta finds it. */
export interface ChangeOptions {
  readonly silent?: boolean;
}

/** Which agents a form befalls: these ids, or each current agent with a probability drawn from the seed (default 1). */
export type Affected = { readonly ids: readonly string[] } | { readonly share: number; readonly seed?: number };

/** The agents of a tenant with all that hangs on them: their records and the odd forms of these, threats, activities, sites. */
export class AgentRegister {
  /** What list calls read. */
  readonly agents: RecordStore<Agent>;
  readonly threats: RecordStore<Threat>;
  readonly activities: ActivityLog;
  readonly places = new Places();
  protected readonly threatRegister: ThreatRegister;
  readonly #spellings = new Spellings();
  readonly #twins = new Map<string, string>();
  readonly #clock: TenantClock;
  readonly #seed: number;
  readonly #organisation: Organisation;
  #generated = 0;

  constructor(
    agents: readonly Agent[],
    clock: TenantClock,
    seed: number,
    organisation: Organisation = DEFAULT_ORGANISATION,
  ) {
    this.#clock = clock;
    this.#seed = seed;
    this.#organisation = organisation;
    this.activities = new ActivityLog(clock);
    this.agents = new RecordStore(AGENT_COLUMNS, (agent) => this.#spellings.write(agent));
    this.threatRegister = new ThreatRegister(clock, (id) => this.agents.get(id));
    this.threats = this.threatRegister.records;
    for (const site of organisation.sites) this.places.know(site, organisation.account);
    for (const agent of agents) this.#insert(agent);
    this.#generated = agents.length;
  }

  get size(): number {
    return this.agents.size;
  }

  /** All agents, decommissioned and uninstalled ones too, and the second rows of `duplicateId` under ids of their own. */
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
    return this.agents.get(reference) ?? findAgent(this.#originals(), reference);
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
    const generated = generateAgent(this.#seed, this.#generated, at, this.#organisation);
    const agent: Agent = { ...generated, ...fresh, ...given };
    if (this.agents.get(agent.id) !== undefined) throw new AgentExists(agent.id);
    this.#generated += 1;
    this.#insert(agent);
    this.activities.write('subscribed', agent);
    return agent;
  }

  /** The agent's row vanishes without a trace, with its threats: something a console never does in the normal course. */
  remove(id: string): void {
    this.get(id);
    this.setRight(id, { silent: true });
    this.threatRegister.remove(id);
    this.#twins.delete(id);
    this.agents.delete(id);
  }

  /**
   * From now on the agent's JSON shows these fields instead of its own: odd types, unknown fields, or, with undefined,
   * a missing one. Filters and sorting go on reading what the tenant holds. An empty record ends it.
   */
  distort(id: string, fields: Fields, options: ChangeOptions = {}): Agent {
    this.get(id);
    this.#spellings.setFields(id, fields);
    return this.update(id, {}, options);
  }

  /** Lets a malformed form befall agents, whatever they become later; answers whom. Throws UnknownAgent. */
  malform(form: MalformedForm, affected: Affected, options: ChangeOptions = {}): string[] {
    const ids = 'ids' in affected ? affected.ids.map((id) => this.get(id).id) : this.#draw(affected);
    for (const id of ids) {
      if (form === 'duplicate-id') this.duplicateId(id);
      else {
        this.#spellings.addForm(id, form);
        this.update(id, {}, options);
      }
    }
    return [...ids];
  }

  /** Lists a second row with the id of this agent and another uuid; answers the second, which the tenant keeps under an id of its own. */
  duplicateId(id: string): Agent {
    const { uuid: _other, updatedAt: _later, ...same } = this.get(id);
    const twin = this.add({ ...same, id: idFrom(this.#clock.tick() / 1000, this.#generated) });
    this.#twins.set(twin.id, id);
    this.#spellings.setFields(twin.id, { id });
    return twin;
  }

  /** The ids under which the tenant keeps the rows that show these: second rows are asked for by the id that they show. */
  rowsShowing(ids: readonly string[]): string[] {
    const wanted = new Set(ids);
    return [...ids, ...[...this.#twins].flatMap(([twin, original]) => (wanted.has(original) ? [twin] : []))];
  }

  /** Ends distortions, malformed forms and the second rows of an agent. */
  setRight(id: string, options: ChangeOptions = {}): Agent {
    const twins = [...this.#twins].filter(([, original]) => original === id).map(([twin]) => twin);
    for (const twin of twins) this.remove(twin);
    this.#spellings.clear(id);
    return this.update(id, {}, options);
  }

  #draw({ share, seed = 1 }: { readonly share: number; readonly seed?: number }): string[] {
    const random = new Random(seed, 0);
    const drawn = [...this.#originals()].filter(() => random.chance(share));
    return drawn
      .filter(({ isDecommissioned, isUninstalled }) => !isDecommissioned && !isUninstalled)
      .map(({ id }) => id);
  }

  *#originals(): Generator<Agent> {
    for (const agent of this.agents.values()) if (!this.#twins.has(agent.id)) yield agent;
  }

  #insert(agent: Agent): void {
    this.#clock.advancePast(parseTimestamp(agent.updatedAt) ?? 0);
    this.places.know({ id: agent.siteId, name: agent.siteName }, { id: agent.accountId, name: agent.accountName });
    this.agents.put(agent);
  }

  #replace(agent: Agent): Agent {
    this.agents.put(agent);
    this.threatRegister.refresh(agent.id);
    return agent;
  }
}
