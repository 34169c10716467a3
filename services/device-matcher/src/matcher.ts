import { isDeepStrictEqual } from 'node:util';
import { RetryLater, type Origin } from '@stance/jetstream';
import { DeviceIndex } from './device-index.js';
import { matchBySerial, type Match } from './match.js';
import type {
  AgentKeys,
  Index,
  KnownRegister,
  Observation,
  Register,
  StoredRegister,
  Tables,
} from './matching.store.js';
import { SerialIndex } from './serial-index.js';
import { serialKeyOf } from './serial-number.js';

/** Reads an agent's register back from the stream, with the attributes, and into the table. */
export type ReadRegister = (keys: AgentKeys) => Promise<StoredRegister | undefined>;

/** How often a register is read back that somebody else keeps writing, before it is left for later. */
const MAX_READS = 5;

/**
 * Keeps one register per agent: which device it belongs to, and what it last reported.
 *
 * Who shares a serial number decides about all of them, so a change of one agent or device looks at every agent that has the
 * same number, and at every one whose register was written when another number counted. The registers say which those are,
 * so that a retry and a restart find the same ones.
 */
export class Matcher {
  private readonly devicesBySerial = new SerialIndex();
  private readonly agentsBySerial = new SerialIndex();
  private readonly registeredTo = new DeviceIndex();
  private readonly agentKeys = new Map<string, AgentKeys>();
  private tables: Tables | undefined;

  constructor(private readonly readRegister: ReadRegister) {}

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
    registerChanged: (register, keys, before) =>
      this.registeredTo.changed(idOf(keys), devicesOf(before), devicesOf(register)),
  };

  use(tables: Tables): void {
    this.tables = tables;
  }

  /**
   * An agent was observed: its serial number's other agents are looked at, and its register takes over what it reports.
   * Its own comes last: until then it has the serial number from before, which a retry needs again.
   */
  async agentObserved(observation: Observation, sequence: number, origin: Origin): Promise<void> {
    const keys = { source: observation.source, agentId: observation.agentId };
    const registered = serialKeyOf(this.tables?.registers.get(keys)?.serialNumber);
    const before = registered.usable ? registered.key : undefined;
    const others = this.agentsSharing(before, this.serialOf(keys)).filter((id) => id !== idOf(keys));
    await this.rematchAll(others, origin);
    await this.register(keys, observation, sequence, origin);
  }

  /**
   * A device was enrolled, changed or retired: the agents with its serial number are looked at, and those registered to it.
   * `serialBefore` finds those whose registration is still under way.
   */
  async deviceRecorded(deviceId: string, serialBefore: string | undefined, origin: Origin): Promise<void> {
    const sharing = this.agentsSharing(serialBefore, this.serialOfDevice(deviceId));
    await this.rematchAll(new Set([...sharing, ...this.registeredTo.agentsOf(deviceId)]), origin);
  }

  /** The serial number that a device counts with, if any. */
  serialOfDevice(deviceId: string): string | undefined {
    const device = this.tables?.devices.get({ deviceId });
    return device?.enrolled && device.serial.usable ? device.serial.key : undefined;
  }

  /** The serial number that an agent counts with, if any. */
  private serialOf(keys: AgentKeys): string | undefined {
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

  private async rematchAll(ids: Iterable<string>, origin: Origin): Promise<void> {
    const known = [...ids].map((id) => this.agentKeys.get(id)).filter((keys) => keys !== undefined);
    await Promise.all(known.map((keys) => this.rematch(keys, origin)));
  }

  /** Looks at an agent again because of somebody else; reads its register back only when its match has changed. */
  private async rematch(keys: AgentKeys, origin: Origin): Promise<void> {
    await this.update(keys, origin, (stored, whole) => {
      const match = this.matchOf(keys);
      // An agent without a register is about to get one, by its own observation.
      if (stored === undefined || sameMatch(stored, match)) return undefined;
      if (whole === undefined) return 'needs-whole';
      return whole === null ? undefined : rematched(whole, match, stored);
    });
  }

  private async register(keys: AgentKeys, observation: Observation, sequence: number, origin: Origin): Promise<void> {
    await this.update(keys, origin, (stored, whole) => {
      // Delivered again although a newer observation is known, whose own message registers it. Times would not tell: a
      // clock may have been set back.
      if (sequence < (this.tables?.agents.sequenceOf(keys) ?? 0)) return undefined;
      const match = this.matchOf(keys);
      const register = registerOf(observation, match, stored);
      // It looks as if it had been registered before; only the attributes tell it from another one of the same instant.
      if (stored?.observedAt === observation.observedAt && sameMatch(stored, match)) {
        if (whole === undefined) return 'needs-whole';
        if (whole !== null && isDeepStrictEqual({ ...register, previousDevice: whole.previousDevice }, whole))
          return undefined;
      }
      return register;
    });
  }

  /**
   * Writes the register that `decide` asks for. `whole` is the stored one with its attributes, `null` where it cannot be
   * read, `undefined` until it was asked for.
   */
  private async update(
    keys: AgentKeys,
    origin: Origin,
    decide: (
      stored: KnownRegister | undefined,
      whole: Register | null | undefined,
    ) => Register | undefined | 'needs-whole',
  ): Promise<void> {
    let last: StoredRegister | null | undefined;
    for (let reads = 0; reads <= MAX_READS; reads += 1) {
      let isWanting = false;
      // Asked in turn with the writes under way: what counts is the register that they leave.
      await this.tables?.registers.write(keys, origin, (stored) => {
        const isCurrent = last?.sequence === this.tables?.registers.sequenceOf(keys);
        const data = decide(stored, isCurrent ? last?.register : last === null ? null : undefined);
        isWanting = data === 'needs-whole';
        return data === undefined || data === 'needs-whole' ? undefined : { data, retires: data.presence === 'gone' };
      });
      if (!isWanting) return;
      last = (await this.readRegister(keys)) ?? null;
    }
    throw new RetryLater(
      `the register of agent ${keys.agentId} was written by somebody else ${MAX_READS} times in a row`,
    );
  }
}

function registerOf(observation: Observation, match: Match, stored: KnownRegister | undefined): Register {
  const { hardware, goneReason: _, ...reported } = observation;
  return {
    ...reported,
    ...match,
    previousDevice: previousDevice(match, stored),
    ...(hardware.serialNumber !== undefined && { serialNumber: hardware.serialNumber }),
    ...(hardware.hostname !== undefined && { hostname: hardware.hostname }),
  };
}

/** What the agent reported stays, where it belongs changes. */
function rematched(register: Register, match: Match, stored: KnownRegister): Register {
  const { candidates: _c, by: _b, trust: _t, problem: _p, ...reported } = register;
  return { ...reported, ...match, previousDevice: previousDevice(match, stored) };
}

function previousDevice(match: Match, stored: KnownRegister | undefined): string | null {
  const before = stored?.device ?? null;
  return before === match.device ? null : before;
}

function sameMatch(stored: Match, match: Match): boolean {
  return (
    stored.state === match.state &&
    stored.device === match.device &&
    stored.problem === match.problem &&
    JSON.stringify(stored.candidates ?? []) === JSON.stringify(match.candidates ?? [])
  );
}

function devicesOf(register: KnownRegister | undefined): readonly string[] {
  if (register === undefined) return [];
  return register.device === null ? (register.candidates ?? []) : [register.device];
}

/** One string per agent: sources and agent ids cannot be confused, as a NUL stands in neither. */
export function idOf({ source, agentId }: AgentKeys): string {
  return `${source}\0${agentId}`;
}
