import type { Agent } from './agent.js';
import { idFrom } from './ids.js';
import { RecordStore } from './record-store.js';
import { detectThreat, isActiveThreat, threatJson } from './threat.js';
import type { Threat, ThreatDetails } from './threat.js';
import { THREAT_COLUMNS } from './threat-query.js';
import { formatTimestamp } from './timestamps.js';
import type { TenantClock } from './timestamps.js';

/** The threats of a tenant, by agent too. */
export class ThreatRegister {
  /** What list calls read. */
  readonly records: RecordStore<Threat>;
  readonly #ofAgent = new Map<string, Set<string>>();
  readonly #clock: TenantClock;
  #detected = 0;

  /** `agentNow` answers the agent as it is now, as threats show it. */
  constructor(clock: TenantClock, agentNow: (id: string) => Agent | undefined) {
    this.#clock = clock;
    this.records = new RecordStore(THREAT_COLUMNS, (threat) =>
      threatJson(threat, agentNow(threat.agentId) ?? threat.detectedOn),
    );
  }

  /** The threats of an agent, oldest first. */
  of(agentId: string): Threat[] {
    return [...(this.#ofAgent.get(agentId) ?? [])]
      .map((id) => this.records.get(id))
      .filter((threat) => threat !== undefined);
  }

  countActive(agentId: string): number {
    return this.of(agentId).filter(isActiveThreat).length;
  }

  detect(agent: Agent, details: ThreatDetails): Threat {
    const at = this.#clock.tick();
    this.#detected += 1;
    const threat = detectThreat(agent, idFrom(at / 1000, this.#detected), at, details);
    this.records.put(threat);
    this.#ofAgent.set(agent.id, (this.#ofAgent.get(agent.id) ?? new Set()).add(threat.id));
    return threat;
  }

  /** Mitigates and resolves what is active on an agent, which moves `updatedAt` of these threats. */
  resolve(agentId: string): Threat[] {
    return this.of(agentId)
      .filter(isActiveThreat)
      .map((threat) => {
        const resolved: Threat = {
          ...threat,
          incidentStatus: 'resolved',
          mitigationStatus: 'mitigated',
          analystVerdict: 'true_positive',
          updatedAt: formatTimestamp(this.#clock.tick()),
        };
        this.records.put(resolved);
        return resolved;
      });
  }

  /** The agent changed: its threats show it. */
  refresh(agentId: string): void {
    for (const id of this.#ofAgent.get(agentId) ?? []) this.records.refresh(id);
  }

  remove(agentId: string): void {
    for (const id of this.#ofAgent.get(agentId) ?? []) this.records.delete(id);
    this.#ofAgent.delete(agentId);
  }
}
