import { Controller, Inject } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { ListUnmatched } from '@stance/contracts';
import { OnRequest } from '@stance/jetstream';
import type { z } from 'zod';
import { idOf } from './matcher.js';
import { TABLES, type KnownRegister, type Tables } from './matching.store.js';

type Answer = z.output<typeof ListUnmatched.output>;

@Controller()
export class UnmatchedHandler {
  constructor(@Inject(TABLES) private readonly tables: Tables) {}

  @OnRequest(ListUnmatched)
  list(@Payload() { after, limit }: z.output<typeof ListUnmatched.input>): Answer {
    const matchedDevices = new Set<string>();
    const open: KnownRegister[] = [];
    for (const register of this.tables.registers.values()) {
      if (register.presence === 'gone') continue;
      if (register.state !== 'matched') open.push(register);
      for (const device of [register.device, ...(register.candidates ?? [])])
        if (device !== null) matchedDevices.add(device);
    }
    const sorted = open.toSorted((left, right) => (idOf(left) < idOf(right) ? -1 : 1));
    const rest = after === undefined ? sorted : sorted.filter((register) => idOf(register) > after);
    const page = rest.slice(0, limit);
    const last = page.at(-1);
    return {
      agents: page.map((register) => ({ ...register, similar: [] })),
      devices: after === undefined ? this.devicesWithoutAgent(matchedDevices, limit) : [],
      total: open.length,
      next: rest.length > page.length && last !== undefined ? idOf(last) : null,
    };
  }

  private devicesWithoutAgent(matched: ReadonlySet<string>, limit: number): Answer['devices'] {
    const devices: Answer['devices'] = [];
    for (const { deviceId, enrolled, serialNumber, hostname } of this.tables.devices.values()) {
      if (!enrolled || matched.has(deviceId)) continue;
      devices.push({
        deviceId,
        sharesKeyWith: [],
        ...(serialNumber !== undefined && { serialNumber }),
        ...(hostname !== undefined && { hostname }),
      });
      if (devices.length === limit) break;
    }
    return devices;
  }
}
