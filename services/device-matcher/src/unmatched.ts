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

/** A listing's later pages are of what its first one found, as long as they come within this time, in milliseconds. */
const SURVEY_LASTS_MS = 10_000;

interface Survey {
  /** `agent <id>` of the agents that belong to no device for certain, then `device <id>` of the devices without agents, in order. */
  readonly entries: readonly string[];
  readonly agents: number;
  readonly similar: SimilarDevices;
}

/** What has found no counterpart: agents without a device, and devices without an agent, as the registers stand. */
export class UnmatchedListing {
  private last: Survey | undefined;

  constructor(
    private readonly connection: NatsConnection,
    private readonly tables: Tables,
    private readonly roster: Roster,
  ) {}

  /** At most `limit` entries after a place in the listing: first the agents, in order, then the devices. */
  async page(after: string | undefined, limit: number): Promise<Answer> {
    const survey = this.surveyFor(after);
    const { entries } = survey;
    // In order as they stand: an agent comes before every device.
    const start = after === undefined ? 0 : entries.findIndex((entry) => entry > after);
    const page = start === -1 ? [] : entries.slice(start, start + limit);
    const isLast = start === -1 || start + limit >= entries.length;
    return {
      agents: await this.agents(idsOf('agent', page), survey.similar),
      devices: await this.devices(idsOf('device', page)),
      total: survey.agents,
      next: isLast ? null : (page.at(-1) ?? null),
    };
  }

  private surveyFor(after: string | undefined): Survey {
    const known = after === undefined ? undefined : this.last;
    if (known !== undefined) return known;
    const survey = this.survey();
    this.last = survey;
    // It is as large as the inventory, and of no use to anybody afterwards.
    setTimeout(() => {
      if (this.last === survey) this.last = undefined;
    }, SURVEY_LASTS_MS).unref();
    return survey;
  }

  private survey(): Survey {
    const open: string[] = [];
    const served = new Set<string>();
    for (const keys of this.tables.registers.keys()) {
      const register = this.tables.registers.get(keys);
      if (register === undefined || register.presence === 'gone') continue;
      if (register.state !== 'matched') open.push(`agent ${idOf(keys)}`);
      if (register.device !== null) served.add(register.device);
      for (const device of register.candidates ?? []) served.add(device);
    }
    const enrolled = [...this.enrolled()];
    const lonely = enrolled.flatMap(({ deviceId }) => (served.has(deviceId) ? [] : [`device ${deviceId}`]));
    return {
      entries: [...open.toSorted(), ...lonely.toSorted()],
      agents: open.length,
      similar: new SimilarDevices(enrolled),
    };
  }

  private async agents(ids: readonly string[], similar: SimilarDevices): Promise<Answer['agents']> {
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
