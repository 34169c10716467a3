import { AgentExists, type Agent, type Fleet, type MalformedForm } from '@stance/simulators';

import type { Dice } from './dice.js';
import type { Console, Device, Estate } from './estate.js';

/** Odd forms that say what a record says, or less; nobody's machine becomes another by them. */
const FORMS: readonly MalformedForm[] = [
  'serial-absent',
  'serial-null',
  'serial-empty',
  'serial-placeholder',
  'mac-dashes',
  'mac-dots',
  'mac-upper-case',
  'mac-all-zero',
  'mac-8-bytes',
  'network-interfaces-absent',
  'network-interfaces-null',
  'booleans-as-strings',
  'unknown-fields',
  'unknown-enum-values',
  'timestamps-without-fraction',
];

/** How many agents of each console things happen to; the others are there to be listed. */
const CAST = 60;

/** So few absences of any console are ordinary: nobody has to approve of them. */
const FEW = 3;

type Happening = (fleet: Fleet, id: string) => unknown;

/**
 * What befalls machines and the inventory, drawn by dice. What an agent that has left keeps from others depends on what was
 * known when it left: so agents leave only in times of their own, and of one serial number at most one comes or goes at a time.
 */
export class Life {
  private readonly touched = new Set<string>();
  /** By console: how many have left since all was settled. */
  private readonly leaving = new Map<string, number>();
  /** By serial number: the last record of one that left. */
  private readonly left = new Map<string, Agent>();

  constructor(
    private readonly estate: Estate,
    private readonly dice: Dice,
    /** Tells of every word of the inventory. */
    private readonly recorded: (device: Device) => void,
  ) {}

  /** Everything is settled: serial numbers may change hands again. */
  rested(): void {
    this.touched.clear();
    this.leaving.clear();
  }

  /** An inventory of most machines, with what inventories get wrong. */
  async takeStock(): Promise<void> {
    const machines = this.estate.consoles.flatMap(({ name, tenant }) =>
      tenant.fleet.list().map((agent, index) => ({ agent, deviceId: `${name}-${index}` })),
    );
    const devices = machines.flatMap(({ agent, deviceId }) => this.entriesFor(agent, deviceId));
    await Promise.all(devices.map((device) => this.record(device)));
  }

  /** Something happens to a machine, or to what is known of it. */
  async happen(): Promise<void> {
    if (this.dice.chance(0.15)) return this.inventoryChanges();
    if (this.dice.chance(0.12)) return this.register();
    const { tenant } = this.anyConsole();
    const agent = this.anyAgent(tenant.fleet);
    this.dice.pick(HAPPENINGS)(tenant.fleet, agent.id);
    if (this.dice.chance(0.08)) tenant.fleet.malform(this.dice.pick(FORMS), { ids: [agent.id] });
  }

  /** An agent leaves its console, with a word or without one. */
  leave(): void {
    const { name, tenant } = this.anyConsole();
    const agent = this.anyAgent(tenant.fleet);
    const leaving = this.leaving.get(name) ?? 0;
    if (agent.isUninstalled || leaving >= FEW || !this.claim(agent)) return;
    this.leaving.set(name, leaving + 1);
    this.left.set(serialOf(agent), agent);
    if (this.dice.chance(0.5)) tenant.fleet.uninstall(agent.id, { silent: this.dice.chance(0.3) });
    else tenant.fleet.remove(agent.id);
  }

  /** A new agent: on a machine set up anew, with a serial number that was copied, moved to the other console, or there as well. */
  private register(): void {
    const [{ tenant }, other] = this.twoConsoles();
    const left = [...this.left.values()];
    const agent = left.length > 0 && this.dice.chance(0.4) ? this.dice.pick(left) : this.anyAgent(tenant.fleet);
    if (!this.claim(agent)) return;
    const { serialNumber = null, networkInterfaces, computerName } = agent;
    const machine = { serialNumber, networkInterfaces, computerName };
    const isListed = tenant.fleet.agents.get(agent.id) !== undefined;
    const fate = this.dice.fraction();
    try {
      if (!isListed) tenant.fleet.add(fate < 0.6 ? machine : { serialNumber });
      else if (fate < 0.4) tenant.fleet.reimage(agent.id);
      else if (fate < 0.7) tenant.fleet.cloneSerial(agent.id);
      else if (fate < 0.85) tenant.migrate(agent.id, other.tenant);
      else other.tenant.fleet.add({ ...machine, ...(this.dice.chance(0.5) && { uuid: agent.uuid }) });
    } catch (error) {
      // Two ids of the same millisecond.
      if (!(error instanceof AgentExists)) throw error;
    }
  }

  private async inventoryChanges(): Promise<void> {
    const device = this.dice.pick([...this.estate.inventory.values()].slice(0, CAST));
    const isRetired = device.state === 'retired';
    if (isRetired || this.dice.chance(0.2)) {
      return this.record({ ...device, state: isRetired ? 'enrolled' : 'retired' });
    }
    await this.record({
      ...device,
      owner: `${this.dice.below(9)}@corp.example`,
      groups: [`group-${this.dice.below(3)}`],
    });
  }

  private entriesFor(agent: Agent, deviceId: string): Device[] {
    const entry = (hardware: Device['hardware'], more: Partial<Device> = {}): Device => ({
      deviceId,
      state: 'enrolled',
      hardware,
      groups: [],
      tags: [],
      ...more,
    });
    const serialNumber = agent.serialNumber ?? '';
    const draw = this.dice.below(20);
    // Nobody's, known by its certificate alone, and written down twice.
    if (draw === 0) return [];
    if (draw === 1) return [entry({}, { identities: { certificateSan: [`urn:uuid:${agent.uuid}`] } })];
    if (draw === 2) return [entry({ serialNumber }), { ...entry({ serialNumber }), deviceId: `${deviceId}-again` }];
    return [entry({ serialNumber: draw % 2 === 0 ? ` ${serialNumber.toLowerCase()}` : serialNumber })];
  }

  private async record(device: Device): Promise<void> {
    this.recorded(device);
    await this.estate.record(device);
  }

  private anyConsole(): Console {
    return this.dice.pick(this.estate.consoles);
  }

  private twoConsoles(): [Console, Console] {
    const [north, south] = [this.estate.console('north'), this.estate.console('south')];
    return this.dice.chance(0.5) ? [north, south] : [south, north];
  }

  private anyAgent(fleet: Fleet): Agent {
    return this.dice.pick(fleet.list().slice(-CAST));
  }

  /** Whether the agent's serial number has seen no other come or go since all was settled. */
  private claim(agent: Agent): boolean {
    const serial = serialOf(agent);
    if (this.touched.has(serial)) return false;
    this.touched.add(serial);
    return true;
  }
}

function serialOf({ serialNumber, id }: Agent): string {
  return serialNumber ?? id;
}

const HAPPENINGS: readonly Happening[] = [
  (fleet, id) => fleet.infect(id),
  (fleet, id) => fleet.infect(id, { silent: true }),
  (fleet, id) => fleet.clean(id),
  (fleet, id) => fleet.clean(id),
  (fleet, id) => fleet.isolate(id),
  (fleet, id) => fleet.reconnect(id),
  (fleet, id) => fleet.reconnect(id, { silent: true }),
  (fleet, id) => fleet.silence(id, { inactiveAfterMs: 500 }),
  (fleet, id) => fleet.return(id),
  (fleet, id) => fleet.heartbeat(id),
  (fleet, id) => fleet.heartbeat(id),
  (fleet, id) => fleet.update(id, {}),
  (fleet, id) => fleet.update(id, { agentVersion: `24.${id.at(-1)}.1.${Date.now() % 100}` }),
  (fleet, id) => fleet.update(id, { encryptedApplications: false }, { silent: true }),
  (fleet, id) => fleet.decommission(id),
  (fleet, id) => fleet.recommission(id),
  (fleet, id) => fleet.setRight(id),
];
