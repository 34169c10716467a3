import { Controller, Inject } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { OperatorActed, type EventOf } from '@stance/contracts';
import { OnEvent, type JetStreamContext, type Origin } from '@stance/jetstream';
import { Engine } from '../engine.js';
import { TABLES, type Tables } from '../engine.store.js';
import { Holds } from './holds.js';

/** Devices whose revocations are carried out at the same time. */
const CONCURRENCY = 256;

/** Carries out what a gateway holds back, all of it, once a person says so. */
@Controller()
export class HoldReleasedHandler {
  constructor(
    @Inject(TABLES) private readonly tables: Tables,
    @Inject(Holds) private readonly holds: Holds,
    @Inject(Engine) private readonly engine: Engine,
  ) {}

  @OnEvent(OperatorActed)
  async handle(@Payload() event: EventOf<typeof OperatorActed>, @Ctx() context: JetStreamContext): Promise<void> {
    const { kind, targetId } = event.data;
    if (kind !== 'hold-released') return;
    this.tables.releases.apply(event, context.delivery);
    const devices = this.holds
      .list()
      .filter(({ gateway, until }) => gateway === targetId && this.holds.isReleased(gateway, until))
      .flatMap((hold) => [...hold.devices]);
    await this.carryOut(devices, context.origin);
  }

  private async carryOut(devices: readonly string[], origin: Origin): Promise<void> {
    const waiting = devices.values();
    const worker = async (): Promise<void> => {
      for (const deviceId of waiting) await this.engine.evaluate(deviceId, origin);
    };
    await Promise.all(Array.from({ length: Math.min(CONCURRENCY, devices.length) }, worker));
  }
}
