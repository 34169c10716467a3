import { Controller, Inject } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { OperatorActed, type EventOf } from '@stance/contracts';
import { JetStreamContext, OnEvent } from '@stance/jetstream';
import { LinkExpiry } from './link-expiry.js';
import { Matcher } from './matcher.js';
import { linkActOf, TABLES, type Tables } from './matching.store.js';

@Controller()
export class OperatorActedHandler {
  constructor(
    @Inject(TABLES) private readonly tables: Tables,
    @Inject(Matcher) private readonly matcher: Matcher,
    @Inject(LinkExpiry) private readonly expiry: LinkExpiry,
  ) {}

  @OnEvent(OperatorActed)
  async handle(@Payload() event: EventOf<typeof OperatorActed>, @Ctx() context: JetStreamContext): Promise<void> {
    const act = linkActOf(event.data);
    if (act === undefined) return;
    const take = () => void this.tables.links.apply(event, context.delivery);
    await this.matcher.linkChanged(act.keys, context.origin, take);
    this.expiry.schedule();
  }
}
