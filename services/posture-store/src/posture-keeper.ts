import type { Origin } from '@stance/jetstream';
import { changedNames, nextRevision, postureOf, sameAgents, type PostureBody, type Register } from './posture.js';
import { postureIn, type AgentKeys, type KnownRegister, type StoredRegister, type Tables } from './posture.store.js';
import { Turns } from './turns.js';

/** Reads an agent's register back from the stream. */
export type ReadRegister = (keys: AgentKeys) => Promise<StoredRegister | undefined>;

/** What a posture is brought up to date for, and the register that came with it. */
interface Ask {
  readonly origin: Origin;
  readonly atHand: StoredRegister | undefined;
}

/** Keeps one posture record per device, from the registers that name it and its inventory record. */
export class PostureKeeper {
  private readonly agentsOfDevice = new Map<string, Map<string, KnownRegister>>();
  private readonly turns = new Turns<Ask>((deviceId, asks) => this.rewrite(deviceId, asks));
  private tables: Tables | undefined;

  constructor(
    private readonly readRegister: ReadRegister,
    private readonly now: () => number = Date.now,
  ) {}

  use(tables: Tables): void {
    this.tables = tables;
  }

  /** Keeps the index of a device's agents; the table of registers reports its changes here. */
  readonly registerChanged = (
    keys: AgentKeys,
    now: KnownRegister | undefined,
    before: KnownRegister | undefined,
  ): void => {
    const id = idOf(keys);
    for (const device of before?.devices ?? []) {
      const agents = this.agentsOfDevice.get(device);
      agents?.delete(id);
      if (agents?.size === 0) this.agentsOfDevice.delete(device);
    }
    if (now === undefined) return;
    for (const device of now.devices) {
      const agents = this.agentsOfDevice.get(device);
      if (agents === undefined) this.agentsOfDevice.set(device, new Map([[id, now]]));
      else agents.set(id, now);
    }
  };

  /**
   * Brings a device's posture up to date; whoever asks while that is under way shares the next time.
   * `atHand` saves reading back a register that has just been delivered.
   */
  refresh(deviceId: string, origin: Origin, atHand?: StoredRegister): Promise<void> {
    return this.turns.ask(deviceId, { origin, atHand });
  }

  private async rewrite(deviceId: string, asks: readonly [Ask, ...Ask[]]): Promise<void> {
    // What arrives from here on asks for the next time.
    const known = [...(this.agentsOfDevice.get(deviceId)?.values() ?? [])];
    // Of agents that are not certain to be the device's the bearing is enough: there may be hundreds.
    const bearings = known.map(({ bearing }) => bearing).filter((bearing) => bearing !== 'agent');
    const own = known.filter(({ bearing }) => bearing === 'agent');
    const registers = await this.read(own, asks);
    // The cause that has waited longest; what else asked for it is linked to.
    const [{ origin: first }, ...others] = asks;
    const origin = { ...first, links: others.map((ask) => ask.origin.cause.traceparent) };
    await this.tables?.postures.write({ deviceId }, origin, (stored) => {
      const device = this.tables?.devices.get({ deviceId });
      if (stored === undefined && device === undefined && registers.length + bearings.length === 0) return undefined;
      const before = stored && postureIn(stored);
      const posture = postureOf(deviceId, device, registers, bearings);
      const changed = changedNames(before, posture);
      if (before !== undefined && changed.length === 0 && sameAgents(before, posture)) return undefined;
      return {
        data: {
          deviceId,
          revision: nextRevision(stored?.revision, this.now()),
          ...posture,
          changed,
        },
        retires: device?.state === 'retired',
      };
    });
  }

  /**
   * The devices whose posture speaks of an agent that may have left them, and `undefined` for each of the others. A move is
   * told once, by the register's event; one that was lost (more events than the stream keeps, a crash half way) would leave
   * what the agent said for ever.
   */
  *leftBehind(): IterableIterator<string | undefined> {
    for (const { deviceId } of this.tables?.postures.keys() ?? []) {
      const stored = this.tables?.postures.get({ deviceId });
      yield stored !== undefined && this.mayBeLeft(deviceId, postureIn(stored)) ? deviceId : undefined;
    }
  }

  /**
   * The devices without a posture, or with one that does not speak of an agent of theirs, and `undefined` for each of the
   * others: to be asked when everything that waited was handled. What nats-server takes for settled is never delivered again
   * (docs/adr/0016).
   */
  *missed(): IterableIterator<string | undefined> {
    for (const { deviceId } of this.tables?.devices.keys() ?? []) {
      yield this.tables?.postures.get({ deviceId }) === undefined ? deviceId : undefined;
    }
    for (const [deviceId, agents] of this.agentsOfDevice) {
      const stored = this.tables?.postures.get({ deviceId });
      const told = new Set(stored && postureIn(stored).agents.map(idOf));
      const isUntold = ([id, { bearing }]: [string, KnownRegister]) => bearing === 'agent' && !told.has(id);
      yield stored === undefined || [...agents].some(isUntold) ? deviceId : undefined;
    }
  }

  private mayBeLeft(deviceId: string, { agents, problems }: PostureBody): boolean {
    // Which agents made it uncertain is not in the posture.
    if (problems.includes('quarantined')) return true;
    const known = this.agentsOfDevice.get(deviceId);
    return agents.some((keys) => !known?.has(idOf(keys)));
  }

  private async read(agents: readonly KnownRegister[], asks: readonly Ask[]): Promise<Register[]> {
    const delivered = new Map(asks.map(({ atHand }) => [atHand && idOf(atHand.register), atHand]));
    const stored = await Promise.all(
      agents.map(async ({ keys }) => {
        const atHand = delivered.get(idOf(keys));
        const isLast = atHand !== undefined && atHand.sequence === this.tables?.registers.sequenceOf(keys);
        return isLast ? atHand : this.readRegister(keys);
      }),
    );
    return stored.filter((one) => one !== undefined).map(({ register }) => register);
  }
}

function idOf({ source, agentId }: AgentKeys): string {
  return `${source}\0${agentId}`;
}
