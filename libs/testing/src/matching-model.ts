/** What hardware says of a machine once all forms of one value are taken for the same, and what says nothing is left out. */
export interface HardwareMeaning {
  readonly serial?: string;
  /** Why there is no serial number. */
  readonly serialProblem?: 'no-serial' | 'placeholder-serial';
  readonly uuid?: string;
  readonly externalId?: string;
  readonly hostname?: string;
  readonly macs: readonly string[];
}

export type ModelKey = 'serial' | 'externalId+mac' | 'uuid' | 'mac+hostname';

/** An agent as it was last reported while present. Times in any unit. */
export interface AgentReport {
  readonly means: HardwareMeaning;
  readonly clean: boolean;
  readonly decommissioned: boolean;
  readonly registeredAt: number | undefined;
  readonly lastSeenAt: number | undefined;
}

interface Agent extends AgentReport {
  readonly id: string;
  readonly gone: boolean;
  /** Of a gone one: the device that it keeps from those who cannot prove to be its successor. */
  readonly keeps?: string | undefined;
}

export interface ModelDevice {
  readonly id: string;
  readonly means: HardwareMeaning;
  /** UUIDs in its certificate. */
  readonly proves: readonly string[];
}

type Problem =
  | 'no-serial'
  | 'placeholder-serial'
  | 'no-device'
  | 'duplicate-device-serial'
  | 'duplicate-agent-serial'
  | 'several-devices'
  | 'several-agents'
  | 'conflicting-keys'
  | 'unproven-successor'
  | 'superseded'
  | 'linked-elsewhere';

/** What a register says of where its agent belongs. */
export interface Placement {
  readonly state: 'matched' | 'unmatched' | 'quarantined';
  readonly device: string | null;
  readonly candidates?: readonly string[];
  readonly by?: ModelKey | 'manual' | undefined;
  readonly trust?: 'verified' | 'reported' | 'weak' | undefined;
  readonly problem?: Problem | undefined;
  readonly formerDevice?: string | undefined;
}

interface Claim {
  readonly devices: readonly string[];
  readonly by?: Placement['by'];
  readonly trust?: Placement['trust'];
  readonly problem?: Problem;
}

/**
 * Where agents belong, written down from `docs/matching.md` sentence by sentence, without indexes, tables or anything of the
 * matcher's: slow, and easy to hold against the text. Good for a few thousand agents.
 */
export class MatchingModel {
  private readonly agents = new Map<string, Agent>();
  private readonly devices = new Map<string, ModelDevice>();
  private readonly links = new Map<string, string>();
  /** Found once for each word on a device: they are asked for over and over. */
  private readonly claims = new Map<string, Claim>();

  constructor(private readonly keys: readonly ModelKey[]) {}

  knows(agent: string): boolean {
    return this.agents.has(agent);
  }

  isPresent(agent: string): boolean {
    return this.agents.get(agent)?.gone === false;
  }

  /** Whether what happens next depends on what happened before. */
  get remembers(): boolean {
    return [...this.agents.values()].some(({ keeps }) => keeps !== undefined);
  }

  observe(id: string, report: AgentReport): void {
    this.agents.set(id, { ...report, id, gone: false });
    this.claims.delete(id);
    this.forget();
  }

  /** `report`: of an agent that nobody has seen before. */
  leave(id: string, report: AgentReport): void {
    const before = this.agents.get(id);
    if (before?.gone) return;
    const agent: Agent = before ?? { ...report, id, gone: false };
    const { devices } = this.claimOf(agent);
    this.agents.set(id, { ...agent, gone: true, ...(devices.length === 1 && { keeps: devices[0] }) });
    this.forget();
  }

  enroll(device: ModelDevice): void {
    this.devices.set(device.id, device);
    this.claims.clear();
    this.forget();
  }

  retire(device: string): void {
    this.devices.delete(device);
    this.claims.clear();
    this.forget();
  }

  link(agent: string, device: string | undefined): void {
    if (device === undefined) this.links.delete(agent);
    else this.links.set(agent, device);
    this.claims.delete(agent);
    this.forget();
  }

  /** By agent. */
  expected(): Record<string, Placement> {
    return Object.fromEntries([...this.agents.values()].map((agent) => [agent.id, this.matchOf(agent)]));
  }

  private matchOf(agent: Agent): Placement {
    if (agent.gone) {
      return { state: 'unmatched', device: null, ...(agent.keeps !== undefined && { formerDevice: agent.keeps }) };
    }
    const { devices, by, trust, problem } = this.claimOf(agent);
    const [device] = devices;
    if (device === undefined) return { state: 'unmatched', device: null, problem };
    if (devices.length > 1) {
      const open = devices.filter((each) => !this.claimants(each).some((other) => this.isLinked(other)));
      if (open.length === 0) return { state: 'unmatched', device: null, problem: 'linked-elsewhere' };
      return { state: 'quarantined', device: null, candidates: open, problem };
    }
    const verdict = this.verdictOn(device).get(agent.id);
    if (verdict === 'matched') return { state: 'matched', device, by, trust };
    if (verdict === 'superseded' || verdict === 'linked-elsewhere')
      return { state: 'unmatched', device: null, problem: verdict };
    return { state: 'quarantined', device: null, candidates: [device], problem: verdict };
  }

  /** A gone agent keeps its device until another has succeeded it, a person has given it to another, or it is retired. */
  private forget(): void {
    for (const agent of this.agents.values()) {
      if (agent.keeps === undefined) continue;
      const verdict = this.verdictOn(agent.keeps).get(agent.id);
      const isSetAside = verdict === 'superseded' || verdict === 'linked-elsewhere';
      if (isSetAside || !this.devices.has(agent.keeps)) this.agents.set(agent.id, { ...agent, keeps: undefined });
    }
  }

  private claimOf(agent: Agent): Claim {
    const claim = this.claims.get(agent.id) ?? this.claimAnew(agent);
    this.claims.set(agent.id, claim);
    return claim;
  }

  private claimAnew({ id, means }: Agent): Claim {
    const linked = this.links.get(id);
    if (linked !== undefined && this.devices.has(linked)) return { devices: [linked], by: 'manual', trust: 'verified' };
    const named = this.keys
      .map((key) => ({ key, devices: [...this.devices.values()].filter((device) => agreeOn(key, means, device)) }))
      .filter(({ devices }) => devices.length > 0);
    const [first] = named;
    const [device] = first?.devices ?? [];
    if (first === undefined || device === undefined)
      return { devices: [], problem: means.serialProblem ?? 'no-device' };
    if (first.devices.length > 1) {
      const problem = first.key === 'serial' ? 'duplicate-device-serial' : 'several-devices';
      return { devices: first.devices.map((each) => each.id).toSorted(), problem };
    }
    if (named.some(({ devices }) => !devices.includes(device))) {
      const all = new Set(named.flatMap(({ devices }) => devices.map((each) => each.id)));
      return { devices: [...all].toSorted(), problem: 'conflicting-keys' };
    }
    const isProved = first.key === 'uuid' && means.uuid !== undefined && device.proves.includes(means.uuid);
    const trust = first.key === 'mac+hostname' ? 'weak' : isProved ? 'verified' : 'reported';
    return { devices: [device.id], by: first.key, trust };
  }

  /** Everybody whose own keys or link name this device alone, and the gone ones who keep it. */
  private claimants(device: string): Agent[] {
    return [...this.agents.values()].filter((agent) => {
      if (agent.gone) return agent.keeps === device;
      const { devices } = this.claimOf(agent);
      return devices.length === 1 && devices[0] === device;
    });
  }

  /** A link counts while its agent is not gone. */
  private isLinked(agent: Agent): boolean {
    return !agent.gone && this.claimOf(agent).by === 'manual';
  }

  private verdictOn(device: string): Map<string, 'matched' | Problem> {
    const claimants = this.claimants(device);
    const all = (verdictOf: (agent: Agent) => 'matched' | Problem) =>
      new Map(claimants.map((agent) => [agent.id, verdictOf(agent)]));

    // 1. A person's link goes first.
    if (claimants.some((agent) => this.isLinked(agent)))
      return all((agent) => (this.isLinked(agent) ? 'matched' : 'linked-elsewhere'));

    // 2. Agents out of service do not speak for it while another is in service; a decommissioned one does while there is no other.
    const inService = claimants.filter(({ gone, decommissioned }) => !gone && !decommissioned);
    const speaking = inService.length > 0 ? inService : claimants.filter(({ gone }) => !gone);
    if (speaking.length === 0) return all(() => 'matched');

    // 3. Succession.
    const superseded = speaking.filter((one) => speaking.some((other) => this.takesOverFrom(other, one)));
    const remaining = speaking.filter((one) => !superseded.includes(one));
    const before = claimants.filter((one) => !speaking.includes(one));

    // 4. One machine.
    const problem = !isOneMachine(remaining)
      ? remaining.every((one) => this.claimOf(one).by === 'serial')
        ? 'duplicate-agent-serial'
        : 'several-agents'
      : before.every((one) => remaining.length === 0 || remaining.some((other) => this.mayFollow(other, one)))
        ? undefined
        : 'unproven-successor';
    return all((one) => {
      if (superseded.includes(one)) return 'superseded';
      if (problem !== undefined) return problem;
      if (remaining.length === 0) return 'matched';
      return remaining.includes(one) ? 'matched' : 'superseded';
    });
  }

  /** Whether one has been silent since the other registered, and is succeeded by it. */
  private takesOverFrom(other: Agent, one: Agent): boolean {
    if (other === one || one.lastSeenAt === undefined || other.registeredAt === undefined) return false;
    return one.lastSeenAt < other.registeredAt && this.succeeds(other, one);
  }

  /** Whether one that is out of service does not hold up the other: that one was there before it, or succeeds it. */
  private mayFollow(other: Agent, one: Agent): boolean {
    const wasThereBefore =
      other.registeredAt !== undefined && one.registeredAt !== undefined && other.registeredAt < one.registeredAt;
    return one.clean && (wasThereBefore || this.succeeds(other, one));
  }

  /** The one before was clean, and another identifier agrees than the key that the new one is matched by. */
  private succeeds(other: Agent, one: Agent): boolean {
    const { by } = this.claimOf(other);
    const same = (identifier: 'serial' | 'uuid' | 'externalId') =>
      one.means[identifier] !== undefined && one.means[identifier] === other.means[identifier];
    const macCounts = by !== 'externalId+mac' && by !== 'mac+hostname';
    return (
      one.clean &&
      ((by !== 'serial' && same('serial')) ||
        (by !== 'uuid' && same('uuid')) ||
        (by === 'mac+hostname' && same('externalId') && haveMacInCommon(one.means, other.means)) ||
        (macCounts && haveMacInCommon(one.means, other.means)))
    );
  }
}

function agreeOn(key: ModelKey, agent: HardwareMeaning, { means: device, proves }: ModelDevice): boolean {
  const same = (identifier: 'serial' | 'externalId' | 'hostname') =>
    agent[identifier] !== undefined && agent[identifier] === device[identifier];
  if (key === 'uuid') return agent.uuid !== undefined && (proves.includes(agent.uuid) || agent.uuid === device.uuid);
  if (key === 'serial') return same('serial');
  return haveMacInCommon(agent, device) && same(key === 'mac+hostname' ? 'hostname' : 'externalId');
}

function haveMacInCommon(one: HardwareMeaning, other: HardwareMeaning): boolean {
  return one.macs.some((mac) => other.macs.includes(mac));
}

/** Whether all hang together by equal UUIDs and hardware addresses in common: each group takes in whom it touches. */
function isOneMachine(agents: readonly Agent[]): boolean {
  const groups = agents.reduce<Agent[][]>((known, agent) => {
    const touches = (group: Agent[]) =>
      group.some(
        ({ means }) =>
          (means.uuid !== undefined && means.uuid === agent.means.uuid) || haveMacInCommon(means, agent.means),
      );
    return [[agent, ...known.filter(touches).flat()], ...known.filter((group) => !touches(group))];
  }, []);
  return groups.length <= 1;
}
