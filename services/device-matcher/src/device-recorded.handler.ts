import { Controller, Inject } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { DeviceRecorded, type EventOf } from '@stance/contracts';
import { JetStreamContext, OnEvent } from '@stance/jetstream';
import { Matcher } from './matcher.js';
import { TABLES, type Tables } from './matching.store.js';

@Controller()
export class DeviceRecordedHandler {
  constructor(
    @Inject(TABLES) private readonly tables: Tables,
    @Inject(Matcher) private readonly matcher: Matcher,
  ) {}

  @OnEvent(DeviceRecorded, { concurrency: 256 })
  async handle(@Payload() event: EventOf<typeof DeviceRecorded>, @Ctx() context: JetStreamContext): Promise<void> {
    const { deviceId } = event.data;
    const before = this.tables.devices.get({ deviceId });
    this.tables.devices.apply(event, context.delivery);
    await this.matcher.deviceRecorded(deviceId, before, context.origin);
  }
}
