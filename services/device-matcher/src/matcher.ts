import { isDeepStrictEqual } from 'node:util';
import type { Hardware } from '@stance/contracts';
import { RetryLater, type Origin } from '@stance/jetstream';
import { isClean } from '@stance/policy';
import type { IdentityReader } from './identity.js';
import {
  knownAgentOf,
  type AgentKeys,
  type KnownDevice,
  type KnownRegister,
  type Observation,
  type Register,
  type StoredRegister,
  type Tables,
} from './matching.store.js';
import { idOf, keysIn, matchIn, type Match, type Roster } from './roster.js';

/** Reads an agent's register back from the stream, with the attributes, and into the table. */
export type ReadRegister = (keys: AgentKeys) => Promise<StoredRegister | undefined>;

/** How often a register is read back that somebody else keeps writing, before it is left for later. */
const MAX_READS = 5;

/**
 * Keeps one register per agent: which device it belongs to, and what it last reported.
 *
 * Who else claims a device decides about all that do, so a change of one agent, device or link looks at every agent that it
 * may concern. What a failed attempt left undone stays noted for the next one, and {@link outdated} finds what a crash left.
 */
export class Matcher {
  /** By agent or device: the devices that its last change concerned, until all of their agents have been looked at. */
  private readonly unfinished = new Map<string, Set<string>>();
  /** Agents whose registers are being written, and how often. */
  private readonly writing = new Map<string, number>();

  /** Agents whose links have ended and that have not been looked at since. */
  private readonly unlinked = new Set<string>();

  constructor(
    private readonly tables: Tables,
    private readonly roster: Roster,
    private readonly identities: IdentityReader,
    private readonly readRegister: ReadRegister,
  ) {}

  /** An agent was observed. `take` takes the observation into the table. */
  async agentObserved(observation: Observation, sequence: number, origin: Origin, take: () => void): Promise<void> {
    const id = idOf(observation);
    const devices = this.unfinishedOf(id);
    const note = () => this.roster.devicesConcernedBy(id).forEach((device) => devices.add(device));
    note();
    take();
    note();
    const others = this.roster.agentsConcernedBy(devices);
    others.delete(id);
    // Its own comes last: until then it says where the agent was, which a retry needs again.
    await this.rematchAll(others, origin);
    await this.register(observation, sequence, origin);
    // Of one that is gone, what is decided about its successors depends on its register, and the other way round.
    if (observation.presence === 'gone') await this.rematchAll(this.roster.agentsConcernedBy(devices), origin);
    this.unfinished.delete(id);
  }

  /** A device was enrolled, changed or retired; `before` is what it was. */
  async deviceRecorded(deviceId: string, before: KnownDevice | undefined, origin: Origin): Promise<void> {
    const devices = this.unfinishedOf(`device:${deviceId}`).add(deviceId);
    const concerned = this.roster.agentsConcernedBy(devices, before);
    // Their other devices have other agents, which may be alone now, or no longer.
    for (const id of concerned) this.roster.devicesConcernedBy(id).forEach((device) => devices.add(device));
    await this.rematchAll([...concerned, ...this.roster.agentsConcernedBy(devices)], origin);
    this.unfinished.delete(`device:${deviceId}`);
  }

  /** A person linked an agent to a device, or took that back. `take` takes it into the table. */
  async linkChanged(keys: AgentKeys, origin: Origin, take: () => void): Promise<void> {
    const id = idOf(keys);
    const devices = this.unfinishedOf(id);
    const note = () => this.roster.devicesConcernedBy(id).forEach((device) => devices.add(device));
    note();
    take();
    note();
    await this.rematchAll(this.roster.agentsConcernedBy(devices).add(id), origin);
    this.unfinished.delete(id);
  }

  /** Links end by time alone. */
  async linksEnded(origin: Origin): Promise<void> {
    const { agents, devices } = this.roster.expireLinks();
    for (const id of agents) this.unlinked.add(id);
    const left = this.unfinishedOf('links');
    for (const device of [...devices, ...agents.flatMap((id) => this.roster.devicesConcernedBy(id))]) left.add(device);
    await this.rematchAll([...this.roster.agentsConcernedBy(left), ...this.unlinked], origin);
    this.unlinked.clear();
    this.unfinished.delete('links');
  }

  /** The agents whose registers do not say what they should, and `undefined` for each of the others. */
  *outdated(): IterableIterator<string | undefined> {
    for (const id of this.roster.agents()) yield this.isOutdated(id) ? id : undefined;
  }

  /**
   * The agents that were observed and have no register, and `undefined` for each of the others: to be asked when everything that
   * waited was handled. What nats-server takes for settled is never delivered again (docs/adr/0016).
   */
  *unregistered(): IterableIterator<string | undefined> {
    for (const id of this.roster.agents()) {
      const isMissing = this.roster.registerOf(id) === undefined && this.roster.isPresent(id);
      yield isMissing ? id : undefined;
    }
  }

  /** Looks at one agent again, and at those who waited for it to be known. */
  async rematch(id: string, origin: Origin): Promise<void> {
    const wasLeaving = this.roster.isLeaving(id);
    const devices = this.roster.devicesConcernedBy(id);
    await this.rematchAlone(id, origin);
    if (wasLeaving) await this.rematchAll(this.roster.agentsConcernedBy(devices), origin);
  }

  private async rematchAlone(id: string, origin: Origin): Promise<void> {
    await this.update(keysIn(id), origin, (stored, whole) => {
      // An agent without a register is about to get one, by its own observation.
      if (stored === undefined || !this.isOutdated(id)) return undefined;
      if (whole === undefined) return 'needs-whole';
      if (whole === null) return undefined;
      if (!this.roster.isLeaving(id)) return rematched(whole, this.roster.matchOf(id), stored);
      const gone: Register = { ...whole, presence: 'gone', attributes: {} };
      return rematched(gone, this.roster.matchOf(id, knownAgentOf(gone, this.identities)), stored);
    });
  }

  private isOutdated(id: string): boolean {
    const stored = this.roster.registerOf(id);
    if (stored === undefined) return false;
    return this.roster.isLeaving(id) || !sameMatch(matchIn(stored), this.roster.matchOf(id));
  }

  private async rematchAll(ids: Iterable<string>, origin: Origin): Promise<void> {
    // Most stay as they are, and of one whose register nobody is writing that is certain.
    const concerned = [...new Set(ids)].filter((id) => this.writing.has(id) || this.isOutdated(id));
    await Promise.all(concerned.map((id) => this.rematch(id, origin)));
  }

  private async register(observation: Observation, sequence: number, origin: Origin): Promise<void> {
    const keys = { source: observation.source, agentId: observation.agentId };
    const id = idOf(keys);
    await this.update(keys, origin, (stored, whole) => {
      // Delivered again although a newer observation is known, whose own message registers it. Times would not tell: a
      // clock may have been set back.
      if (sequence < (this.tables.agents.sequenceOf(keys) ?? 0)) return undefined;
      const isGoing = observation.presence === 'gone' && stored?.presence !== 'gone';
      // What a gone agent was stands only in its register.
      if (observation.presence === 'gone' && stored !== undefined && whole === undefined) return 'needs-whole';
      const register = registerOf(observation, whole ?? undefined);
      const match = this.roster.matchOf(id, isGoing ? knownAgentOf(register, this.identities) : undefined);
      const complete = { ...register, ...match, previousDevice: previousDevice(match, stored) };
      // It looks as if it had been registered before; only the attributes tell it from another one of the same instant.
      if (stored?.observedAt === observation.observedAt && sameMatch(matchIn(stored), match)) {
        if (whole === undefined) return 'needs-whole';
        if (whole !== null && isDeepStrictEqual({ ...complete, previousDevice: whole.previousDevice }, whole))
          return undefined;
      }
      return complete;
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
    const id = idOf(keys);
    this.writing.set(id, (this.writing.get(id) ?? 0) + 1);
    try {
      await this.updateNoted(keys, origin, decide);
    } finally {
      const left = (this.writing.get(id) ?? 1) - 1;
      if (left === 0) this.writing.delete(id);
      else this.writing.set(id, left);
    }
  }

  private async updateNoted(keys: AgentKeys, origin: Origin, decide: Parameters<Matcher['update']>[2]): Promise<void> {
    const { registers } = this.tables;
    let last: StoredRegister | null | undefined;
    for (let reads = 0; reads <= MAX_READS; reads += 1) {
      let isWanting = false;
      // Asked in turn with the writes under way: what counts is the register that they leave.
      await registers.write(keys, origin, (stored) => {
        const isCurrent = last?.sequence === registers.sequenceOf(keys);
        const data = decide(stored, isCurrent ? last?.register : last === null ? null : undefined);
        isWanting = data === 'needs-whole';
        if (data === undefined || data === 'needs-whole') return undefined;
        // A gone agent is remembered for as long as it keeps its device from others.
        return { data, retires: data.presence === 'gone' && data.formerDevice === undefined };
      });
      if (!isWanting) return;
      last = (await this.readRegister(keys)) ?? null;
    }
    throw new RetryLater(
      `the register of agent ${keys.agentId} was written by somebody else ${MAX_READS} times in a row`,
    );
  }

  private unfinishedOf(key: string): Set<string> {
    const devices = this.unfinished.get(key) ?? new Set();
    this.unfinished.set(key, devices);
    return devices;
  }
}

/** The register of an observation, before it is known where it belongs. An agent that is gone stays what it was. */
function registerOf(observation: Observation, before: Register | undefined): Register {
  const { hardware, goneReason, registeredAt, ...reported } = observation;
  const isGone = observation.presence === 'gone';
  const was = isGone ? before : undefined;
  const known = isEmpty(hardware) && was !== undefined ? hardwareIn(was) : hardware;
  const registered = registeredAt ?? was?.registeredAt;
  const isSilent = was !== undefined && observation.clean === undefined && isEmpty(observation.attributes);
  const clean = (was?.clean ?? true) && (isSilent || (observation.clean ?? isClean(observation.attributes)));
  return {
    ...reported,
    ...known,
    ...(isGone && goneReason !== undefined && { goneReason }),
    ...(registered !== undefined && { registeredAt: registered }),
    clean,
    state: 'unmatched',
    device: null,
    previousDevice: null,
  };
}

function hardwareIn({ serialNumber, macAddresses, hostname, uuid, externalId }: Register): Hardware {
  return {
    ...(serialNumber !== undefined && { serialNumber }),
    ...(macAddresses !== undefined && { macAddresses }),
    ...(hostname !== undefined && { hostname }),
    ...(uuid !== undefined && { uuid }),
    ...(externalId !== undefined && { externalId }),
  };
}

function isEmpty(fields: object): boolean {
  return Object.keys(fields).length === 0;
}

/** What the agent reported stays, where it belongs changes. */
function rematched(register: Register, match: Match, stored: KnownRegister): Register {
  const { candidates: _c, by: _b, trust: _t, problem: _p, formerDevice: _f, ...reported } = register;
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
    stored.by === match.by &&
    stored.trust === match.trust &&
    stored.problem === match.problem &&
    stored.formerDevice === match.formerDevice &&
    JSON.stringify(stored.candidates ?? []) === JSON.stringify(match.candidates ?? [])
  );
}
