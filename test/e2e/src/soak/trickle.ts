import type { SentinelOneTenant } from '@stance/simulators';

import type { Dice } from '../estate/dice.js';
import type { Device, Estate } from '../estate/estate.js';
import type { Watch } from './watch.js';

interface Machine {
  readonly tenant: SentinelOneTenant;
  readonly id: string;
  readonly device: string;
}

type Act = (machine: Machine) => { readonly attribute: string; readonly value: boolean | string };

/** Machines with a device each, and the steady trickle of what happens to them on a working day. */
export class Trickle {
  private readonly machines: Machine[];
  private turn = 0;
  private versions = 0;

  constructor(
    private readonly estate: Estate,
    private readonly dice: Dice,
    private readonly watch: Watch,
  ) {
    this.machines = estate.consoles.flatMap(({ name, tenant }) =>
      tenant.fleet.list().map(({ id }, index) => ({ tenant, id, device: `${name}-${index}` })),
    );
  }

  /** An inventory that lists every machine. */
  async takeStock(recorded: (device: Device) => void): Promise<void> {
    const devices = this.machines.map(({ tenant, id, device }): Device => ({
      deviceId: device,
      state: 'enrolled',
      hardware: { serialNumber: tenant.fleet.get(id).serialNumber ?? '' },
      groups: [],
      tags: [],
    }));
    devices.forEach(recorded);
    await Promise.all(devices.map((device) => this.estate.record(device)));
  }

  /** Machines of a console that its poller will find gone. */
  remove(console: string, count: number): void {
    const gone = this.machines.filter(({ device }) => device.startsWith(`${console}-`)).slice(0, count);
    for (const machine of gone) {
      this.machines.splice(this.machines.indexOf(machine), 1);
      machine.tenant.fleet.remove(machine.id);
      this.watch.forget(machine.device);
    }
  }

  /** So many agents report to their console, by turns. */
  heartbeats(count: number): void {
    for (let beats = 0; beats < count; beats += 1) {
      this.turn = (this.turn + 1) % this.machines.length;
      const { tenant, id } = this.machines[this.turn] ?? this.anyMachine();
      tenant.fleet.heartbeat(id);
    }
  }

  /** Something changes that a posture has to show. */
  change(): void {
    const machine = this.anyMachine();
    this.watch.expect({ device: machine.device, ...this.dice.pick(this.acts)(machine) });
  }

  private anyMachine(): Machine {
    return this.dice.pick(this.machines);
  }

  private readonly acts: readonly Act[] = [
    ({ tenant, id }) => {
      const { infected } = tenant.fleet.get(id);
      if (infected) tenant.fleet.clean(id);
      else tenant.fleet.infect(id);
      return { attribute: 'sentinelOne:infected', value: !infected };
    },
    ({ tenant, id }) => {
      // The agents list says nothing of it: only the threats do.
      const { infected } = tenant.fleet.get(id);
      if (infected) tenant.fleet.clean(id, { silent: true });
      else tenant.fleet.infect(id, { silent: true });
      return { attribute: 'sentinelOne:infected', value: !infected };
    },
    ({ tenant, id }) => {
      const isConnected = tenant.fleet.get(id).networkStatus === 'connected';
      if (isConnected) tenant.fleet.isolate(id);
      else tenant.fleet.reconnect(id);
      return { attribute: 'sentinelOne:networkStatus', value: isConnected ? 'disconnected' : 'connected' };
    },
    ({ tenant, id }) => {
      this.versions += 1;
      const agentVersion = `24.3.2.${this.versions}`;
      tenant.fleet.update(id, { agentVersion });
      return { attribute: 'sentinelOne:agentVersion', value: agentVersion };
    },
  ];
}
