import { Controller, Inject } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { PostureChanged, type EventOf } from '@stance/contracts';
import { JetStreamContext, OnEvent } from '@stance/jetstream';
import { Engine } from './engine.js';
import { TABLES, type Tables } from './engine.store.js';

@Controller()
export class PostureChangedHandler {
  constructor(
    @Inject(TABLES) private readonly tables: Tables,
    @Inject(Engine) private readonly engine: Engine,
  ) {}

  @OnEvent(PostureChanged, { concurrency: 256 })
  async handle(@Payload() event: EventOf<typeof PostureChanged>, @Ctx() context: JetStreamContext): Promise<void> {
    const { data } = event;
    this.tables.postures.apply(event, context.delivery);
    await this.engine.evaluate(data.deviceId, context.origin, { atHand: { revision: data.revision, subject: data } });
  }
}
