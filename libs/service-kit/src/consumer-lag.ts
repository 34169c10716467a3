import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import type { JetStreamStrategy } from '@stance/jetstream';
import { observeGauge } from './metrics.js';

/** Between two looks at the consumers, in milliseconds. */
const LOOK_EVERY_MS = 5_000;

/**
 * Looks at a service's own consumers for as long as it is the active replica, and shows how many messages each has yet to
 * settle. Of one that the server does not tell of just now nothing is shown.
 */
export class ConsumerLag {
  private readonly waiting = new Map<string, number>();
  private timer: NodeJS.Timeout | undefined;
  private endObservation: (() => void) | undefined;

  constructor(
    private readonly connection: NatsConnection,
    private readonly service: string,
    private readonly consumers: JetStreamStrategy['consumers'],
    private readonly trouble: (message: string, error: unknown) => void,
  ) {}

  start(): void {
    if (this.consumers.length === 0) return;
    const { service } = this;
    const definition = {
      meter: '@stance/service-kit',
      name: 'stance.consumer.lag',
      unit: '{message}',
      description: 'Messages that a service has yet to settle: not delivered, or delivered and under way',
    };
    this.endObservation = observeGauge(definition, (tell) => {
      for (const [event, count] of this.waiting) tell(count, { service, event });
    });
    this.timer = setInterval(() => void this.look(), LOOK_EVERY_MS);
    void this.look();
  }

  stop(): void {
    clearInterval(this.timer);
    this.endObservation?.();
  }

  private async look(): Promise<void> {
    await Promise.all(this.consumers.map((consumer) => this.lookAt(consumer)));
  }

  private async lookAt({ contract, stream, durable }: JetStreamStrategy['consumers'][number]): Promise<void> {
    try {
      const manager = await jetstreamManager(this.connection, { checkAPI: false });
      const { num_pending, num_ack_pending } = await manager.consumers.info(stream, durable);
      this.waiting.set(contract.name, num_pending + num_ack_pending);
    } catch (error) {
      const isNews = this.waiting.delete(contract.name);
      if (isNews && !this.connection.isClosed()) this.trouble(`consumer ${durable} cannot be looked at`, error);
    }
  }
}
