import { Controller, Inject } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { OperatorActed, type EventOf } from '@stance/contracts';
import { OnEvent, type JetStreamContext } from '@stance/jetstream';
import { TABLES, type Tables } from '../engine.store.js';
import { HELD_DEVICES } from './held-devices.js';
import type { FleetReview } from '../fleet-review.js';

/**
 * Carries out what a gateway holds back, all of it, once a person says so. In the background: it may be a large part of a
 * fleet, and an engine that takes over looks at every device anyway.
 */
@Controller()
export class HoldReleasedHandler {
  constructor(
    @Inject(TABLES) private readonly tables: Tables,
    @Inject(HELD_DEVICES) private readonly heldDevices: FleetReview,
  ) {}

  @OnEvent(OperatorActed)
  handle(@Payload() event: EventOf<typeof OperatorActed>, @Ctx() context: JetStreamContext): void {
    if (event.data.kind !== 'hold-released') return;
    this.tables.releases.apply(event, context.delivery);
    this.heldDevices.start(context.origin.input, context.origin.cause);
  }
}
