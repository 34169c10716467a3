import { Controller, Inject } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { DeviceRecorded, type EventOf } from '@stance/contracts';
import { JetStreamContext, OnEvent } from '@stance/jetstream';
import { PostureKeeper } from './posture-keeper.js';
import { TABLES, type Tables } from './posture.store.js';

@Controller()
export class DeviceRecordedHandler {
  constructor(
    @Inject(TABLES) private readonly tables: Tables,
    @Inject(PostureKeeper) private readonly keeper: PostureKeeper,
  ) {}

  @OnEvent(DeviceRecorded, { concurrency: 256 })
  async handle(@Payload() event: EventOf<typeof DeviceRecorded>, @Ctx() context: JetStreamContext): Promise<void> {
    this.tables.devices.apply(event, context.delivery);
    await this.keeper.refresh(event.data.deviceId, context.origin);
  }
}
