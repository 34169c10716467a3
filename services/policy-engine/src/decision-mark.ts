import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { STREAMS } from '@stance/contracts';
import type { WarmTable } from '@stance/service-kit';

/** Where the stream of decisions stood when this engine became active, for gateways that read a copy of it. */
export class DecisionMark implements WarmTable {
  private mark: { readonly sequence: number; readonly at: string } | undefined;

  constructor(private readonly connection: NatsConnection) {}

  /** `at` is the server's time; undefined before the engine is about to become active. */
  get activeFrom(): { readonly sequence: number; readonly at: string } | undefined {
    return this.mark;
  }

  async load(): Promise<void> {
    await this.caughtUp();
  }

  /** Called once the lease is held, and before anything is written. */
  async caughtUp(): Promise<void> {
    const { streams } = await jetstreamManager(this.connection, { checkAPI: false });
    const { state, ts } = await streams.info(STREAMS.DECISIONS.name);
    this.mark = { sequence: state.last_seq, at: new Date(ts ?? Date.now()).toISOString() };
  }

  stopFollowing(): Promise<void> {
    return Promise.resolve();
  }
}
