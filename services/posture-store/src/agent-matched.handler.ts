import { Controller, Inject } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { AgentMatched, type EventOf } from '@stance/contracts';
import { JetStreamContext, OnEvent } from '@stance/jetstream';
import { OpenMoves } from './open-moves.js';
import { PostureKeeper } from './posture-keeper.js';
import { TABLES, type Tables } from './posture.store.js';

@Controller()
export class AgentMatchedHandler {
  private readonly moves = new OpenMoves();

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
    const previous = previousDevice === null ? [] : [previousDevice];
    const devices = this.moves.open(context.subject, [...before, ...now, ...previous]);
    const atHand = { register: event.data, sequence: context.sequence };
    await Promise.all([...devices].map((device) => this.keeper.refresh(device, context.origin, atHand)));
    this.moves.close(context.subject);
  }
}
