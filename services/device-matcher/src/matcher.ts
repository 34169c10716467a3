import type { Origin } from '@stance/jetstream';
import { matchBySerial, type Match } from './match.js';
import type { AgentKeys, Index, KnownRegister, Observation, Register, Tables } from './matching.store.js';
import { SerialIndex } from './serial-index.js';

/** Reads an agent's last observation, for agents whose match changes because of somebody else. */
export type ReadObservation = (keys: AgentKeys) => Promise<Observation | undefined>;

/**
 * Keeps one register per agent: which device it belongs to, and what it last reported.
 *
 * Who shares a serial number decides about all of them, so a change of one agent or device looks at every agent that has, or
 * had, the same number.
 */
export class Matcher {
  private readonly devicesBySerial = new SerialIndex();
  private readonly agentsBySerial = new SerialIndex();
  private readonly agentKeys = new Map<string, AgentKeys>();
  private tables: Tables | undefined;

  constructor(private readonly readObservation: ReadObservation) {}

  /** Feeds the indexes; every table of {@link use} reports its changes here. */
  readonly index: Index = {
    agentChanged: (agent, keys) => {
      const id = idOf(keys);
      this.agentKeys.set(id, { source: keys.source, agentId: keys.agentId });
      this.agentsBySerial.set(id, agent?.serial.usable ? agent.serial.key : undefined);
    },
    deviceChanged: (device, deviceId) => {
      const counts = device?.enrolled && device.serial.usable;
      this.devicesBySerial.set(deviceId, counts ? device.serial.key : undefined);
    },
  };

  use(tables: Tables): void {
    this.tables = tables;
  }

  /** An agent was observed: its register takes over what it reports, and its serial number's other agents are looked at. */
  async agentObserved(observation: Observation, serialBefore: string | undefined, origin: Origin): Promise<void> {
    const keys = { source: observation.source, agentId: observation.agentId };
    const others = this.agentsSharing(serialBefore, this.serialOf(keys)).filter((id) => id !== idOf(keys));
    await Promise.all([this.register(keys, observation, origin), ...others.map((id) => this.rematch(id, origin))]);
  }

  /** A device was enrolled, changed or retired: its serial number's agents are looked at, old and new. */
  async deviceRecorded(serialBefore: string | undefined, serialNow: string | undefined, origin: Origin): Promise<void> {
    await Promise.all(this.agentsSharing(serialBefore, serialNow).map((id) => this.rematch(id, origin)));
  }

  /** The serial number that a device counts with, if any. */
  serialOfDevice(deviceId: string): string | undefined {
    const device = this.tables?.devices.get({ deviceId });
    return device?.enrolled && device.serial.usable ? device.serial.key : undefined;
  }

  /** The serial number that an agent counts with, if any. */
  serialOf(keys: AgentKeys): string | undefined {
    const serial = this.tables?.agents.get(keys)?.serial;
    return serial?.usable ? serial.key : undefined;
  }

  private agentsSharing(...serials: (string | undefined)[]): string[] {
    return [...new Set(serials.flatMap((serial) => (serial === undefined ? [] : this.agentsBySerial.idsOf(serial))))];
  }

  /** Where an agent belongs as of now. */
  private matchOf(keys: AgentKeys): Match {
    const agent = this.tables?.agents.get(keys);
    const serial = agent?.serial ?? { usable: false, problem: 'no-serial' };
    const key = serial.usable ? serial.key : undefined;
    return matchBySerial(serial, agent?.presence ?? 'present', {
      devices: key === undefined ? [] : this.devicesBySerial.idsOf(key),
      agents: key === undefined ? [] : this.agentsBySerial.idsOf(key).filter((id) => this.isPresent(id)),
    });
  }

  private isPresent(id: string): boolean {
    const keys = this.agentKeys.get(id);
    return keys !== undefined && this.tables?.agents.get(keys)?.presence === 'present';
  }

  /** Looks at an agent again because of somebody else; reads its observation back only when its match has changed. */
  private async rematch(id: string, origin: Origin): Promise<void> {
    const keys = this.agentKeys.get(id);
    if (keys === undefined) return;
    const stored = this.tables?.registers.get(keys);
    if (stored !== undefined && sameMatch(stored, this.matchOf(keys))) return;
    const observation = await this.readObservation(keys);
    if (observation !== undefined) await this.register(keys, observation, origin);
  }

  private async register(keys: AgentKeys, observation: Observation, origin: Origin): Promise<void> {
    await this.tables?.registers.write(keys, origin, (stored) => {
      const match = this.matchOf(keys);
      if (stored !== undefined) {
        // A newer observation has been registered meanwhile, by its own message and with the match of that moment.
        if (stored.observedAt > observation.observedAt) return undefined;
        if (stored.observedAt === observation.observedAt && sameMatch(stored, match)) return undefined;
      }
      return { data: registerOf(observation, match, stored), retires: observation.presence === 'gone' };
    });
  }
}

function registerOf(observation: Observation, match: Match, stored: KnownRegister | undefined): Register {
  const { hardware, goneReason: _, ...reported } = observation;
  const before = stored?.device ?? null;
  return {
    ...reported,
    ...match,
    previousDevice: before === match.device ? null : before,
    ...(hardware.serialNumber !== undefined && { serialNumber: hardware.serialNumber }),
    ...(hardware.hostname !== undefined && { hostname: hardware.hostname }),
  };
}

function sameMatch(stored: Match, match: Match): boolean {
  return (
    stored.state === match.state &&
    stored.device === match.device &&
    stored.problem === match.problem &&
    JSON.stringify(stored.candidates ?? []) === JSON.stringify(match.candidates ?? [])
  );
}

/** One string per agent: sources and agent ids cannot be confused, as a NUL stands in neither. */
export function idOf({ source, agentId }: AgentKeys): string {
  return `${source}\0${agentId}`;
}
