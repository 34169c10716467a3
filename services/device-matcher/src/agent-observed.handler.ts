import { Controller, Inject } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { AgentObserved, type EventOf } from '@stance/contracts';
import { JetStreamContext, OnEvent } from '@stance/jetstream';
import { Matcher } from './matcher.js';
import { TABLES, type Tables } from './matching.store.js';

@Controller()
export class AgentObservedHandler {
  constructor(
    @Inject(TABLES) private readonly tables: Tables,
    @Inject(Matcher) private readonly matcher: Matcher,
  ) {}

  @OnEvent(AgentObserved, { concurrency: 256 })
  async handle(@Payload() event: EventOf<typeof AgentObserved>, @Ctx() context: JetStreamContext): Promise<void> {
    const take = () => void this.tables.agents.apply(event, context.delivery);
    await this.matcher.agentObserved(event.data, context.sequence, context.origin, take);
  }
}
