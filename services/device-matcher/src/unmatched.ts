import type { NatsConnection } from '@nats-io/transport-node';
import {
  AgentMatched,
  DeviceRecorded,
  UnreadableEvent,
  type DataOf,
  type EventContract,
  type KeysOf,
  type ListUnmatched,
} from '@stance/contracts';
import { readLastEvent } from '@stance/jetstream';
import type { z } from 'zod';
import type { KnownDevice, Tables } from './matching.store.js';
import { idOf, keysIn, type Roster } from './roster.js';
import { SimilarDevices } from './similar.js';

type Answer = z.output<typeof ListUnmatched.output>;

/** What has found no counterpart: agents without a device, and devices without an agent, as the registers stand. */
export class UnmatchedListing {
  constructor(
    private readonly connection: NatsConnection,
    private readonly tables: Tables,
    private readonly roster: Roster,
  ) {}

  /** At most `limit` entries after a place in the listing: first the agents, in order, then the devices. */
  async page(after: string | undefined, limit: number): Promise<Answer> {
    const { open, lonely } = this.survey();
    const entries = [...open.map((id) => `agent ${id}`), ...lonely.map((id) => `device ${id}`)];
    // In order as they stand: an agent comes before every device.
    const rest = after === undefined ? entries : entries.filter((entry) => entry > after);
    const page = rest.slice(0, limit);
    return {
      agents: await this.agents(idsOf('agent', page)),
      devices: await this.devices(idsOf('device', page)),
      total: open.length,
      next: rest.length > page.length ? (page.at(-1) ?? null) : null,
    };
  }

  /** The agents that belong to no device for certain, and the enrolled devices that none belongs or may belong to. */
  private survey(): { open: string[]; lonely: string[] } {
    const open: string[] = [];
    const served = new Set<string>();
    for (const keys of this.tables.registers.keys()) {
      const register = this.tables.registers.get(keys);
      if (register === undefined || register.presence === 'gone') continue;
      if (register.state !== 'matched') open.push(idOf(keys));
      if (register.device !== null) served.add(register.device);
      for (const device of register.candidates ?? []) served.add(device);
    }
    const enrolled = [...this.enrolled()].map(({ deviceId }) => deviceId);
    return { open: open.toSorted(), lonely: enrolled.filter((deviceId) => !served.has(deviceId)).toSorted() };
  }

  private async agents(ids: readonly string[]): Promise<Answer['agents']> {
    if (ids.length === 0) return [];
    const similar = new SimilarDevices(this.enrolled());
    const agents = await Promise.all(
      ids.map(async (id) => {
        const register = await this.read(AgentMatched, keysIn(id));
        if (register === undefined) return undefined;
        const { attributes: _attributes, ...rest } = register;
        const identity = this.tables.agents.get(keysIn(id));
        return { ...rest, similar: identity === undefined ? [] : similar.to(identity) };
      }),
    );
    return agents.filter((agent) => agent !== undefined);
  }

  private async devices(ids: readonly string[]): Promise<Answer['devices']> {
    return Promise.all(
      ids.map(async (deviceId) => {
        const serialProblem = this.tables.devices.get({ deviceId })?.serialProblem;
        const recorded = await this.read(DeviceRecorded, { deviceId });
        const { serialNumber, hostname } = recorded?.hardware ?? {};
        const sharesKeyWith = this.roster.devicesSharingKeysWith(deviceId);
        const problem = sharesKeyWith.length > 0 ? 'several-devices' : serialProblem;
        return {
          deviceId,
          ...(serialNumber !== undefined && { serialNumber }),
          ...(hostname !== undefined && { hostname }),
          ...(problem !== undefined && { problem }),
          sharesKeyWith,
        };
      }),
    );
  }

  private *enrolled(): IterableIterator<KnownDevice & { readonly deviceId: string }> {
    for (const { deviceId } of this.tables.devices.keys()) {
      const device = this.tables.devices.get({ deviceId });
      if (device?.enrolled) yield { deviceId, ...device };
    }
  }

  /** What the tables leave in the stream, for those few that a person looks at. */
  private async read<Contract extends EventContract>(
    contract: Contract,
    keys: KeysOf<Contract>,
  ): Promise<DataOf<Contract> | undefined> {
    try {
      const last = await readLastEvent(this.connection, contract, keys);
      return last?.event.data;
    } catch (error) {
      if (error instanceof UnreadableEvent) return undefined;
      throw error;
    }
  }
}

function idsOf(kind: 'agent' | 'device', page: readonly string[]): string[] {
  const prefix = `${kind} `;
  return page.flatMap((entry) => (entry.startsWith(prefix) ? [entry.slice(prefix.length)] : []));
}
