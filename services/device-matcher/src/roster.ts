import { claimOf, type Claim, type DeviceLookup } from './claim.js';
import { contest, type Claimant, type Standing } from './contest.js';
import { KeyIndex } from './key-index.js';
import { IdentityIndex } from './identity-index.js';
import type { MatchKey } from './match-keys.js';
import {
  isNobody,
  type AgentKeys,
  type KnownAgent,
  type KnownDevice,
  type KnownRegister,
  type ManualLink,
  type Observer,
  type Register,
  type Tables,
} from './matching.store.js';

/** The part of a register that says where an agent belongs. */
export type Match = Pick<Register, 'state' | 'device' | 'candidates' | 'by' | 'trust' | 'problem' | 'formerDevice'>;

/**
 * Who claims which device, and with what outcome, as of what the tables hold. Answers are found anew whenever they are asked
 * for: nothing that was decided once can be out of date.
 */
export class Roster implements Observer {
  private readonly agentsByKey: IdentityIndex;
  private readonly devicesByKey: IdentityIndex;
  /** By device: the agents whose registers name it, as theirs, as one of several, or as the one they left. */
  private readonly agentsRegisteredTo = new KeyIndex();
  private readonly agentsLinkedTo = new KeyIndex();
  /** Agents that are gone without it being known what they were; see {@link isLeaving}. */
  private readonly leaving = new Set<string>();
  private readonly links = new Map<string, ManualLink & { readonly sequence: number }>();
  /** Of devices that many claim, of the tables as they are; forgotten at every change. */
  private readonly contests = new Map<string, ReadonlyMap<string, Standing>>();

  constructor(
    private readonly keys: readonly MatchKey[],
    private readonly tables: () => Tables,
    private readonly now: () => number = Date.now,
  ) {
    this.agentsByKey = new IdentityIndex(keys);
    this.devicesByKey = new IdentityIndex(keys);
  }

  agentChanged(keys: AgentKeys, agent: KnownAgent | undefined, before: KnownAgent | undefined): void {
    this.contests.clear();
    this.agentsByKey.changed(idOf(keys), ifPresent(before), ifPresent(agent));
    this.noteLeaving(keys, agent, this.tables().registers.get(keys));
  }

  deviceChanged(deviceId: string, device: KnownDevice | undefined, before: KnownDevice | undefined): void {
    this.contests.clear();
    this.devicesByKey.changed(deviceId, ifEnrolled(before), ifEnrolled(device));
  }

  registerChanged(keys: AgentKeys, register: KnownRegister | undefined, before: KnownRegister | undefined): void {
    if (register?.presence === 'gone' || before?.presence === 'gone') this.contests.clear();
    this.agentsRegisteredTo.changed(idOf(keys), devicesIn(before), devicesIn(register));
    this.noteLeaving(keys, this.tables().agents.get(keys), register);
  }

  linkChanged(keys: AgentKeys, link: ManualLink | undefined, sequence: number): void {
    const id = idOf(keys);
    const before = this.links.get(id);
    // A link and its undoing have subjects of their own: the one that was stored last counts.
    if (before !== undefined && before.sequence >= sequence) return;
    this.contests.clear();
    const now = { device: link?.device, until: link?.until, sequence };
    this.links.set(id, now);
    this.agentsLinkedTo.changed(id, listOf(before?.device), listOf(now.device));
  }

  /** Where an agent belongs. `gone`: as it was, for an agent whose going is not in the tables yet. */
  matchOf(id: string, gone?: KnownAgent): Match {
    const agent = gone ?? this.knownAgent(id);
    if (agent === undefined) return unmatched('no-device');
    const claim = this.claimBy(id, agent);
    if (agent.presence === 'gone') return this.matchOfGone(id, claim);
    if (claim.kind === 'nothing') return unmatched(claim.problem);
    if (claim.kind === 'ambiguous') return this.ambiguous(id, claim);
    // Nobody may take a place before it is known who leaves it.
    if (this.isLeft(claim.device)) {
      return this.asRegistered(id) ?? quarantined('unproven-successor', [claim.device]);
    }
    const standing = this.contestOf(claim.device).get(id);
    if (standing === undefined) return unmatched('no-device');
    if (standing.state === 'quarantined') return quarantined(standing.problem, [claim.device]);
    if (standing.state === 'set-aside') return unmatched(standing.problem);
    return { state: 'matched', device: claim.device, by: claim.by, trust: claim.trust };
  }

  /** The devices that an agent's keys or link name, and those that its register does. */
  devicesConcernedBy(id: string): string[] {
    const agent = this.knownAgent(id);
    const claim: Claim = agent === undefined ? NOTHING : this.claimBy(id, agent);
    return [...new Set([...devicesOfClaim(claim), ...devicesIn(this.registerOf(id))])];
  }

  /** Every agent whose match may depend on these devices. `before`: what a device was. */
  agentsConcernedBy(devices: Iterable<string>, before?: KnownDevice): Set<string> {
    const ids = new Set<string>();
    const add = (more: readonly string[]) => more.forEach((id) => ids.add(id));
    add(this.agentsByKey.idsSharing(ifEnrolled(before)));
    for (const device of devices) {
      add(this.agentsByKey.idsSharing(ifEnrolled(this.tables().devices.get({ deviceId: device }))));
      add(this.agentsRegisteredTo.idsOf(device));
      add(this.agentsLinkedTo.idsOf(device));
    }
    return ids;
  }

  /** Every agent that has a register or was observed. */
  *agents(): IterableIterator<string> {
    const { agents, registers } = this.tables();
    for (const keys of agents.keys()) yield idOf(keys);
    // The last observation of one that is gone ends by itself, before its register does.
    for (const keys of registers.keys()) if (agents.get(keys) === undefined) yield idOf(keys);
  }

  /**
   * Whether an agent is gone, what it was is not known, and its register does not say that it is gone yet, as after a restart
   * in the middle: until that register has been read back, nobody may take its place.
   */
  isLeaving(id: string): boolean {
    return this.leaving.has(id);
  }

  /** Whether an agent's last observation says that it is there. */
  isPresent(id: string): boolean {
    return this.tables().agents.get(keysIn(id))?.presence === 'present';
  }

  private noteLeaving(keys: AgentKeys, agent: KnownAgent | undefined, register: KnownRegister | undefined): void {
    const id = idOf(keys);
    if (agent?.presence === 'gone' && isNobody(agent) && register?.presence === 'present') this.leaving.add(id);
    else this.leaving.delete(id);
  }

  private isLeft(device: string): boolean {
    return this.leaving.size > 0 && this.agentsRegisteredTo.idsOf(device).some((id) => this.leaving.has(id));
  }

  registerOf(id: string): KnownRegister | undefined {
    return this.tables().registers.get(keysIn(id));
  }

  /** When the next link ends or should have ended, in milliseconds since the epoch. */
  nextLinkEnd(): number | undefined {
    const inForce = [...this.links.values()].filter(({ device }) => device !== undefined);
    const ends = inForce.map(({ until }) => until).filter((until) => until !== undefined);
    return ends.length === 0 ? undefined : Math.min(...ends);
  }

  /** Takes back the links that have ended; returns the devices and agents concerned. */
  expireLinks(): { agents: string[]; devices: string[] } {
    const ended = [...this.links].filter(
      ([, { device, until = Infinity }]) => device !== undefined && until <= this.now(),
    );
    for (const [id, { device, sequence }] of ended) {
      this.links.set(id, { device: undefined, until: undefined, sequence });
      this.agentsLinkedTo.changed(id, listOf(device), []);
    }
    if (ended.length > 0) this.contests.clear();
    return { agents: ended.map(([id]) => id), devices: ended.flatMap(([, { device }]) => listOf(device)) };
  }

  /** Other devices with the same value of a key. */
  devicesSharingKeysWith(deviceId: string): string[] {
    const sharing = this.devicesByKey.idsSharing(ifEnrolled(this.tables().devices.get({ deviceId })));
    const others = sharing.filter((id) => id !== deviceId);
    return [...new Set(others)].toSorted();
  }

  private knownAgent(id: string): KnownAgent | undefined {
    const agent = this.tables().agents.get(keysIn(id));
    if (agent?.presence === 'present') return agent;
    // Gone: its register remembers what it was, across restarts and for longer than its observations.
    return this.registerOf(id)?.former?.agent ?? agent;
  }

  /** What an agent claims: by a person's word, or else by its keys. */
  private claimBy(id: string, agent: KnownAgent): Claim {
    const { device, until = Infinity } = this.links.get(id) ?? {};
    const isLinked = device !== undefined && until > this.now() && this.isEnrolled(device);
    if (isLinked) return { kind: 'device', device, by: 'manual', trust: 'verified' };
    return claimOf(agent, this.keys, this.lookup);
  }

  private readonly lookup: DeviceLookup = {
    devicesWith: (key, value) => this.devicesByKey.idsOf(key, value),
    isCertified: (deviceId, uuid) => this.tables().devices.get({ deviceId })?.certified.includes(uuid) ?? false,
  };

  /** A gone agent belongs nowhere; it keeps its device from others while nobody has proved to be its successor. */
  private matchOfGone(id: string, claim: Claim): Match {
    const register = this.registerOf(id);
    if (register?.presence !== 'gone') {
      if (claim.kind !== 'device') return unmatched(claim.problem);
      return { state: 'unmatched', device: null, formerDevice: claim.device };
    }
    const { former } = register;
    // Who has been succeeded once stays so.
    if (former === undefined) return matchIn(register);
    if (!this.isEnrolled(former.device)) return unmatched('no-device');
    const standing = this.contestOf(former.device).get(id);
    if (standing?.state === 'set-aside') return unmatched(standing.problem);
    return { state: 'unmatched', device: null, formerDevice: former.device };
  }

  /** Several devices share its keys: none is its own, but those that a person has given to another are out of the question. */
  private ambiguous(id: string, { devices, problem }: Extract<Claim, { kind: 'ambiguous' }>): Match {
    const open = devices.filter(
      (device) => !this.agentsLinkedTo.idsOf(device).some((other) => other !== id && this.isLinkedTo(other, device)),
    );
    return open.length === 0 ? unmatched('linked-elsewhere') : quarantined(problem, open);
  }

  private isLinkedTo(id: string, device: string): boolean {
    const agent = this.knownAgent(id);
    if (agent === undefined || agent.presence === 'gone') return false;
    const claim = this.claimBy(id, agent);
    return claim.kind === 'device' && claim.by === 'manual' && claim.device === device;
  }

  private contestOf(device: string): ReadonlyMap<string, Standing> {
    const known = this.contests.get(device);
    if (known !== undefined) return known;
    const claimants = this.claimantsOf(device);
    const outcome = contest(claimants);
    if (claimants.length > MANY) this.contests.set(device, outcome);
    return outcome;
  }

  private claimantsOf(device: string): Claimant[] {
    const claimants: Claimant[] = [];
    for (const id of this.agentsConcernedBy([device])) {
      const agent = this.knownAgent(id);
      if (agent === undefined) continue;
      const isGone = agent.presence === 'gone';
      const claim = isGone ? this.keptBy(id, agent) : this.claimBy(id, agent);
      if (claim?.kind !== 'device' || claim.device !== device) continue;
      const { clean, registeredAt, lastSeenAt, decommissioned } = agent;
      const withdrawn = isGone ? 'gone' : decommissioned ? 'decommissioned' : 'no';
      claimants.push({
        id,
        identity: agent,
        by: claim.by,
        withdrawn,
        clean,
        registeredAt,
        lastSeenAt,
      });
    }
    return claimants;
  }

  /** What a gone agent keeps from others, whatever its keys name by now. */
  private keptBy(id: string, agent: KnownAgent): Claim | undefined {
    const register = this.registerOf(id);
    // Not registered as gone yet: it leaves what its keys name.
    if (register?.presence !== 'gone') return this.claimBy(id, agent);
    const device = register.former?.device;
    // By which key it came there does not matter: only a link would, and nobody is linked to what is gone.
    return device === undefined ? undefined : { kind: 'device', device, by: 'serial', trust: 'reported' };
  }

  private asRegistered(id: string): Match | undefined {
    const register = this.registerOf(id);
    return register && matchIn(register);
  }

  private isEnrolled(deviceId: string): boolean {
    return this.tables().devices.get({ deviceId })?.enrolled ?? false;
  }
}

function ifPresent(agent: KnownAgent | undefined): KnownAgent | undefined {
  return agent?.presence === 'present' ? agent : undefined;
}

function ifEnrolled(device: KnownDevice | undefined): KnownDevice | undefined {
  return device?.enrolled ? device : undefined;
}

/** Claimants beyond which the outcome is not found anew for each of them. */
const MANY = 8;

const NOTHING: Claim = { kind: 'nothing', problem: 'no-device' };

function devicesOfClaim(claim: Claim): readonly string[] {
  if (claim.kind === 'device') return [claim.device];
  return claim.kind === 'ambiguous' ? claim.devices : [];
}

function devicesIn(register: KnownRegister | undefined): readonly string[] {
  if (register === undefined) return [];
  if (register.device !== null) return [register.device];
  return register.candidates ?? listOf(register.former?.device);
}

function listOf(item: string | undefined): string[] {
  return item === undefined ? [] : [item];
}

/** What a register says of where its agent belongs. */
export function matchIn({ state, device, candidates, by, trust, problem, former }: KnownRegister): Match {
  return {
    state,
    device,
    ...(candidates !== undefined && { candidates: [...candidates] }),
    ...(by !== undefined && { by }),
    ...(trust !== undefined && { trust }),
    ...(problem !== undefined && { problem }),
    ...(former !== undefined && { formerDevice: former.device }),
  };
}

function unmatched(problem: NonNullable<Register['problem']>): Match {
  return { state: 'unmatched', device: null, problem };
}

function quarantined(problem: NonNullable<Register['problem']>, devices: readonly string[]): Match {
  return { state: 'quarantined', device: null, candidates: [...devices], problem };
}

/** One string per agent: sources and agent ids cannot be confused, as a NUL stands in neither. */
export function idOf({ source, agentId }: AgentKeys): string {
  // Joined, which makes one flat string: a template would keep its parts as well.
  return [source, agentId].join('\0');
}

export function keysIn(id: string): AgentKeys {
  const end = id.indexOf('\0');
  return { source: id.slice(0, end), agentId: id.slice(end + 1) };
}
