import type { Origin } from '@stance/jetstream';
import { changedNames, nextRevision, postureOf, sameAgents, type PostureBody } from './posture.js';
import { postureIn, type AgentKeys, type KnownRegister, type StoredRegister, type Tables } from './posture.store.js';

/** Reads an agent's register back from the stream. */
export type ReadRegister = (keys: AgentKeys) => Promise<StoredRegister | undefined>;

/** Keeps one posture record per device, from the registers that name it and its inventory record. */
export class PostureKeeper {
  private readonly agentsOfDevice = new Map<string, Map<string, AgentKeys>>();
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
    for (const device of now?.devices ?? []) {
      const agents = this.agentsOfDevice.get(device);
      const known = { source: keys.source, agentId: keys.agentId };
      if (agents === undefined) this.agentsOfDevice.set(device, new Map([[id, known]]));
      else agents.set(id, known);
    }
  };

  /** Brings a device's posture up to date. `atHand` saves reading back a register that has just been delivered. */
  async refresh(deviceId: string, origin: Origin, atHand?: StoredRegister): Promise<void> {
    for (;;) {
      const version = this.versionOf(deviceId);
      const registers = await this.registersOf(deviceId, atHand);
      let outdated = false;
      await this.tables?.postures.write({ deviceId }, origin, (stored) => {
        if (version !== this.versionOf(deviceId)) {
          outdated = true;
          return undefined;
        }
        const device = this.tables?.devices.get({ deviceId });
        if (stored === undefined && device === undefined && registers.length === 0) return undefined;
        const before = stored && postureIn(stored);
        const posture = postureOf(
          deviceId,
          device,
          registers.map(({ register }) => register),
        );
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
      if (!outdated) return;
    }
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

  private mayBeLeft(deviceId: string, { agents, problems }: PostureBody): boolean {
    // Which agents made it uncertain is not in the posture.
    if (problems.includes('quarantined')) return true;
    const known = this.agentsOfDevice.get(deviceId);
    return agents.some((keys) => !known?.has(idOf(keys)));
  }

  private async registersOf(deviceId: string, atHand: StoredRegister | undefined): Promise<StoredRegister[]> {
    const agents = [...(this.agentsOfDevice.get(deviceId)?.values() ?? [])];
    const registers = await Promise.all(
      agents.map(async (keys) => {
        const isAtHand = atHand !== undefined && idOf(atHand.register) === idOf(keys);
        return isAtHand && atHand.sequence === this.tables?.registers.sequenceOf(keys)
          ? atHand
          : this.readRegister(keys);
      }),
    );
    return registers.filter((register) => register !== undefined);
  }

  /** Tells whether anything has arrived of the device's agents since their registers were read. */
  private versionOf(deviceId: string): string {
    const agents = [...(this.agentsOfDevice.get(deviceId)?.values() ?? [])];
    return agents.map((keys) => `${idOf(keys)}@${this.tables?.registers.sequenceOf(keys)}`).join();
  }
}

function idOf({ source, agentId }: AgentKeys): string {
  return `${source}\0${agentId}`;
}
