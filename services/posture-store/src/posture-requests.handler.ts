import { Controller, Inject } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { GetPosture, ListPostures } from '@stance/contracts';
import { OnRequest, RequestFailed } from '@stance/jetstream';
import type { z } from 'zod';
import type { Posture } from './posture.js';
import { postureIn, TABLES, type Tables } from './posture.store.js';

@Controller()
export class PostureRequestsHandler {
  constructor(@Inject(TABLES) private readonly tables: Tables) {}

  @OnRequest(GetPosture)
  get(@Payload() { deviceId }: z.output<typeof GetPosture.input>): Posture {
    const posture = this.postureOf(deviceId);
    if (posture === undefined) throw new RequestFailed('not-found', `no posture is known of ${deviceId}`);
    return posture;
  }

  @OnRequest(ListPostures)
  list(@Payload() { after, limit }: z.output<typeof ListPostures.input>): z.output<typeof ListPostures.output> {
    const ids = [...this.tables.postures.keys()].map(({ deviceId }) => deviceId).toSorted();
    const rest = after === undefined ? ids : ids.filter((id) => id > after);
    const page = rest.slice(0, limit);
    return {
      postures: page.map((id) => this.postureOf(id)).filter((posture) => posture !== undefined),
      next: rest.length > page.length ? (page.at(-1) ?? null) : null,
    };
  }

  private postureOf(deviceId: string): Posture | undefined {
    const stored = this.tables.postures.get({ deviceId });
    return stored && postureIn(stored);
  }
}
