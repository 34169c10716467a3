import { Controller, Inject } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { AgentMatched, type EventOf } from '@stance/contracts';
import { JetStreamContext, OnEvent } from '@stance/jetstream';
import { PostureKeeper } from './posture-keeper.js';
import { TABLES, type Tables } from './posture.store.js';

@Controller()
export class AgentMatchedHandler {
  /** By subject: the devices of a message that is not done with; a retry no longer finds those of the register before. */
  private readonly concerned = new Map<string, Set<string>>();

  constructor(
    @Inject(TABLES) private readonly tables: Tables,
    @Inject(PostureKeeper) private readonly keeper: PostureKeeper,
  ) {}

  @OnEvent(AgentMatched, { concurrency: 256 })
  async handle(@Payload() event: EventOf<typeof AgentMatched>, @Ctx() context: JetStreamContext): Promise<void> {
    const before = this.tables.registers.get(event.data)?.devices ?? [];
    this.tables.registers.apply(event, context.delivery);
    const now = this.tables.registers.get(event.data)?.devices ?? [];
    // The event itself also names the device before: after a restart the table holds only the register's last state.
    const { previousDevice } = event.data;
    const earlier = this.concerned.get(context.subject) ?? [];
    const devices = new Set([...earlier, ...before, ...now, ...(previousDevice === null ? [] : [previousDevice])]);
    this.concerned.set(context.subject, devices);
    const atHand = { register: event.data, sequence: context.sequence };
    await Promise.all([...devices].map((device) => this.keeper.refresh(device, context.origin, atHand)));
    this.concerned.delete(context.subject);
  }
}
