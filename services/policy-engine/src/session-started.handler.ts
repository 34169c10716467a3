import { Controller, Inject } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { SessionStarted, type EventOf } from '@stance/contracts';
import { JetStreamContext, OnEvent } from '@stance/jetstream';
import { CLOCK, type Clock } from './clock.js';
import { Engine } from './engine.js';
import { OpenSessions } from './open-sessions.js';

/** A session that starts just as its device turns bad is revoked too: whichever of the two comes second sees the other. */
@Controller()
export class SessionStartedHandler {
  constructor(
    @Inject(OpenSessions) private readonly sessions: OpenSessions,
    @Inject(Engine) private readonly engine: Engine,
    @Inject(CLOCK) private readonly now: Clock,
  ) {}

  @OnEvent(SessionStarted, { orderBy: 'deviceId', concurrency: 256 })
  async handle(@Payload() { data }: EventOf<typeof SessionStarted>, @Ctx() context: JetStreamContext): Promise<void> {
    this.sessions.started(data, this.now());
    await this.engine.evaluate(data.deviceId, context.origin);
  }
}
