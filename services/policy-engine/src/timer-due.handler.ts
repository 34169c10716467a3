import { Controller, Inject } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { TimerDue, type EventOf } from '@stance/contracts';
import { JetStreamContext, OnEvent } from '@stance/jetstream';
import { Engine } from './engine.js';

@Controller()
export class TimerDueHandler {
  constructor(@Inject(Engine) private readonly engine: Engine) {}

  @OnEvent(TimerDue, { concurrency: 256, beginsTrace: true })
  async handle(@Payload() { data }: EventOf<typeof TimerDue>, @Ctx() context: JetStreamContext): Promise<void> {
    // The server's clock may be ahead of ours: decided for the earlier time, the timer would be set again at once.
    await this.engine.evaluate(data.deviceId, context.origin, { at: Date.parse(data.dueAt) });
  }
}
