import type { AgentActivity } from './activity-types.js';
import { Agenda } from './agenda.js';
import type { Agent, AgentPatch } from './agent.js';
import { AgentRegister } from './agent-register.js';
import type { ChangeOptions } from './agent-register.js';
import type { GivenAgent } from './generate-fleet.js';
import type { Organisation } from './organisation.js';
import { cloneOf, reimaged } from './registrations.js';
import { Silence } from './silence.js';
import type { Threat, ThreatDetails } from './threat.js';
import type { TenantClock } from './timestamps.js';

/** How an agent falls silent. */
export interface SilenceOptions extends ChangeOptions {
  /** Milliseconds until the console shows it as inactive; 0 is at once. Default five minutes. */
  readonly inactiveAfterMs?: number;
}

const UNNOTICED_MS = 300_000;

/** The agents of a tenant and everything that can happen to them. Every change moves `updatedAt` unless it says otherwise. */
export class Fleet extends AgentRegister {
  readonly #agenda: Agenda;
  readonly #silence: Silence;

  constructor(agents: readonly Agent[], clock: TenantClock, seed: number, organisation?: Organisation) {
    super(agents, clock, seed, organisation);
    this.#agenda = new Agenda(clock);
    this.#silence = new Silence(this.#agenda);
  }

  /** Lets happen what is due by now; every request to the tenant does so first. */
  settle(): void {
    this.#agenda.settle();
  }

  /** The threats of an agent, oldest first. */
  threatsOf(id: string): Threat[] {
    return this.threatRegister.of(id);
  }

  /** True from `silence` until `return`. */
  isSilent(id: string): boolean {
    return this.#silence.has(id);
  }

  /** A threat is detected and not mitigated: infected, one more active threat, one more row in `/threats`. Silent, it shows there and in `/activities` at once, and in `/agents` without a new `updatedAt`. */
  infect(id: string, { silent = false, ...details }: ThreatDetails & ChangeOptions = {}): Agent {
    const agent = this.get(id);
    const threat = this.threatRegister.detect(agent, details);
    this.activities.write('threatDetected', agent, threat);
    return this.update(id, { infected: true, activeThreats: this.threatRegister.countActive(id) }, { silent });
  }

  /** All its threats are mitigated and resolved, which moves their `updatedAt`: not infected, no active threat. */
  clean(id: string, options: ChangeOptions = {}): Agent {
    const agent = this.get(id);
    for (const threat of this.threatRegister.resolve(id)) this.activities.write('threatResolved', agent, threat);
    return this.update(id, { infected: false, activeThreats: 0 }, options);
  }

  /** SentinelOne cuts the machine off the network; the agent goes on talking to the console. */
  isolate(id: string, options: ChangeOptions = {}): Agent {
    return this.#happens('isolated', id, { networkStatus: 'disconnected', isActive: !this.isSilent(id) }, options);
  }

  /** Ends the isolation. */
  reconnect(id: string, options: ChangeOptions = {}): Agent {
    return this.#happens('reconnected', id, { networkStatus: 'connected', isActive: !this.isSilent(id) }, options);
  }

  /** The agent leaves the console's care; list calls show it only when asked for. */
  decommission(id: string, options: ChangeOptions = {}): Agent {
    return this.#happens('decommissioned', id, { isDecommissioned: true, isActive: false }, options);
  }

  /** The console takes a decommissioned agent back. */
  recommission(id: string, options: ChangeOptions = {}): Agent {
    return this.#happens('recommissioned', id, { isDecommissioned: false, isActive: !this.isSilent(id) }, options);
  }

  /** The agent is removed from its machine; list calls show it only when asked for. */
  uninstall(id: string, options: ChangeOptions = {}): Agent {
    const patch = { isUninstalled: true, isPendingUninstall: false, isActive: false };
    return this.#happens('uninstalled', id, patch, options);
  }

  /** The agent stops checking in: `lastActiveDate` stands still, and after a while it is inactive, by default without a new `updatedAt`. */
  silence(id: string, { inactiveAfterMs = UNNOTICED_MS, silent = true }: SilenceOptions = {}): Agent {
    this.get(id);
    this.#silence.begin(id, inactiveAfterMs, () => {
      if (this.agents.get(id) !== undefined) this.update(id, { isActive: false }, { silent });
    });
    return this.get(id);
  }

  /** The agent checks in again and is active; by default without a new `updatedAt`, as real check-ins. */
  return(id: string, { silent = true }: ChangeOptions = {}): Agent {
    this.update(id, { isActive: true }, { silent });
    this.#silence.end(id);
    return this.heartbeat(id);
  }

  /** The machine is set up anew: its agent falls silent at once, a new one registers with the same serial number and MAC addresses, another id and uuid. Answers the new one. */
  reimage(id: string, given: GivenAgent = {}): Agent {
    const agent = this.get(id);
    this.silence(id, { inactiveAfterMs: 0 });
    return this.add({ ...reimaged(agent), ...given });
  }

  /** A clean virtual machine registers that has the agent's serial number and nothing else of it. Answers the new one. */
  cloneSerial(id: string, given: GivenAgent = {}): Agent {
    return this.add({ ...cloneOf(this.get(id)), ...given });
  }

  /** The agent has moved to another console: it falls silent here, and is decommissioned after so many milliseconds if told. */
  leave(id: string, { decommissionAfterMs }: { readonly decommissionAfterMs?: number } = {}): Agent {
    this.update(id, { consoleMigrationStatus: 'Migrated' });
    this.silence(id, { inactiveAfterMs: 0 });
    if (decommissionAfterMs !== undefined) {
      this.#agenda.after(decommissionAfterMs, () => {
        if (this.agents.get(id) !== undefined) this.decommission(id);
      });
    }
    return this.get(id);
  }

  override remove(id: string): void {
    super.remove(id);
    this.#silence.end(id);
  }

  #happens(kind: AgentActivity, id: string, patch: AgentPatch, options: ChangeOptions): Agent {
    const agent = this.update(id, patch, options);
    this.activities.write(kind, agent);
    return agent;
  }
}
